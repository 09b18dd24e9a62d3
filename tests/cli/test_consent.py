"""`make up` says what a deployment does, and asks for the names of what goes (d8)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli import consent, up
from tests.cli.stand_ins import Tools, only_these

URN = "urn:pulumi:dev::shop::"
PROTECTED = "error: Preview failed: resource {urn!r} cannot be deleted\nbecause it is protected."


def resource(type_: str, name: str, *, parent: str = "", **inputs: Any) -> dict[str, Any]:
    token = f"{parent.split('::')[2]}${type_}" if parent else type_
    stack = f"{URN}pulumi:pulumi:Stack::shop-dev"
    return {
        "urn": f"{URN}{token}::{name}",
        "type": type_,
        "custom": type_.startswith("aws:"),
        "id": name,
        "parent": parent or stack,
        "inputs": inputs,
        "outputs": inputs,
    }


def step(op: str, old: Mapping[str, Any] | None, **changed: Any) -> dict[str, Any]:
    new = None if op == "delete" or old is None else {**old, "inputs": {**old["inputs"], **changed}}
    return {"op": op, "urn": (old or {})["urn"], "oldState": old, "newState": new}


KAFKA = resource("groundplan:index:Kafka", "kafka")
CLUSTER = resource("aws:msk/cluster:Cluster", "kafka", parent=KAFKA["urn"])
TOPICS = [
    resource("aws:msk/topic:Topic", f"kafka-topic-{event}", parent=KAFKA["urn"], partitionCount=3)
    for event in ("order.placed", "order.cancelled")
]
DATABASE = resource(
    "aws:rds/instance:Instance", "db-order-primary", deletionProtection=True, engine="postgres", skipFinalSnapshot=False
)
GONE = [step("delete", each) for each in (*TOPICS, CLUSTER, KAFKA)]


@pytest.fixture
def tools(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.chdir(project)
    monkeypatch.delenv(consent.LOSE, raising=False)
    tools = Tools(tmp_path / "tools")
    only_these(tools.directory, monkeypatch, "git", which=shutil.which)
    return tools


def deployed(tools: Tools, steps: list[dict[str, Any]], *errors: str, status: int = 0) -> None:
    """A stack whose next deployment has these steps, and what the engine says against it."""
    state = [{key: each[key] for key in ("urn", "type")} for each in (KAFKA, CLUSTER, *TOPICS, DATABASE)]
    diagnostics = [{"severity": "error", "message": error} for error in errors]
    preview = json.dumps({"steps": steps, "diagnostics": diagnostics})
    tools.install(
        "pulumi",
        {
            "stack export": (0, json.dumps({"deployment": {"resources": state}})),
            "preview": (status, preview),
        },
    )


def test_the_sentence_comes_first_and_the_name_is_asked_for(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(tools, GONE)
    assert up.main(["dev", "--yes"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "dev would lose kafka (messages that are not consumed yet)."
    assert "run it again with LOSE=kafka" in said.err
    assert tools.asked("pulumi", "up") == []


@pytest.mark.parametrize("way", ["option", "variable", "terminal"])
def test_what_is_named_may_go(tools: Tools, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    deployed(tools, GONE)
    arguments = ["dev"]
    if way == "terminal":
        monkeypatch.setattr(up, "can_ask", lambda *, yes: not yes)
        monkeypatch.setattr("builtins.input", lambda _: "kafka")
    elif way == "option":
        arguments += ["--yes", "--lose", "kafka"]
    else:
        arguments += ["--yes"]
        monkeypatch.setenv(consent.LOSE, "kafka")
    assert up.main(arguments) == 0
    assert len(tools.asked("pulumi", "up")) == 1


@pytest.mark.parametrize("typed", ["", "yes", "kafk"])
def test_anything_else_that_is_typed_stops_it(tools: Tools, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    deployed(tools, GONE)
    monkeypatch.setattr(up, "can_ask", lambda *, yes: not yes)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    assert up.main(["dev"]) == 1
    assert tools.asked("pulumi", "up") == []


def test_protected_resources_are_one_refusal_with_an_order(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    """The engine has a block for each; here it is one sentence, and the commands in their order."""
    held = [{**each, "protect": True} for each in (*TOPICS, CLUSTER, DATABASE)]
    errors = [PROTECTED.format(urn=each["urn"]) for each in held]
    deployed(tools, [step("delete", each) for each in (*held, KAFKA)], *errors, "error: preview failed", status=1)
    assert up.main(["dev", "--yes", "--lose", "kafka"]) == 1
    said = capsys.readouterr()
    assert said.err.count("expected:") == 1
    assert "; protection is lifted first, in this order: kafka and db-order-primary." in said.out.splitlines()[0]
    steps = [line.strip() for line in said.out.splitlines() if line.strip()[:2] in ("1.", "2.", "3.", "4.", "5.")]
    assert steps[0].startswith("1. set `protect` to false")
    assert [line.rpartition("::")[2].rstrip("'") for line in steps[1:]] == [
        "kafka-topic-order.placed",
        "kafka-topic-order.cancelled",
        "kafka",
        "db-order-primary",
    ]
    assert tools.asked("pulumi", "up") == []


def test_what_aws_accepts_and_does_not_do_is_refused(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    """d4: Standard brokers stay Standard."""
    old = resource(
        "aws:msk/cluster:Cluster", "kafka", brokerNodeGroupInfo={"instanceType": "kafka.m7g.large"}, clusterName="kafka"
    )
    new = step("update", old, brokerNodeGroupInfo={"instanceType": "express.m7g.large"})
    deployed(tools, [new])
    assert up.main(["dev", "--yes"]) == 1
    assert "boto3#4356" in capsys.readouterr().err
    assert tools.asked("pulumi", "up") == []


def test_a_program_that_fails_is_told_in_its_own_words(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(tools, [], "error: Program failed with an unhandled exception: no such thing", status=1)
    assert up.main(["dev", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "no such thing" in said
    assert "`pulumi preview --stack dev`" in said


def test_a_harmless_change_asks_nothing(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(tools, [step("update", TOPICS[0], partitionCount=6)])
    assert up.main(["dev", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "dev: nothing would be lost, moved or unavailable."
    assert tools.asked("pulumi", "up")[0][-1] == "--skip-preview"
