"""A declared retention can be kept, and is told where the tables are (S8)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import System
from groundplan.document.data_model import service_ddl

ALL = {"create": ["admin"], "delete": ["admin"]}


def declared(note: dict[str, Any] | None = None, line: dict[str, Any] | None = None) -> dict[str, Any]:
    """Notes with lines that refer to them."""
    return {
        "name": "desk",
        "identity": {"roles": ["admin"]},
        "services": {
            "note": {
                "resources": {
                    "note": {
                        "fields": {"text": {"type": "text", "required": True, "personal": True}},
                        "operations": ALL,
                        "retention_days": 730,
                    }
                    | (note or {}),
                    "line": {
                        "fields": {"note": {"type": "reference", "to": "note"}},
                        "operations": ALL,
                        "retention_days": 30,
                    }
                    | (line or {}),
                }
            }
        },
    }


def said(**changes: Any) -> list[tuple[str, str, str]]:
    return [(".".join(map(str, each.path)), each.expected, each.remedy) for each in judge_system(declared(**changes))]


def test_the_tables_say_how_long_rows_are_kept_and_have_a_way_to_the_old_ones() -> None:
    assert said() == []
    tables = service_ddl(System.model_validate(declared(note={"description": "What was said"})), "note")
    told = "-- What was said\n-- Kept for 730 days after the last change (S8)\nCREATE TABLE notes ("
    assert told in tables
    assert "CREATE INDEX notes_updated_at_idx ON notes (updated_at, id) WHERE deleted_at IS NULL;" in tables
    without = service_ddl(
        System.model_validate(declared(note={"retention_days": None}, line={"retention_days": None})), "note"
    )
    assert "updated_at_idx" not in without
    assert "Kept for" not in without


PERSON = {
    "owner": "subject",
    "erasure": "person",
    "fields": {"subject": {"type": "string", "max_length": 64, "required": True, "indexed": True}},
}
PATTERN = {
    "fields": {"text": {"type": "string", "pattern": "[a-z]+", "example": "abc", "required": True, "personal": True}}
}


@pytest.mark.parametrize(
    ("changes", "path", "expected", "remedy"),
    [
        ({"note": {"operations": {"create": ["admin"]}}}, "note.retention_days", "an operation `delete`", "`delete:`"),
        ({"note": PERSON}, "note.retention_days", "no retention of persons", "remove `retention_days`"),
        ({"line": {"retention_days": None}}, "note.retention_days", "its `note` holds", "to `line`"),
        ({"note": PATTERN}, "note.fields.text", "a value that says nothing", "remove `required`"),
    ],
)
def test_what_could_not_be_kept_is_refused(changes: dict[str, Any], path: str, expected: str, remedy: str) -> None:
    (found,) = [each for each in said(**changes) if each[0] == f"services.note.resources.{path}"]
    assert expected in found[1]
    assert remedy in found[2]
