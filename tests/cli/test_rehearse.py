"""`make rehearse` without a CLI: what ran in-process is called a plan, and a user's mistakes are said plainly (U5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import rehearse
from groundplan.declaration.model import System
from groundplan.rehearsal import year
from groundplan.stack.environment import Environment
from infra.tests.samples import ROOT
from tests.cli.conftest import FEW


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("STACK", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def titles(said: str) -> dict[str, str]:
    """What is said of each operation."""
    found = (re.match(r"  (\S.*?)\s+\d+ s  (.*)", line) for line in said.splitlines())
    return {match[1].strip(): match[2] for match in found if match is not None}


@pytest.mark.usefixtures("few")
def test_without_a_cli_it_is_a_plan_of_a_year(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert rehearse.main(["--no-install", "--picture", str(tmp_path / "year.svg")]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("No rehearsal under the real engine: ")
    assert "https://www.pulumi.com/docs/iac/download-install/" in lines[0]
    assert lines[1] == "What follows runs in-process: a plan of what each operation would do, not a deployment."
    assert "A year of dev in-process, in the simulated cloud" in lines
    counted = titles(said.out)
    assert list(counted) == [
        *FEW[:2],
        "secrets are rotated",
        "a setting drifts, and a refresh",
        "everything destroyed",
        "up again, each call failing once",
        "destroyed, each call failing once",
        "up again, each answer lost once",
        "loss of the region",
    ]
    assert counted["loss of the region"] == "nothing comes back: no backup_copy_region"
    assert any(line.startswith("Loss of eu-central-1: nothing comes back of 1 databases") for line in lines)
    assert re.fullmatch(r"\d{3} created", counted[FEW[0]])
    assert "asked for by name" in counted["everything destroyed"]
    assert re.search(r"\d{3} calls went wrong, 0 left over", counted["up again, each call failing once"])
    assert lines[-1] == "what failed on the way was taken up again, with nothing left over."
    picture = (tmp_path / "year.svg").read_text()
    assert all(title in picture for title in counted)


def test_data_that_would_be_lost_unasked_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def changes(system: System, environment: Environment, *_: Any) -> Iterator[year.Operation]:
        yield year.Operation("deployed", system, {})
        alone = {name: service for name, service in system.services.items() if name == "user"}
        yield year.Operation("two services removed", system.model_copy(update={"services": alone}), {})

    monkeypatch.setattr(year, "operations", changes)
    assert rehearse.main(["--in-process", "--stack", "dev"]) == 1
    said = capsys.readouterr()
    assert "could live this year" not in said.out
    assert re.search(r"^dev is not ready: 1 surprise$", said.err, re.MULTILINE)
    assert re.search("- two services removed: data would be lost or moved with .*images-order", said.err)


@pytest.mark.usefixtures("few")
def test_a_fault_is_taken_up_again_and_one_that_meets_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def first(system: System, *_: Any) -> Iterator[year.Operation]:
        yield year.Operation("deployed", system, {})

    monkeypatch.setattr(year, "operations", first)
    assert rehearse.main(["--in-process", "--fault", "create:lost@db-shared-primary", "--fault", "delete@9999"]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[1:] == ["  - no call was met by the fault delete 9999"]
    assert rehearse.main(["--in-process", "--fault", "explode"]) == 1
    assert "for example --fault create:lost@db-order-primary" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("picture", "stacks", "remedy"),
    [("none/year.svg", ["dev"], "make the folder first"), ("year.svg", ["dev", "prod"], "one by one")],
)
def test_a_picture_that_can_not_be_written_is_refused_before_the_year(
    picture: str, stacks: list[str], remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [word for stack in stacks for word in ("--stack", stack)]
    assert rehearse.main(["--in-process", *named, "--picture", str(tmp_path / picture)]) == 1
    said = capsys.readouterr()
    assert remedy in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("pord", "did you mean `prod`?"),
        ("production-eu", "name one of them"),
        ("../Pulumi.dev", "name one of them"),
        ("Pulumi.dev.yaml", "name one of them"),
        ("DEV", "did you mean `dev`?"),
    ],
)
@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_stack_that_is_not_there(
    name: str, remedy: str, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if given == "environment":
        monkeypatch.setenv("STACK", name)
    assert rehearse.main(["--no-install", *(["--stack", name] if given == "option" else [])]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "1 problem",
        f"the command: STACK is {name}",
        "    expected: one of dev, staging, prod",
        f"    to do:    {remedy}",
    ]


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert rehearse.main(["--no-install"]) == 1
    assert "system.yaml" in capsys.readouterr().err
