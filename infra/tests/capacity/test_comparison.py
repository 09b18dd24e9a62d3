"""What changes if load grows tenfold, or data reaches 3 TB (U6)."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundplan.capacity import Plan, check_shards, compare, plan
from groundplan.capacity.comparison import Change, Comparison, Effort, comparison_report
from groundplan.cli.compare import compared, with_changes
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from infra.tests.capacity.stacks import PROD, one_service, systems
from infra.tests.samples import busy_shop as shop


def grown(factor: float = 1, **data_gb: float) -> System:
    """The shop with another load and the same goal, and other data."""
    return with_changes(shop(), str(factor), [f"{name}={size}" for name, size in data_gb.items()], ())


@pytest.fixture(scope="module")
def today() -> Plan:
    return plan(shop(), PROD)


@pytest.fixture(scope="module")
def tenfold(today: Plan) -> Comparison:
    return compare(today, plan(grown(10), PROD))


def find(comparison: Comparison, subject: str, setting: str) -> Change:
    return next(c for c in comparison.changes if (c.subject, c.setting) == (subject, setting))


def test_a_plan_compared_with_itself_changes_nothing(today: Plan) -> None:
    comparison = compare(today, today)
    assert comparison.changes == ()
    assert comparison.effort is Effort.CONFIGURATION
    assert "Nothing changes" in comparison_report(comparison)


def test_ten_times_the_load_is_pods_by_configuration(tenfold: Comparison) -> None:
    pods = find(tenfold, "workload.order-query", "min_pods")
    assert (pods.old, pods.new, pods.effort) == ("3", "8", Effort.CONFIGURATION)
    assert not [change for change in tenfold.changes if change.subject in ("gateway", "topic.order.placed")]


def test_ten_times_the_load_is_a_larger_class_with_a_failover(tenfold: Comparison) -> None:
    change = find(tenfold, "database.order", "instance_class")
    assert (change.old, change.new, change.effort) == ("db.r7g.large", "db.m7g.4xlarge", Effort.RESTART)
    assert "cores" in change.reason


def test_ten_times_the_load_moves_no_subnet(tenfold: Comparison) -> None:
    assert not [change for change in tenfold.changes if change.subject == "network"]
    assert not [change for change in tenfold.changes if change.effort is Effort.REPLACEMENT]


def test_the_bottleneck_moves(tenfold: Comparison) -> None:
    before, after = tenfold.bottlenecks
    assert before.subject == "database.order.writer"
    assert after.subject == "gateway.account"
    assert after.bites_at_rps == 10_000


def test_3_tb_are_shards_to_declare(today: Plan) -> None:
    system = grown(order=3000)
    comparison = compare(today, plan(system, PROD), tuple(check_shards(system)))
    change = find(comparison, "database.order", "shards")
    assert (change.old, change.new, change.effort) == ("1", "4", Effort.DATA_MOVE)
    assert comparison.effort is Effort.DATA_MOVE
    text = comparison_report(comparison)
    assert "To declare first" in text
    assert "- {since: 2000-01-01, shards: 4}" in text


def test_parts_that_come_and_go_are_one_line_each(today: Plan) -> None:
    fewer = shop().model_copy(
        update={"services": {name: service for name, service in shop().services.items() if name != "user"}}
    )
    gone = compare(today, plan(fewer, PROD))
    assert find(gone, "database.user", "").effort is Effort.DELETION
    lines = comparison_report(gone).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Deleted with its data ("))
    assert "asks for its name" in lines[first + 1]
    assert any(line.split() == ["database.user", "deleted"] for line in lines[first:])
    assert not any("gone" in line for line in lines)
    assert find(gone, "workload.user-api", "").new == ""
    come = compare(plan(fewer, PROD), today)
    assert find(come, "workload.user-api", "").new == "new"


def test_what_aws_only_makes_larger_stays(today: Plan) -> None:
    """A deployed stack remembers it, so no deployment applies the smaller size."""
    larger = plan(grown(order=900), PROD)
    comparison = compare(larger, today)
    change = find(comparison, "database.order", "storage_gb")
    assert int(change.old.replace(",", "")) > int(change.new.replace(",", ""))
    assert change.effort is Effort.NONE
    assert find(compare(today, larger), "database.order", "storage_gb").effort is Effort.CONFIGURATION
    assert "a deployed stack keeps what it has" in comparison_report(comparison).replace("\n", " ")


def test_another_range_is_a_new_network(today: Plan) -> None:
    elsewhere = PROD.model_copy(update={"vpc_cidr": IPv4Network("10.7.0.0/16")})
    comparison = compare(today, plan(shop(), elsewhere))
    assert {change.effort for change in comparison.changes} == {Effort.REPLACEMENT}
    assert {change.subject for change in comparison.changes} == {"network"}


def test_an_unused_replica_class_is_not_worth_a_line() -> None:
    before, after = (plan(one_service({"requests_per_second": load}, read_share=0.1), PROD) for load in (1_000, 10_000))
    assert not [change for change in compare(before, after).changes if change.setting == "replica_class"]


def test_the_report_keeps_within_100_columns(tenfold: Comparison) -> None:
    lines = comparison_report(tenfold).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert lines[0] == "shop, prod: 1,000 -> 10,000 requests/s today"
    assert any(line.startswith("With a restart (") for line in lines)


def test_the_load_changes_and_the_goal_stays() -> None:
    """What follows the goal alone (partitions, most pods, throttle, storage) is as before."""
    more = with_changes(shop(), "10", (), ())
    assert more.requirements.requests_per_second == 10_000
    assert more.requirements.growth_factor == 1
    before, after = plan(shop(), PROD), plan(more, PROD)
    assert before.events is not None
    assert after.events is not None
    assert after.events.topics == before.events.topics
    assert after.gateway.requests_per_second == before.gateway.requests_per_second
    assert [w.max_pods for w in after.workloads] == [w.max_pods for w in before.workloads]


@given(systems(), st.floats(0.1, 1000))
def test_no_load_moves_the_goal_below_itself(system: System, factor: float) -> None:
    """The goal stays while the load is within it, and follows the load beyond."""
    more = with_changes(system, repr(factor), (), ()).requirements
    before = system.requirements
    goal, load = before.requests_per_second * before.growth_factor, before.requests_per_second * factor
    assert more.requests_per_second == pytest.approx(load)
    assert more.requests_per_second * more.growth_factor == pytest.approx(max(goal, load))
    assert more.growth_factor >= 1


def test_a_question_of_data_alone_asks_nothing_of_the_load() -> None:
    assert with_changes(shop(), None, ["order=3000"], ()).requirements == shop().requirements


@given(systems(most=3), st.sampled_from([20, 1_000, 100_000]))
def test_a_refused_variant_is_compared_up_to_what_refuses_it(system: System, factor: int) -> None:
    """Every what-if is answered: where a range is too small for it, up to there."""
    narrow = PROD.model_copy(update={"vpc_cidr": IPv4Network("10.7.0.0/20")})
    try:
        plan(system, narrow)
    except ProblemsFound:
        assume(False)
    refused = False
    try:
        plan(with_changes(system, str(factor), (), ()), narrow)
    except ProblemsFound:
        refused = True
    text = comparison_report(compared(system, narrow, str(factor), (), ()))
    assert "First bottleneck after" in text
    assert ("What refuses the rest" in text) == refused
