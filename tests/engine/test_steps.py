"""What the engine says is read for what it means; a small program shows every kind of step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundplan.cloud.faults import Fault
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal.differences import name_of
from groundplan.rehearsal.engine import StepFailed
from tests.engine.programs import SmallStack

PROGRAM = """
import json, pathlib
import pulumi
from pulumi_aws import sqs
folder = pathlib.Path(__file__).parent
for name, args in json.loads((folder / "queues.json").read_text()).items():
    sqs.Queue(name, **args, opts=pulumi.ResourceOptions(protect=name == "kept"))
"""


class Queues(SmallStack):
    """A stack of queues, as the program is told them."""

    def __init__(self, cli: Path, folder: Path, servers: ProviderServers) -> None:
        super().__init__(cli, folder, servers, PROGRAM)

    def want(self, queues: Mapping[str, Mapping[str, Any]]) -> None:
        (self.project / "queues.json").write_text(json.dumps(queues))

    @property
    def named(self) -> list[str]:
        return sorted(item.name for item in self.servers.cloud.items.values())


@pytest.fixture
def queues(cli: Path, tmp_path: Path) -> Iterator[Queues]:
    with ProviderServers() as servers:
        made = Queues(cli, tmp_path, servers)
        made.engine.create()
        yield made


def names(urns: tuple[str, ...]) -> list[str]:
    return sorted(name_of(urn) for urn in urns if "pulumi:" not in urn.split("::")[2])


def test_steps_by_what_they_mean(queues: Queues) -> None:
    queues.want({"one": {}, "two": {}, "three": {}})
    assert names(queues.engine.preview().done.created) == ["one", "three", "two"]
    assert queues.named == [], "a preview creates nothing"
    assert names(queues.engine.up().done.created) == ["one", "three", "two"]
    assert queues.engine.up().done.nothing

    queues.want({"one": {"delay_seconds": 5}, "two": {"fifo_queue": True}, "four": {}})
    done = queues.engine.up().done
    assert names(done.created) == ["four"]
    assert names(done.updated) == ["one"]
    assert names(done.replaced) == ["two"]
    assert names(done.deleted) == ["three"]

    assert names(queues.engine.destroy().done.deleted) == ["four", "one", "two"]
    assert queues.named == []


def test_drift_shows_in_a_refresh(queues: Queues) -> None:
    queues.want({"one": {"delay_seconds": 5}, "two": {}})
    queues.engine.up()
    assert queues.engine.refresh().done.nothing
    one, two = (next(i for i in queues.servers.cloud.items.values() if i.name == name) for name in ("one", "two"))

    def slower(item: Item) -> None:
        item.inputs["delaySeconds"] = 60

    queues.servers.drift(one.id, slower)
    queues.servers.lose(two.id)
    done = queues.engine.refresh().done
    assert names(done.updated) == ["one"]
    assert names(done.deleted) == ["two"]


def test_a_failure_is_told_with_its_resource_and_taken_up_again(queues: Queues) -> None:
    queues.want({name: {} for name in ("one", "two", "three")})
    queues.servers.faults.expect(Fault("create", nth=2, message="InternalFailure: try again"))
    with pytest.raises(StepFailed) as failed:
        queues.engine.up()
    error = next(error for error in failed.value.errors if "try again" in error)
    assert error.startswith("urn:pulumi:dev::queues::aws:sqs/queue:Queue::")
    resumed = queues.engine.up().done
    assert 1 <= len(names(resumed.created)) <= 2
    assert queues.named == ["one", "three", "two"]


def test_what_is_protected_is_not_destroyed_until_it_is_let_go(queues: Queues) -> None:
    queues.want({"kept": {}})
    queues.engine.up()
    with pytest.raises(StepFailed, match="protect"):
        queues.engine.destroy()
    assert queues.named == ["kept"]
    queues.engine.unprotect()
    assert names(queues.engine.destroy().done.deleted) == ["kept"]
    assert queues.named == []


def test_the_users_own_settings_stay_out(
    cli: Path, queues: Queues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token or a backend in the environment would lead to the user's own state."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.example.com")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "secret")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    (tmp_path / "again").mkdir()
    again = Queues(cli, tmp_path / "again", queues.servers)
    again.engine.create()
    again.want({"one": {}})
    assert names(again.engine.up().done.created) == ["one"]
    assert not (tmp_path / "nobody").exists()


def test_a_program_that_stops_is_told_as_it_said_it(queues: Queues) -> None:
    queues.want({"one": {"fifo": "no such argument"}})
    with pytest.raises(StepFailed, match="unexpected keyword argument 'fifo'") as failed:
        queues.engine.up()
    assert names(failed.value.done.created) == []
