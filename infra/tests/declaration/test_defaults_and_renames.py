"""Values that stand where a client says nothing, and names that things had before (U7)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from groundplan.declaration.loader import judge_system
from infra.tests.following.samples import DECLARED


def found(field: dict[str, Any], name: str = "extra_field") -> list[str]:
    values = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    values["services"]["catalogue"]["resources"]["item"]["fields"][name] = field
    return [f"{'.'.join(map(str, each.path[6:]))}: {each.expected}" for each in judge_system(values)]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "default": "red"},
        {"type": "text", "default": "none so far"},
        {"type": "integer", "default": 3, "minimum": 0, "maximum": 3},
        {"type": "decimal", "default": 1, "required": True},
        {"type": "decimal", "default": 9.95, "scale": 2},
        {"type": "boolean", "default": False, "required": True},
        {"type": "enum", "values": ["small", "large"], "default": "small"},
    ],
)
def test_defaults_that_fit(field: dict[str, Any]) -> None:
    assert found(field) == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"type": "string", "default": 3}, "a text, in quotes"),
        ({"type": "string", "default": True}, "a text, in quotes"),
        ({"type": "integer", "default": True}, "a whole number"),
        ({"type": "integer", "default": 1.5}, "a whole number"),
        ({"type": "integer", "default": 2**63}, "a number of 64 bits"),
        ({"type": "integer", "default": 1, "minimum": 2}, "at least 2"),
        ({"type": "integer", "default": 9, "maximum": 2}, "at most 2"),
        ({"type": "decimal", "default": 0.125}, "at most 2 digits after the point"),
        ({"type": "boolean", "default": 1}, "true or false"),
        ({"type": "boolean", "default": "yes"}, "true or false"),
        ({"type": "enum", "values": ["small"], "default": "large"}, "one of `small`"),
        ({"type": "string", "max_length": 3, "default": "black"}, "0 to 3 characters"),
        ({"type": "string", "unique": True, "default": "black"}, "no `default` on a unique field"),
        ({"type": "string", "default": 'a "b"'}, "without backslashes"),
        ({"type": "string", "default": "a:b"}, "without backslashes"),
        ({"type": "string", "default": ""}, "without backslashes"),
        ({"type": "string", "default": [1]}, ""),
        ({"type": "json", "default": "x"}, "`default` only with the type"),
        ({"type": "date", "default": "2026-01-01"}, "`default` only with the type"),
        ({"type": "string", "renamed_from": "notes"}, "a name that is declared no more"),
    ],
)
def test_those_that_do_not(field: dict[str, Any], says: str) -> None:
    problems = found(field)
    assert len(problems) == 1, problems
    assert says in problems[0]


def test_the_owner_is_the_caller_and_has_no_default() -> None:
    owner = {"type": "string", "max_length": 64, "required": True, "indexed": True, "default": "me"}
    assert "no default of the owner" in found(owner, "holder_id")[0]


def test_a_name_has_one_heir() -> None:
    values = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    fields = values["services"]["catalogue"]["resources"]["item"]["fields"]
    fields["one"] = fields["two"] = {"type": "string", "renamed_from": "gone"}
    assert [each.expected for each in judge_system(values)] == ["an earlier name of one alone; `one` has it"]
