"""Sizes that only grow stay as they were deployed, and the plan says so (P1, U6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, seed, settings

from groundplan.capacity import Plan, plan, remembered_after
from groundplan.capacity.report import report
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from groundplan.stack.remembered import Remembered, RememberedKafka
from infra.tests.capacity.stacks import PLANS, environments, systems
from infra.tests.samples import busy_shop as shop
from infra.tests.samples import changed, stack

INVOICE = {
    "resources": {"invoice": {"fields": {"total": {"type": "integer"}}, "operations": {"get": ["customer"]}}},
    "publishes": ["invoice.made"],
}


def with_memory(environment: Environment, deployed: Plan) -> Environment:
    return environment.model_copy(update={"remembered": remembered_after(deployed)})


def loaded(system: System, factor: float) -> System:
    load = system.requirements.requests_per_second * factor
    return changed(system, requirements={"requests_per_second": load})


def only_raised(sized: Plan) -> dict[str, int]:
    """Every size of the plan that AWS never makes smaller, by what it is of."""
    found: dict[str, int] = {}
    for database in sized.databases:
        found[f"{database.name} storage"] = database.storage_gb
        found[f"{database.name} ceiling"] = database.max_storage_gb
    if sized.events and sized.events.kafka:
        kafka = sized.events.kafka
        found |= {f"{kafka.kind} topic {topic.event}": topic.partitions for topic in sized.events.topics}
        if kafka.kind == "standard":
            found |= {"brokers": kafka.brokers, "volume": kafka.storage_gb or 0}
    return found


def shrunk(before: Plan, after: Plan) -> dict[str, tuple[int, int]]:
    old, new = only_raised(before), only_raised(after)
    return {what: (old[what], new[what]) for what in old.keys() & new.keys() if new[what] < old[what]}


CHANGES = {
    "a service added": ("prod", shop(), changed(shop(), services={"invoice": {**INVOICE, "traffic_weight": 3}})),
    "a tenth of the load": ("prod", shop(), loaded(shop(), 0.1)),
    "ten times the load and back": ("dev", loaded(shop(), 10), shop()),
}


@pytest.mark.parametrize(("name", "before", "after"), CHANGES.values(), ids=CHANGES)
def test_a_cheaper_declaration_keeps_what_only_grows(name: str, before: System, after: System) -> None:
    environment = stack(name)
    deployed = plan(before, environment)
    forgetful = shrunk(deployed, plan(after, environment))
    assert forgetful, "without memory the plan goes down, and AWS refuses it"
    remembering = plan(after, with_memory(environment, deployed))
    assert shrunk(deployed, remembering) == {}
    assert {f"{size.subject} {size.value}" for size in remembering.kept} >= {
        f"topic.{what.rpartition(' ')[2]} {old}" for what, (old, _) in forgetful.items() if "topic" in what
    }


EXAMPLES = settings(deadline=None, max_examples=PLANS, suppress_health_check=[HealthCheck.too_slow], database=None)


def planned(system: System, environment: Environment) -> Plan:
    try:
        return plan(system, environment)
    except ProblemsFound:
        assume(False)
        raise


@seed(20261129)
@EXAMPLES
@given(systems(4), environments(), systems(4), environments())
def test_nothing_that_aws_only_raises_ever_shrinks(
    first: System, there: Environment, second: System, here: Environment
) -> None:
    deployed = planned(first, there)
    sized = planned(second, with_memory(here, deployed))
    assert shrunk(deployed, sized) == {}
    # Memory of the second deployment holds the first one's: a third can't go below either.
    third = planned(first, with_memory(there, sized))
    assert shrunk(sized, third) == {}


@seed(20261129)
@EXAMPLES
@given(systems(4), environments())
def test_what_is_deployed_as_planned_is_planned_again_unchanged(system: System, environment: Environment) -> None:
    """An unchanged declaration is an unchanged deployment, with nothing to explain."""
    deployed = planned(system, environment)
    again = planned(system, with_memory(environment, deployed))
    assert again == deployed
    assert again.kept == ()


@seed(20261129)
@EXAMPLES
@given(systems(4), environments(), systems(4))
def test_kept_sizes_obey_rds_and_are_explained(first: System, environment: Environment, second: System) -> None:
    bound = with_memory(environment, planned(first, environment))
    sized = planned(second, bound)
    for database in sized.databases:
        assert database.storage_gb * 11 <= database.max_storage_gb * 10 or database.max_storage_gb == 65_536
        assert database.iops is None or database.storage_gb >= 400
    decisions = {(decision.subject, decision.setting): decision for decision in sized.decisions}
    for size in sized.kept:
        decision = decisions[size.subject, size.setting]
        assert decision.value == size.value
        assert size.needed in decision.reason
        assert size.why in decision.reason
        assert size.source == decision.source
    unbound = only_raised(planned(second, environment))
    differing = [what for what, value in only_raised(sized).items() if value > unbound[what]]
    assert len(differing) == len([size for size in sized.kept if size.setting != "instance_type"])


def test_the_report_says_what_is_kept_what_it_costs_and_how_to_start_anew() -> None:
    environment = stack("dev")
    text = report(plan(shop(), with_memory(environment, plan(loaded(shop(), 10), environment))))
    assert "Kept as deployed, though less would do" in text
    assert "370 GiB in 1 volume, about $51 a month" in " ".join(text.split())
    assert "RDS never makes storage smaller" in text
    assert "README.md, Sizes that only grow" in " ".join(text.split())
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "Kept as deployed" not in report(plan(shop(), environment))


def test_what_is_made_anew_is_forgotten() -> None:
    """The state no longer holds it, so neither does the memory: the plan is free again."""
    environment = stack("prod")
    memory = remembered_after(plan(loaded(shop(), 10), environment))
    assert memory.kafka is not None
    topics = {event: partitions for event, partitions in memory.kafka.topics.items() if event != "order.placed"}
    databases = {name: size for name, size in memory.databases.items() if name != "user"}
    kafka = memory.kafka.model_copy(update={"topics": topics})
    anew = environment.model_copy(update={"remembered": Remembered(databases=databases, kafka=kafka)})
    fresh, sized = only_raised(plan(shop(), environment)), only_raised(plan(shop(), anew))
    for what in ("express topic order.placed", "user storage", "user ceiling"):
        assert sized[what] == fresh[what]
    assert sized["express topic payment.settled"] > fresh["express topic payment.settled"]


def test_a_cluster_of_the_other_kind_starts_anew() -> None:
    environment = stack("dev")
    memory = Remembered(kafka=RememberedKafka(kind="express", brokers=30, topics={"order.placed": 999}))
    sized = plan(shop(), environment.model_copy(update={"remembered": memory}))
    assert only_raised(sized) == only_raised(plan(shop(), environment))
    assert sized.kept == ()


@pytest.mark.parametrize(("name", "expected"), [("dev", 30), ("prod", 3)])
def test_only_standard_brokers_stay(name: str, expected: int) -> None:
    """MSK empties Express brokers before it removes them."""
    environment = stack(name)
    memory = Remembered(kafka=RememberedKafka(kind=environment.kafka, brokers=30))
    sized = plan(shop(), environment.model_copy(update={"remembered": memory}))
    assert sized.events is not None
    assert sized.events.kafka is not None
    assert sized.events.kafka.brokers == expected


def test_partitions_that_are_kept_keep_the_brokers_that_hold_them() -> None:
    environment = stack("dev")
    topics: dict[str, Any] = {"order.placed": 3000}
    memory = Remembered(kafka=RememberedKafka(kind="standard", brokers=3, topics=topics))
    sized = plan(shop(), environment.model_copy(update={"remembered": memory}))
    settings_kept = {(size.subject, size.setting) for size in sized.kept}
    assert ("kafka", "instance_type") in settings_kept or ("kafka", "brokers") in settings_kept
