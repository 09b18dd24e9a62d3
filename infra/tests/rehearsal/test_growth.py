"""The changes that are rehearsed are sound declarations, from any start (P1, D3, U3)."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from groundplan.capacity import check_shards
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.rehearsal import growth
from infra.tests.samples import as_yaml, changed, shop, stack, system_of

TODAY = datetime.date(2026, 11, 23)


def with_shard_map(*generations: tuple[str, int]) -> System:
    shard_map = [{"since": since, "shards": shards} for since, shards in generations]
    declared = shop().model_dump(mode="json", exclude_unset=True)["services"]
    return changed(shop(), services={"order": {**declared["order"], "shard_map": shard_map}})


@pytest.mark.parametrize(
    "system",
    [shop(), system_of(1), system_of(30), system_of(5, "sqs"), with_shard_map(("2024-01-01", 2), ("2030-01-01", 3))],
    ids=["shop", "one service", "thirty", "sqs", "sharded"],
)
def test_every_change_is_a_declaration_that_loads(system: System, tmp_path: Path) -> None:
    for number, change in enumerate(growth.changes(system, stack("prod"), TODAY)):
        file = tmp_path / str(number) / "system.yaml"
        file.parent.mkdir()
        file.write_text(as_yaml(change.system))
        loaded = load_system(file)
        assert loaded == change.system
        assert check_shards(loaded) == []


def test_changes_build_on_each_other() -> None:
    titles = [change.title for change in growth.changes(shop(), stack("prod"), TODAY)]
    last = list(growth.changes(shop(), stack("prod"), TODAY))[-1].system
    assert titles == ["ten times the load", "a service added", "a shard added to order"]
    assert last.requirements.requests_per_second == 10 * shop().requirements.requests_per_second
    assert set(last.services) == {*shop().services, "trial"}
    assert [(each.since.isoformat(), each.shards) for each in last.services["order"].shard_map or []] == [
        ("2000-01-01", 1),
        ("2026-11-23", 2),
    ]


def test_where_one_instance_is_shared_no_database_is_expected() -> None:
    expected = {name: list(growth.changes(shop(), stack(name), TODAY))[-1] for name in ("dev", "prod")}
    assert (expected["dev"].title, expected["dev"].service) == ("a shard added to order (shared here)", "")
    assert (expected["prod"].service, expected["prod"].type) == ("order", "aws:rds/instance:Instance")


def test_load_stays_within_what_may_be_declared() -> None:
    system = changed(shop(), requirements={"requests_per_second": 900_000})
    assert growth.more_load(system).requirements.requests_per_second == 1_000_000


def test_a_new_generation_comes_after_the_last() -> None:
    grown = growth.with_shard(with_shard_map(("2024-01-01", 1), ("2030-06-01", 4)), TODAY)
    assert [(each.since.isoformat(), each.shards) for each in grown.services["order"].shard_map or []] == [
        ("2024-01-01", 1),
        ("2030-06-01", 4),
        ("2030-06-02", 5),
    ]


def test_a_service_with_all_shards_that_may_be_gets_no_more() -> None:
    assert growth.sharded_service(with_shard_map(("2024-01-01", 64))) == "payment"


def test_a_taken_name_is_not_taken_again() -> None:
    once = growth.with_service(shop())
    twice = growth.with_service(once)
    assert set(twice.services) == {*shop().services, "trial", "trial-run"}


def test_images_that_are_configured_are_used() -> None:
    images = growth.images(shop(), "eu-west-1", {"order": "registry.example.com/order:1"})
    assert images["order"] == "registry.example.com/order:1"
    assert images["user"].startswith("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/user@sha256:")
