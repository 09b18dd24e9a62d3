"""What a change does, and what would be lost by it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pytest

from groundplan.cloud import Simulation, simulate
from groundplan.rehearsal.differences import Difference, compare, difference_of, holds_data, name_of
from groundplan.rehearsal.growth import Change
from groundplan.rehearsal.judgement import as_previewed, changes_nothing, judge, loses_nothing, only_creates
from infra.tests.samples import shop

DATABASE = "urn:pulumi:prod::shop::groundplan:index:Database$aws:rds/instance:Instance::db-order-primary"
LISTENER = "urn:pulumi:prod::shop::aws:lb/listener:Listener::public"
POD = "urn:pulumi:prod::shop::kubernetes:apps/v1:Deployment::order"


def queues(**wanted: dict[str, object]) -> Simulation:
    def program() -> None:
        for name, args in wanted.items():
            options = args.pop("opts", None)
            aws.sqs.Queue(name, opts=options, **args)

    return simulate(program)


def names(urns: tuple[str, ...]) -> list[str]:
    return sorted(name_of(urn) for urn in urns)


def test_over_nothing_all_is_created() -> None:
    done = compare(None, queues(one={}, two={}))
    assert names(done.created) == ["one", "two"]
    assert done.unchanged == 0


def test_each_resource_by_its_urn() -> None:
    before = queues(same={}, slower={}, other={}, gone={})
    after = queues(same={}, slower={"delay_seconds": 5}, other={"fifo_queue": True}, new={})
    done = compare(before, after)
    assert names(done.created) == ["new"]
    assert names(done.updated) == ["slower"]
    assert names(done.replaced) == ["other"]
    assert names(done.deleted) == ["gone"]
    assert done.unchanged == 1
    assert str(done) == "1 created, 1 changed in place, 1 replaced, 1 deleted, 1 unchanged"


def test_ignored_changes_are_none() -> None:
    opts = {"opts": pulumi.ResourceOptions(ignore_changes=["delaySeconds"])}
    assert compare(queues(one={**opts}), queues(one={"delay_seconds": 5, **opts})).nothing


def test_what_the_program_says_replaces_does() -> None:
    opts = {"opts": pulumi.ResourceOptions(replace_on_changes=["delaySeconds"])}
    done = compare(queues(one={**opts}), queues(one={"delay_seconds": 5, **opts}))
    assert names(done.replaced) == ["one"]


@pytest.mark.parametrize(("urn", "holds"), [(DATABASE, True), (LISTENER, False), (POD, False)])
def test_what_holds_data(urn: str, holds: bool) -> None:
    assert holds_data(urn) is holds


@pytest.mark.parametrize("operation", ["replace", "delete"])
def test_data_that_goes_is_lost(operation: str) -> None:
    done = difference_of({DATABASE: operation, LISTENER: operation})  # type: ignore[dict-item]
    assert done.lost == (DATABASE,)
    assert list(loses_nothing(done)) == ["data would be lost with db-order-primary (aws:rds/instance:Instance)"]


def test_data_that_is_changed_in_place_is_touched_but_not_lost() -> None:
    done = difference_of({DATABASE: "update", LISTENER: "same"})
    assert (done.touched, done.lost) == ((DATABASE,), ())


@pytest.mark.parametrize("operation", ["create", "update", "replace", "delete"])
def test_any_change_is_a_surprise_where_nothing_was_changed(operation: str) -> None:
    assert len(list(changes_nothing(difference_of({LISTENER: operation, POD: "same"})))) == 1  # type: ignore[dict-item]
    assert list(changes_nothing(difference_of({LISTENER: "same"}))) == []


def test_a_first_preview_only_creates() -> None:
    assert list(only_creates(difference_of({LISTENER: "create"}))) == []
    assert list(only_creates(difference_of({LISTENER: "update"}))) == [
        "preview would change public (aws:lb/listener:Listener)"
    ]


def test_up_does_what_preview_announced() -> None:
    announced = Difference(created=(LISTENER, DATABASE))
    assert list(as_previewed(announced, announced)) == []
    assert list(as_previewed(announced, Difference(created=(LISTENER, POD)))) == [
        "preview had not announced order (kubernetes:apps/v1:Deployment)",
        "preview had announced, and up left out, db-order-primary (aws:rds/instance:Instance)",
    ]


def test_a_change_that_brings_nothing_is_a_surprise() -> None:
    change = Change("a shard added to order", shop(), "order", "aws:rds/instance:Instance")
    assert list(judge(change, Difference(created=(DATABASE,)))) == []
    assert list(judge(change, Difference(created=(POD,)))) == ["a shard added to order: nothing was created for it"]


def test_many_surprises_are_counted() -> None:
    urns = tuple(f"{LISTENER}-{number}" for number in range(14))
    said = list(changes_nothing(Difference(created=urns)))
    assert len(said) == 11
    assert said[-1] == "with nothing changed, there would still be created 4 more"
