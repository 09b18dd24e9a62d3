"""The JSON Schema that editors use says what the loader says of single values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from groundplan.declaration.schema import SCHEMA_FILE, json_schema, schema_text
from infra.tests.declaration.cases import Wrong
from infra.tests.declaration.test_wrong_shapes import BOUNDS, CHOICES, KINDS, NAMES, UNKNOWN_AND_MISSING
from infra.tests.samples import ROOT, as_yaml, system_of

# What only the loader sees: JSON has no such number, and in YAML 1.2 an unquoted date is text.
BEYOND_SCHEMA = {"not a number", "date for text"}


def as_editor(text: str) -> Any:
    """The text as an editor's YAML 1.2 reads it: what PyYAML makes a date of is text there."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_file_is_in_step_with_the_model() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text(), (
        "run python -m groundplan.declaration.schema"
    )


def test_the_command_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("first.json", "second.json"):
        command = [sys.executable, "-m", "groundplan.declaration.schema", str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    first, second = ((tmp_path / name).read_bytes() for name in ("first.json", "second.json"))
    assert first == second == schema_text().encode()


@pytest.mark.parametrize("text", [(ROOT / "system.yaml").read_text(encoding="utf-8"), as_yaml(system_of(3, "sqs"))])
def test_sound_declarations_are_valid(text: str) -> None:
    assert [error.message for error in validator().iter_errors(as_editor(text))] == []


def test_the_declaration_names_its_schema() -> None:
    first_line = (ROOT / "system.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first_line == f"# yaml-language-server: $schema=./{SCHEMA_FILE}"


@pytest.mark.parametrize(
    "wrong",
    [wrong for wrong in (*UNKNOWN_AND_MISSING, *KINDS, *CHOICES, *BOUNDS, *NAMES) if wrong.id not in BEYOND_SCHEMA],
    ids=lambda wrong: wrong.id,
)
def test_what_the_loader_refuses_the_schema_refuses(wrong: Wrong) -> None:
    assert not validator().is_valid(as_editor(wrong.text()))


def test_every_key_is_explained() -> None:
    schema = json_schema()
    unexplained = [
        f"{owner}.{key}"
        for owner, definition in [("System", schema), *schema["$defs"].items()]
        for key, value in definition.get("properties", {}).items()
        if not value.get("description") and "$ref" not in value
    ]
    assert unexplained == []
