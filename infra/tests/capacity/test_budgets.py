"""Budgets of availability and latency: computed, never echoed (q5)."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundplan.capacity import Plan, plan
from groundplan.capacity.budget_text import budget_sentences
from groundplan.capacity.budgets import availability, availability_of, statements_p95_ms
from groundplan.capacity.model import AvailabilityBudget, LatencyBudget
from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import System
from infra.tests.capacity.stacks import DEV, PROD, one_service, systems
from infra.tests.samples import shop, stack

EXAMPLES = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def budget(system: System, **stack: Any) -> AvailabilityBudget:
    return availability(system, PROD.model_copy(update=stack))


def wanting(**requirements: Any) -> System:
    return one_service(
        requirements,
        resources={
            "thing": {
                "cache": {"seconds": 60},
                "fields": {"label": {"type": "string"}},
                "operations": {"list": ["member"], "get": ["member"], "create": ["member"]},
            }
        },
    )


def latencies(sized: Plan) -> tuple[LatencyBudget, ...]:
    assert sized.budgets
    return sized.budgets.latency


def test_the_chain_is_what_aws_commits_itself_to() -> None:
    """CloudFront 99.9, API Gateway 99.95, ALB 99.99, EKS 99.95, EC2 99.99, RDS Multi-AZ 99.95: 117 minutes."""
    serial = 0.999 * 0.9995 * 0.9999 * 0.9995 * 0.9999 * 0.9995
    found = budget(wanting(availability_percent=99.9))
    assert found.committed_percent == pytest.approx(serial * 100)
    assert round(found.committed) == 117
    assert found.allowed == pytest.approx(43.2)
    assert found.verdict == "not covered"
    assert "99.7 would be covered" in found.needed


@EXAMPLES
@given(st.floats(90, 99.99), st.floats(90, 99.99))
def test_a_higher_target_is_never_easier(one: float, other: float) -> None:
    order = ["covered", "not covered", "not met"]
    low, high = sorted((one, other))
    for environment in (PROD, DEV):
        easy, hard = (availability(wanting(availability_percent=target), environment).verdict for target in (low, high))
        assert order.index(easy) <= order.index(hard)


def test_targets_have_three_answers() -> None:
    found = [budget(wanting(availability_percent=target)).verdict for target in (95, 99.9, 99.99)]
    assert found == ["covered", "not covered", "not covered"]
    single = [availability(wanting(availability_percent=target), DEV).verdict for target in (95, 99.9, 99.99)]
    assert single == ["covered", "not covered", "not met"]


def test_a_second_zone_is_worth_something() -> None:
    alone, both = budget(wanting(), multi_zone=False), budget(wanting())
    assert both.own < alone.own / 5
    assert availability_of(PROD) > availability_of(DEV)
    assert "multi_zone: true" in alone.needed
    assert "multi_zone" not in both.needed


def test_what_is_said_to_be_covered_is() -> None:
    for environment in (PROD, DEV):
        found = availability(wanting(availability_percent=99.99), environment)
        (most,) = re.findall(r"availability_percent: ([\d.]+) would", found.needed)
        assert availability(wanting(availability_percent=float(most)), environment).verdict == "covered"


def test_a_target_that_is_missed_is_a_note() -> None:
    sized = plan(wanting(availability_percent=99.99), DEV)
    assert any(note.startswith("Availability, 99.99 %") and "multi_zone: true" in note for note in sized.notes)
    assert not any(note.startswith("Availability") for note in plan(wanting(availability_percent=95), DEV).notes)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_statements_one_after_the_other(count: int) -> None:
    """The sum's 95th percentile, against drawn ones."""
    chance = random.Random(count)  # noqa: S311  no secret
    drawn = sorted(sum(chance.expovariate(1 / 5) for _ in range(count)) for _ in range(40_000))
    system = wanting(query_p95_ms=15)  # a mean of 5 ms
    assert statements_p95_ms(system, count) == pytest.approx(drawn[int(40_000 * 0.95)], rel=0.03)


@EXAMPLES
@given(systems(most=3))
def test_hops_add_up_and_each_has_a_source(system: System) -> None:
    for each in latencies(plan(system, DEV)):
        assert each.total == pytest.approx(sum(hop.amount for hop in each.hops))
        assert all(hop.source and hop.amount >= 0 for hop in each.hops)
        assert bool(each.needed) == (each.total > each.target)


@EXAMPLES
@given(st.integers(1, 60), st.integers(1, 60))
def test_slower_statements_are_never_faster(one: int, other: int) -> None:
    fast, slow = sorted((one, other))
    totals = [latencies(plan(wanting(query_p95_ms=each, latency_p95_ms=1000), PROD))[0].total for each in (fast, slow)]
    assert totals[0] <= totals[1]


@pytest.mark.parametrize(("latency", "query"), [(100, 20), (150, 50), (60, 20), (200, 60)])
def test_what_is_needed_is_enough(latency: int, query: int) -> None:
    asked = {"latency_p95_ms": latency, "query_p95_ms": query}
    missed = [each for each in latencies(plan(wanting(**asked), PROD)) if each.needed]
    assert missed
    for each in missed:
        name, least = re.findall(r"(latency_p95_ms) of at least (\d+)", each.needed)[0]
        ways = [{**asked, name: int(least)}]
        ways += [
            {**asked, "query_p95_ms": int(most)} for most in re.findall(r"query_p95_ms of at most (\d+)", each.needed)
        ]
        for way in ways:
            (then,) = [one for one in latencies(plan(wanting(**way), PROD)) if one.request == each.request]
            assert then.needed == ""


def test_targets_make_a_difference() -> None:
    """Latency 60 to 5,000 ms gave identical plans."""
    tight, loose = (plan(wanting(latency_p95_ms=each), PROD) for each in (60, 5000))
    assert [note for note in tight.notes if note.startswith("Latency")]
    assert not [note for note in loose.notes if note.startswith("Latency")]


def declared(**requirements: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "identity": {"roles": ["member"]},
        "requirements": requirements,
        "services": {
            "thing": {
                "resources": {"thing": {"fields": {"label": {"type": "string"}}, "operations": {"list": ["member"]}}}
            }
        },
    }


@EXAMPLES
@given(st.integers(10, 30_000), st.integers(1, 10_000))
def test_a_write_is_four_statements(latency: int, query: int) -> None:
    """`query_p95_ms: 199` with latency 200 was accepted."""
    found = judge_system(declared(latency_p95_ms=latency, query_p95_ms=query))
    assert bool(found) == (query * 2.585 >= latency)
    for finding in found:
        (raised,) = re.findall(r"raise latency_p95_ms above (\d+)", finding.remedy)
        assert judge_system(declared(latency_p95_ms=min(30_000, int(raised) + 1), query_p95_ms=query)) == [] or (
            int(raised) >= 30_000
        )
        for most in re.findall(r"lower it to (\d+) or less", finding.remedy):
            assert judge_system(declared(latency_p95_ms=latency, query_p95_ms=int(most))) == []


def test_the_declaration_knows_the_same_distribution() -> None:
    system = wanting(query_p95_ms=100)
    assert statements_p95_ms(system, 4) / 100 == pytest.approx(2.585, abs=0.001)


def test_shop_says_both_budgets() -> None:
    sized = plan(shop(), stack("prod"))
    assert sized.budgets
    first, *rest = budget_sentences(sized.budgets)
    assert "43.2 minutes" in first
    assert "117" in first
    assert any(each.startswith("Latency, write of") for each in rest)
    assert all(math.isfinite(each.total) for each in sized.budgets.latency)
