"""The reference system's whole life under the real engine: Must show 4, U5, P1."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.cloud.faults import Fault
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal import growth
from groundplan.rehearsal.differences import type_of
from groundplan.rehearsal.engine import Stack, StepFailed
from groundplan.rehearsal.script import Rehearsal, rehearse
from groundplan.rehearsal.stage import Stage
from infra.tests.samples import ROOT, shop, stack

DATABASE = "aws:rds/instance:Instance"


def shard_step(rehearsal: Rehearsal) -> str:
    shared = " (shared here)" if stack(rehearsal.stack).shared_database else ""
    return f"a shard added to {growth.sharded_service(shop())}{shared}"


@pytest.fixture(scope="module", params=["dev", "prod"])
def rehearsal(request: pytest.FixtureRequest, cli: Path) -> Rehearsal:
    return rehearse(ROOT, request.param, cli)


def test_nothing_is_surprising(rehearsal: Rehearsal) -> None:
    assert rehearsal.surprises == ()


def test_every_step_is_reached(rehearsal: Rehearsal) -> None:
    lifted = ["protection lifted"] if stack(rehearsal.stack).protect else []
    assert [step.title for step in rehearsal.steps] == [
        "stack init",
        "preview",
        "up",
        "up again",
        "ten times the load",
        "a service added",
        shard_step(rehearsal),
        "refresh",
        *lifted,
        "destroy",
    ]


def test_up_creates_what_preview_announced(rehearsal: Rehearsal) -> None:
    created = rehearsal.step("up").done.created
    assert set(created) == set(rehearsal.step("preview").done.created)
    assert len(created) > 500


@pytest.mark.parametrize("title", ["up again", "refresh"])
def test_without_a_change_nothing_changes(rehearsal: Rehearsal, title: str) -> None:
    step = rehearsal.step(title)
    assert step.done.nothing
    assert step.done.unchanged > 500


def test_ten_times_the_load_replaces_nothing_that_holds_data(rehearsal: Rehearsal) -> None:
    done = rehearsal.step("ten times the load").done
    assert done.updated, "ten times the load needs other sizes"
    assert done.lost == ()


def test_a_service_more_loses_nothing_and_brings_its_own(rehearsal: Rehearsal) -> None:
    done = rehearsal.step("a service added").done
    assert done.lost == ()
    created = [urn for urn in done.created if growth.added_service(shop()) in urn]
    assert {"aws:ecr/repository:Repository", "kubernetes:apps/v1:Deployment"} <= {type_of(urn) for urn in created}


def test_a_shard_more_is_a_database_more(rehearsal: Rehearsal) -> None:
    """D3: rows stay where they are, so no database that holds some goes; where one is shared, no other comes."""
    done = rehearsal.step(shard_step(rehearsal)).done
    databases = [urn for urn in done.created if type_of(urn) == DATABASE]
    assert bool(databases) != stack(rehearsal.stack).shared_database
    assert done.lost == ()


def test_destroy_takes_everything(rehearsal: Rehearsal) -> None:
    """What it leaves in the account would be a surprise; here it is also all that the engine knew of."""
    done = rehearsal.step("destroy").done
    lifted = [step for step in rehearsal.steps if step.title == "protection lifted"]
    had = rehearsal.step("refresh").done.unchanged - sum(len(step.done.deleted) for step in lifted)
    assert len(done.deleted) == had
    assert (done.created, done.updated, done.replaced) == ((), (), ())


def test_a_create_that_fails_is_taken_up_again(cli: Path, tmp_path: Path) -> None:
    """The 200th resource fails; a second `up` makes the rest, a third has nothing to do, and destroy leaves nothing."""
    home = tmp_path / "home"
    home.mkdir()
    stage = Stage(ROOT, "dev", tmp_path / "project")
    with ProviderServers(region=stage.environment.region) as servers:
        engine = Stack(cli, stage.folder, "dev", home, servers.attachment)
        engine.create()
        servers.faults.expect(Fault("create", nth=200, message="InternalFailure: try again"))
        with pytest.raises(StepFailed) as failed:
            engine.up()
        assert any("InternalFailure: try again" in error for error in failed.value.errors)
        made = set(failed.value.done.created)
        assert made

        resumed = engine.up().done
        assert len(resumed.created) > 100
        assert (resumed.replaced, resumed.deleted) == ((), ())
        assert engine.up().done.nothing

        kept = {resource["urn"] for resource in engine.resources() if resource.get("retainOnDelete")}
        engine.destroy()
        left = {item.urn for item in servers.cloud.items.values() if not item.adopted}
        assert left == kept & left
