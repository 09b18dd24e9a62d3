"""When data needs shards, and what the declaration must then say (D3)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.capacity import check_shards, plan, required_shards
from groundplan.capacity.shards import shards_gb
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


TODAY = date(2026, 12, 1)


def growing(data: float, growth: float, *generations: tuple[str, int], **requirements: Any) -> System:
    service: dict[str, Any] = {"data_gb": data, "data_growth_gb_per_month": growth}
    if generations:
        service["shard_map"] = [{"since": since, "shards": shards} for since, shards in generations]
    return one_service(requirements, **service)


def test_a_map_with_too_few_shards_gets_one_more_line() -> None:
    (problem,) = check_shards(growing(900, 100, ("2024-05-01", 1), ("2026-06-01", 2)), TODAY)
    assert problem.value == "2 shards"
    assert "- {since: 2024-05-01, shards: 1}\n" in problem.remedy
    assert "- {since: 2026-06-01, shards: 2}\n" in problem.remedy
    # Of 900 GiB the last six months' 600 are in both: the first has 600 now, and 2,400 over six are 400 more.
    assert problem.remedy.endswith("- {since: <the day of the change>, shards: 6}")
    assert "never change the ones above" in problem.remedy


def test_rows_that_are_there_are_not_spread_by_a_map() -> None:
    """5,000 GiB in one shard and 100 a month: no line mends it, and the refusal says so."""
    (problem,) = check_shards(growing(5000, 100, ("2026-11-01", 1), ("2026-12-01", 8)), TODAY)
    assert "it holds 5,300 GiB in 24 months" in problem.expected
    assert "no line is enough" in problem.remedy
    assert "load its rows through its API" in problem.remedy


def test_a_recommended_map_counts_where_rows_are() -> None:
    """800 GiB and 50 a month: with two shards one reaches 1,400; six take what is to come."""
    assert check_shards(growing(800, 50, ("2026-11-01", 1), ("2026-12-01", 2)), TODAY)
    assert check_shards(growing(800, 50, ("2026-11-01", 1), ("2026-12-01", 6)), TODAY) == []
    (problem,) = check_shards(growing(800, 50), TODAY)
    assert "a second one of 6 shards" in problem.remedy


def test_a_generation_of_2034_counts_from_2034() -> None:
    (problem,) = check_shards(growing(800, 50, ("2020-01-01", 1), ("2034-01-01", 2)), TODAY)
    assert "it holds 2,000 GiB in 24 months" in problem.expected
    assert "2034" not in problem.remedy
    assert "- {since: <the day of the change>, shards: 6}" in problem.remedy


def test_shards_are_sized_apart() -> None:
    """900 GiB in the first of eight: 52 TB for 5 is what eight like it would be."""
    database = plan(growing(900, 20, ("2026-11-30", 1), ("2026-12-01", 8)), PROD).databases[0]
    assert database.shard_storage_gb[0] > 1100
    assert max(database.shard_storage_gb[1:]) <= 30
    assert len(database.shard_storage_gb) == len(database.shard_max_storage_gb) == 8


@st.composite
def maps(draw: st.DrawFn) -> tuple[tuple[str, int], ...]:
    days = sorted(draw(st.sets(st.dates(date(2015, 1, 1), date(2040, 1, 1)), min_size=1, max_size=4)))
    counts = sorted(draw(st.lists(st.integers(1, 64), min_size=len(days), max_size=len(days))))
    return tuple((day.isoformat(), count) for day, count in zip(days, counts, strict=True))


SIZES = st.floats(0, 60_000), st.floats(0, 10_000)


@given(maps(), *SIZES, st.floats(0, 120), st.floats(0.5, 20))
def test_shards_hold_all_that_is_there_and_comes(
    generations: tuple[tuple[str, int], ...], data: float, growth: float, months: float, factor: float
) -> None:
    """Nothing is lost or counted twice, and no shard ever loses a row."""
    service = growing(data, growth).services["thing"]
    then = shards_gb(service, generations, months, factor, TODAY)
    assert sum(then) == pytest.approx(data + growth * factor * months)
    for before, after in zip(shards_gb(service, generations, 0, 1, TODAY), then, strict=True):
        assert after >= before - 1e-9


@given(maps(), *SIZES, st.integers(1, 60))
def test_the_gate_checks_what_it_prints(
    generations: tuple[tuple[str, int], ...], data: float, growth: float, months: int
) -> None:
    """Refused are those whose fullest shard passes 1 TB and no others; the lines it gives are accepted."""
    system = growing(data, growth, *generations, horizon_months=months)
    service = system.services["thing"]
    fullest = max(shards_gb(service, generations, months, 1, TODAY))
    problems = check_shards(system, TODAY)
    assert bool(problems) == (fullest > 1024 + 1e-6)
    for problem in problems:
        lines = re.findall(r"since: (\S+|<.*>), shards: (\d+)", problem.remedy)
        if "no line is enough" in problem.remedy or not lines:
            continue
        proposed = tuple((TODAY.isoformat() if since[0] == "<" else since, int(count)) for since, count in lines)
        assert check_shards(growing(data, growth, *proposed, horizon_months=months), TODAY) == []


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
    system = one_service({"requests_per_second": 1}, data_gb=200, data_growth_gb_per_month=20)
    notes = [note for note in plan(system, PROD).notes if "1 TB" in note]
    assert notes == [
        "thing's fullest shard passes 1 TB in 42 months at that growth: declare a generation with more shards "
        "before (D3)."
    ]
