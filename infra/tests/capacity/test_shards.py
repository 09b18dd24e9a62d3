"""When data needs shards, and what the declaration must then say (D3)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.capacity import check_shards, plan, required_shards
from groundplan.declaration.loader import parse_system
from groundplan.declaration.model import System
from infra.tests.capacity.stacks import DEV, PROD, STAGING, one_service


@pytest.mark.parametrize(
    ("data", "growth", "shards"),
    [(0, 0, 1), (1024, 0, 1), (1025, 0, 2), (200, 20, 1), (0, 42.67, 2), (3000, 20, 4), (60_000, 0, 59)],
)
def test_one_shard_holds_1_tb_at_the_horizon(data: float, growth: float, shards: int) -> None:
    system = one_service({"horizon_months": 24}, data_gb=data, data_growth_gb_per_month=growth)
    assert required_shards(system.services["thing"], system.requirements) == shards


def large(**service: Any) -> System:
    return one_service(None, data_gb=3000, data_growth_gb_per_month=0, **service)


def test_one_shard_needs_no_map() -> None:
    assert check_shards(one_service()) == []


def test_shards_that_are_not_declared_come_with_the_lines_to_add() -> None:
    (problem,) = check_shards(large())
    assert problem.path == "services.thing.shard_map"
    assert problem.value == "not declared"
    assert problem.expected.startswith("3 shards: 3,000 GiB in 24 months")
    lines = problem.remedy.partition("\n")[2]
    text = f"""
name: one
identity: {{roles: [member]}}
services:
    thing:
      data_gb: 3000
      data_growth_gb_per_month: 0
{lines}
      resources:
        thing:
          fields: {{label: {{type: string}}}}
          operations: {{list: [member]}}
"""
    system = parse_system(text)
    assert check_shards(system) == []
    assert plan(system, PROD).databases[0].shards == 3


def test_a_map_with_too_few_shards_gets_one_more_line() -> None:
    declared = [{"since": "2024-05-01", "shards": 1}, {"since": "2025-06-01", "shards": 2}]
    (problem,) = check_shards(large(shard_map=declared))
    assert problem.value == "2 shards"
    assert "- {since: 2024-05-01, shards: 1}\n" in problem.remedy
    assert "- {since: 2025-06-01, shards: 2}\n" in problem.remedy
    assert problem.remedy.endswith("- {since: <the day of the change>, shards: 3}")
    assert "never change the ones above" in problem.remedy


def test_more_shards_than_a_map_takes_are_not_proposed() -> None:
    (problem,) = check_shards(one_service(None, data_gb=60_000, data_growth_gb_per_month=10_000))
    assert "at most 64 shards" in problem.remedy
    assert "shard_map:" not in problem.remedy


def test_the_declared_map_is_planned_as_it_is() -> None:
    declared = [{"since": "2024-05-01", "shards": 1}, {"since": "2025-06-01", "shards": 4}]
    database = plan(large(shard_map=declared), PROD).databases[0]
    assert database.shard_generations == (("2024-05-01", 1), ("2025-06-01", 4))
    assert database.shards == 4
    # Today's 3,000 GiB stay on the first generation's only shard, times 1.3, in tens.
    assert database.storage_gb == 3900


def test_a_plan_without_a_map_shows_what_will_be_needed() -> None:
    database = plan(large(), PROD).databases[0]
    assert database.shard_generations == (("2000-01-01", 3),)
    assert database.storage_gb == 1300


def test_every_stack_of_its_own_instances_has_the_shards_of_the_map() -> None:
    """Staging rehearses the routing that production needs; a shared instance is one, and holds a part of the data."""
    system = large(shard_map=[{"since": "2024-05-01", "shards": 3}])
    assert plan(system, STAGING).databases[0].shards == 3
    assert plan(system, DEV).databases[0].shards == 1


def test_a_note_says_when_a_shard_passes_1_tb() -> None:
    """200 GiB + 42 x 20 GiB = 1,040 GiB: the 42nd month is the first over 1,024."""
    system = one_service(None, data_gb=200, data_growth_gb_per_month=20)
    notes = [note for note in plan(system, PROD).notes if "1 TB" in note]
    assert notes == [
        "thing's fullest shard passes 1 TB in 42 months at the declared growth: declare a generation with more shards "
        "before (D3)."
    ]
