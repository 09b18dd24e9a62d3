"""The order of a rehearsal's steps, with an engine that only says what it was asked for."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from groundplan.cloud.cloud import Cloud
from groundplan.rehearsal import growth
from groundplan.rehearsal.differences import Difference
from groundplan.rehearsal.engine import Outcome, Stack
from groundplan.rehearsal.script import Rehearsal, _Script, _Surprised
from groundplan.rehearsal.stage import Stage
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.remembered import Remembered
from infra.tests.samples import ROOT

PARTITIONS = 252


class Engine:
    """Has deployed a topic, and notes what the stack's file remembers whenever it deploys."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.remembered: list[Remembered] = []

    def create(self) -> None:
        pass

    def configure(self, *_: str, **__: bool) -> None:
        pass

    def preview(self) -> Outcome:
        return Outcome(Difference(), 0)

    def up(self) -> Outcome:
        file = self._stage.folder / f"Pulumi.{self._stage.environment.name}.yaml"
        self.remembered.append(read_stack_file(file, self._stage.system).remembered)
        return Outcome(Difference(), 0)

    def resources(self) -> list[dict[str, Any]]:
        stack = "urn:pulumi:prod::shop::"
        cluster = {"numberOfBrokerNodes": 3, "brokerNodeGroupInfo": {"instanceType": "express.m7g.large"}}
        return [
            {"urn": f"{stack}aws:msk/cluster:Cluster::kafka", "type": "aws:msk/cluster:Cluster", "inputs": cluster},
            {
                "urn": f"{stack}aws:msk/topic:Topic::kafka-topic-order.placed",
                "type": "aws:msk/topic:Topic",
                "inputs": {"partitionCount": PARTITIONS},
            },
        ]


@pytest.fixture
def script(tmp_path: Path) -> _Script:
    stage = Stage(ROOT, "prod", tmp_path / "project")
    engine = cast("Stack", Engine(stage))
    return _Script(stage, engine, Cloud(), Rehearsal("prod"), lambda _: None, lambda _: None)


def require_remembered(script: _Script) -> None:
    first, *later = cast("Engine", script.engine).remembered
    assert not first
    assert later
    for remembered in later:
        assert remembered.kafka is not None
        assert remembered.kafka.topics == {"order.placed": PARTITIONS}


def test_what_only_grows_is_remembered_from_one_deployment_to_the_next(script: _Script) -> None:
    """As `make up` does: a service that is added at today's load must not ask for fewer partitions than are there."""
    with contextlib.suppress(_Surprised):
        script.play(datetime.date(2026, 11, 30))
    require_remembered(script)


def test_every_kind_of_step_that_deploys_remembers(script: _Script) -> None:
    """Each change of the system, and lifting protection."""
    script.stage.declare(script.stage.system)
    for change in growth.changes(script.stage.system, script.stage.environment, datetime.date(2026, 11, 30)):
        with contextlib.suppress(_Surprised):
            script._change(change)
    script._lift_protection()
    assert len(cast("Engine", script.engine).remembered) == len(script.rehearsal.steps) + 1
    require_remembered(script)
