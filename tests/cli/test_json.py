"""`--json`: one document on standard output, whose `format` names it and its number, also for what is refused (U5)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from groundplan.cli import main
from groundplan.cli._command import JsonOption
from groundplan.cli.documents import DOCUMENTS, Document, ProblemsDocument
from tests.cli.every_command import EVERY_COMMAND
from tests.projects import ROOT
from tools import json_documents

Captured = pytest.CaptureFixture[str]


def printed_by(name: str) -> list[type[Document]]:
    """What the command prints with `--json`, where it takes that."""
    options = [option for option in EVERY_COMMAND[name].params if "--json" in option.opts]
    # Another option of that name would print something without a format.
    assert all(isinstance(option, JsonOption) for option in options), name
    return [option.document for option in options if isinstance(option, JsonOption)]


WITH_JSON = {name: document for name in EVERY_COMMAND for document in printed_by(name)}
WORDS: dict[str, tuple[str, ...]] = {
    "plan": ("--stack", "dev"),
    "compare": ("--stack", "dev"),
    "cost": ("--stack", "dev", "--no-savings"),
    "quotas": ("--stack", "dev"),
    "check": ("--stack", "dev"),
    "service add": ("invoice", "--dry-run"),
    "service remove": ("payment", "--dry-run"),
    "service resize": ("order", "--set", "data_gb=700", "--dry-run"),
    "follow": ("--dry-run",),
    "contracts": ("--against", "HEAD"),
}
"""What each command with `--json` takes besides, so that it says something of the default project, and soon."""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("STACK", "BASE", "LOAD", "DATA", "GROWTH", "FROM", "TO", "SET", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(variable, raising=False)


def said(text: str, document: type[Document]) -> dict[str, Any]:
    """The one document in ``text``, which its published schema takes."""
    found: dict[str, Any] = json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
    assert found["format"] == document.named()
    jsonschema.validate(found, json.loads((json_documents.FOLDER / json_documents.file_of(document)).read_text()))
    return found


def test_every_command_with_json_is_tried_here() -> None:
    assert WITH_JSON.keys() == WORDS.keys()


@pytest.mark.parametrize("name", WITH_JSON)
def test_what_a_command_prints_says_its_format(
    name: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(project)
    assert main([*name.split(), *WORDS[name], "--json"]) == 0, capsys.readouterr()
    said(capsys.readouterr().out, WITH_JSON[name])


@pytest.mark.parametrize("words", [["--bogus"], ["extra", "words", "more"], ["--json=3"]], ids=str)
@pytest.mark.parametrize("name", WITH_JSON)
def test_words_that_a_command_does_not_take(name: str, words: list[str], capsys: Captured) -> None:
    assert main([*name.split(), "--json", *words]) == 2
    said(capsys.readouterr().out, ProblemsDocument)


@pytest.mark.parametrize("name", WITH_JSON)
def test_outside_of_a_project(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*name.split(), *WORDS[name][: name.startswith("service ")], "--json"]) == 1
    problems = said(capsys.readouterr().out, ProblemsDocument)["problems"]
    assert problems[0]["where"] in {"system.yaml", ".copier-answers.yml"}


def test_every_document_is_printed_by_a_command_and_in_the_reference() -> None:
    assert {*WITH_JSON.values(), ProblemsDocument} == set(DOCUMENTS)
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `groundplan (.+) --json` \| `(.+)` \| \[(.+)\]\(json/\3\) \|$", reference, re.MULTILINE)
    listed = {
        " ".join([*before, last]): (named, file)
        for words, named, file in rows
        for *before, lasts in [words.split(" ")]
        for last in lasts.split("\\|")
    }
    assert listed == {
        name: (document.named(), json_documents.file_of(document)) for name, document in WITH_JSON.items()
    }
    assert f"`{ProblemsDocument.named()}`" in reference


def test_the_schemas_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in json_documents.FOLDER.iterdir()}
    assert written == dict(json_documents.schemas()), "run python -m tools.json_documents"


def test_a_plan_of_all_stacks_and_of_one(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(project)
    assert main(["plan", "--json", "--stack", "dev"]) == 0
    assert list(said(capsys.readouterr().out, WITH_JSON["plan"])["stacks"]) == ["dev"]
    assert main(["plan", "--json"]) == 0
    everything = said(capsys.readouterr().out, WITH_JSON["plan"])
    assert list(everything["stacks"]) == ["dev", "staging", "prod"]
    assert everything["document"] == {"path": "ARCHITECTURE.md", "changed": []}


def test_a_service_that_the_template_cannot_add(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (project / ".copier-answers.yml").unlink()
    monkeypatch.chdir(project)
    assert main(["service", "add", "invoice", "--dry-run", "--json"]) == 1
    heard = capsys.readouterr()
    (problem,) = said(heard.out, ProblemsDocument)["problems"]
    assert problem["where"] == ".copier-answers.yml"
    assert problem["remedy"] in heard.err
