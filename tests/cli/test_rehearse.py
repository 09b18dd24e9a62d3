"""`make rehearse` without a CLI: what ran in-process is called a plan, and a user's mistakes are said plainly (U5)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan.cli import rehearse
from groundplan.declaration.model import System
from groundplan.rehearsal import growth
from groundplan.stack.environment import Environment
from infra.tests.samples import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("STACK", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_a_cli_it_is_a_plan_of_every_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse.main(["--no-install"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("No rehearsal under the real engine: ")
    assert "https://www.pulumi.com/docs/iac/download-install/" in lines[0]
    assert lines[1] == "What follows runs in-process: a plan of what each change would do, not a deployment."
    assert "Planning dev in-process, in the simulated cloud" in lines
    counted = {
        match[1].strip(): match[2]
        for line in lines
        if (match := re.match(r"  (\S.*?)\s+\d+ s  (.*)", line)) is not None
    }
    assert list(counted) == [
        "deployed for the first time",
        "ten times the load",
        "a service added",
        "a shard added to order (shared here)",
    ]
    assert re.fullmatch(r"\d{3} created", counted["deployed for the first time"])
    assert "changed in place" in counted["ten times the load"]
    assert "created" in counted["a service added"]
    assert re.fullmatch(r"\d{3} unchanged", counted["a shard added to order (shared here)"])
    assert lines[-1] == (
        "dev could be deployed and changed in these ways: nothing that holds data would be replaced or deleted."
    )


def without_user(system: System) -> System:
    services = {name: service for name, service in system.services.items() if name != "user"}
    return system.model_copy(update={"services": services})


def test_data_that_would_be_lost_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def changes(system: System, _: Environment, __: datetime.date) -> Iterator[growth.Change]:
        yield growth.Change("a service removed", without_user(system))

    monkeypatch.setattr(growth, "changes", changes)
    assert rehearse.main(["--in-process", "--stack", "dev"]) == 1
    said = capsys.readouterr()
    assert "nothing that holds data would be" not in said.out
    assert re.search(r"^dev is not ready: \d+ surprises$", said.err, re.MULTILINE)
    assert "  - data would be lost with images-user (aws:ecr/repository:Repository)" in said.err


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
        "    expected: one of dev, prod, staging",
        f"    to do:    {remedy}",
    ]


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert rehearse.main(["--no-install"]) == 1
    assert "system.yaml" in capsys.readouterr().err
