"""What is written says how data grow; a declaration that says less is told so, and the larger counts (q6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from groundplan.capacity import plan
from groundplan.capacity.demand import with_load
from groundplan.capacity.written import computed_growth_gb, contradictions, with_written, written_by
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import Service, System
from infra.tests.capacity.stacks import DEV, PROD, one_service, systems
from infra.tests.samples import ROOT

EXAMPLES = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
KINDS = ["string", "text", "integer", "decimal", "boolean", "date", "timestamp", "uuid", "json"]


def service_of(fields: dict[str, dict[str, Any]], **more: Any) -> Service:
    operations = {"list": ["member"], "create": ["member"], "update": ["member"]}
    return Service.model_validate({"resources": {"thing": {"fields": fields, "operations": operations}}, **more})


@st.composite
def fields(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12))
    indexable = {"string", "integer", "timestamp", "uuid", "date"}
    return {
        f"field_{n}": {"type": kind, "indexed": kind in indexable and draw(st.booleans())}
        for n, kind in enumerate(kinds)
    }


@EXAMPLES
@given(fields(), st.sampled_from(KINDS), st.booleans())
def test_a_field_or_an_index_more_is_never_less(held: dict[str, Any], kind: str, cqrs: bool) -> None:
    before = written_by(service_of(held, cqrs=cqrs), "thing")
    after = written_by(service_of({**held, "more": {"type": kind}}, cqrs=cqrs), "thing")
    indexed = written_by(service_of({**held, "more": {"type": "string", "indexed": True}}, cqrs=cqrs), "thing")
    assert after.create > before.create
    assert after.update >= before.update
    assert indexed.create > written_by(service_of({**held, "more": {"type": "string"}}, cqrs=cqrs), "thing").create
    assert 150 < before.update < before.create < 20_000


@EXAMPLES
@given(fields())
def test_a_read_model_is_a_second_copy(held: dict[str, Any]) -> None:
    plain, read_model = (written_by(service_of(held, cqrs=cqrs), "thing") for cqrs in (False, True))
    assert read_model.create > plain.create
    assert read_model.update == plain.update


@EXAMPLES
@given(systems(most=4), st.floats(1, 50))
def test_growth_follows_writes_evenly(system: System, factor: float) -> None:
    before, after = computed_growth_gb(system), computed_growth_gb(with_load(system, factor))
    assert after == pytest.approx({name: growth * factor for name, growth in before.items()})


@EXAMPLES
@given(systems(most=4))
def test_the_larger_counts_and_a_contradiction_is_said(system: System) -> None:
    computed, said = computed_growth_gb(system), contradictions(system)
    for name, service in system.services.items():
        counted = with_written(system).services[name].data_growth_gb_per_month
        assert counted == max(service.data_growth_gb_per_month, computed[name])
        told = any(text.startswith(f"{name} declares") for text in said)
        assert told == (computed[name] > service.data_growth_gb_per_month * 1.05)


def test_the_issue_s_order() -> None:
    """75 writes/s at the peak with 20 GiB of growth: over 1 TB in 7 to 18 months, whichever the writes are."""
    declared: dict[str, Any] = (load_system(ROOT / "system.yaml")).model_dump(mode="json", exclude_unset=True)
    declared["services"]["order"] |= {"read_share": 0.85, "data_growth_gb_per_month": 20}
    declared["services"]["payment"] |= {"read_share": 0.5, "traffic_weight": 2}
    # The issue's lines had no owner; the sample's have, and an index of it: they write a quarter more.
    line = declared["services"]["order"]["resources"]["order_line"]
    line["fields"].pop(line.pop("owner"))
    line["operations"] = {name: ["admin"] for name in ("list", "get", "create", "update", "delete")}
    system = System.model_validate(declared)
    each = written_by(system.services["order"], "order")
    assert 1345 <= each.create <= 2017, "1,681 measured, within a fifth"
    grows = computed_growth_gb(system)["order"]
    assert 7 <= (1024 - 200) / grows <= 18
    (note,) = [note for note in plan(system, PROD).notes if note.startswith("order declares")]
    assert "3 shards (D3)" in note
    assert plan(system, PROD).database_of("order").max_storage_gb >= 200 + grows * 24


def test_bytes_that_nobody_writes_in_are_not_accepted_in_silence() -> None:
    """5,000 writes/s with 20 GiB of growth were 0.2 bytes a write."""
    ingestion = one_service({"requests_per_second": 5000}, read_share=0, data_gb=500, data_growth_gb_per_month=20)
    grows = computed_growth_gb(ingestion)["thing"]
    assert grows * 2**30 / (5000 * 0.4 * 730 * 3600) > 200
    assert [note for note in plan(ingestion, PROD).notes if note.startswith("thing declares 20 GiB")]


def test_what_is_said_of_the_load_is_believed() -> None:
    busy = one_service({"requests_per_second": 100}, read_share=0.5, data_growth_gb_per_month=40)
    assert contradictions(busy) == []
    thing = busy.services["thing"]
    often = thing.model_copy(update={"load": thing.load.model_copy(update={"peak_to_mean": 1.0})})
    assert contradictions(busy.model_copy(update={"services": {"thing": often}}))


def test_the_reference_system_is_consistent() -> None:
    for path in (ROOT / "system.yaml",):
        assert contradictions(load_system(Path(path))) == []


@EXAMPLES
@given(systems(most=3))
def test_what_is_written_adds_storage_and_no_shard(system: System) -> None:
    """Rows can't be moved by a plan: shards are declared (D3), and a note says when they are needed."""
    assume(system.requirements.requests_per_second < 5000)
    counted = plan(system, DEV)
    assert [database.shards for database in counted.databases] == [1] * len(counted.databases)


@EXAMPLES
@given(systems(most=4), st.floats(0.1, 10))
def test_the_goal_writes_as_much_whatever_part_of_it_is_reached(system: System, factor: float) -> None:
    """P1: comparing with another load keeps the goal, and so the ceiling below which its data grow."""
    growth = system.requirements.growth_factor
    assume(1 <= growth / factor <= 1000)
    moved = with_load(system, factor, growth / factor)
    before, after = with_written(system), with_written(moved, moved.requirements.growth_factor / growth)
    for name, service in before.services.items():
        assert after.services[name].data_growth_gb_per_month == pytest.approx(service.data_growth_gb_per_month)
