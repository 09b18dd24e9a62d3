"""Changes that cost less: each is planned and simulated anew, and is what it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from groundplan.capacity import plan
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.pricing.cost import Cost, cost
from groundplan.pricing.savings import Saving, alternatives, at_load, savings
from groundplan.pricing.table import built_in
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.contradictions import contradictions
from groundplan.stack.environment import Environment
from infra.tests.pricing.test_cost import hold
from infra.tests.program.graphs import VARIANTS, graph_of, group, simulated

_SIMULATED: list[tuple[System, Environment]] = []


def simulate(system: System, environment: Environment) -> Sequence[Resource]:
    _SIMULATED.append((system, environment))
    graph = simulated("alternative", system, environment)
    assert not graph.simulation.refusals
    return graph.resources


@cache
def _found() -> tuple[Saving, ...]:
    system, environment = VARIANTS["prod"]()
    _SIMULATED.clear()
    found, refused = savings(system, environment, built_in(), simulate, before=_today())
    assert not refused
    return found


@cache
def _today() -> Cost:
    graph = graph_of("prod")
    return cost(graph.resources, graph.system, graph.environment, graph.plan, built_in())


@pytest.mark.xdist_group(group("prod"))
def test_what_saves_most_of_production() -> None:
    names = [each.alternative.name for each in _found()]
    assert names[:3] == ["no standby in another zone", "queues for Kafka", "no read replicas"]
    assert {"AWS services through NAT", "one NAT gateway", "one database instance for all services"} <= set(names)


@pytest.mark.xdist_group(group("prod"))
def test_each_saving_is_planned_and_simulated_anew() -> None:
    found = _found()
    assert len(_SIMULATED) == len(list(alternatives(*VARIANTS["prod"]())))
    weights = [each.weight for each in found]
    assert weights == sorted(weights, reverse=True)
    for each in found:
        other = each.alternative
        assert not contradictions(other.environment, other.system)
        anew = cost(
            simulated(other.name, other.system, other.environment).resources,
            other.system,
            other.environment,
            plan(other.system, other.environment),
            built_in(),
        )
        assert each.cost.total == anew.total
        assert each.saved == pytest.approx(_today().total.expected - anew.total.expected)
        assert other.gives_up
        assert ":" in other.change
        if len(found) > 3 and each is found[2]:
            break  # the rest takes as long again, and shows the same


@pytest.mark.xdist_group(group("prod"))
def test_what_is_expected_to_save_does() -> None:
    """By hand: docs/expectations/costs.md."""
    saved = {each.alternative.name: each for each in _found()}
    hold("queues for Kafka, saved", "prod", 700, saved["queues for Kafka"].saved, 1100)
    assert 60 <= saved["one NAT gateway"].saved <= 100
    assert 250 <= saved["AWS services through NAT"].saved <= 400


def test_what_is_saved_in_dev_is_simulated_anew() -> None:
    system, environment = VARIANTS["queues in dev"]()
    before = graph_of("queues in dev")
    today = cost(before.resources, system, environment, before.plan, built_in())
    (found,), refused = savings(system, environment, built_in(), simulate, before=today)
    assert not refused
    other = found.alternative
    resources = simulated(other.name, other.system, other.environment).resources
    anew = cost(resources, other.system, other.environment, plan(other.system, other.environment), built_in())
    assert found.cost.total == anew.total
    assert found.saved == pytest.approx(today.total.expected - anew.total.expected)


def test_what_is_not_there_is_no_alternative() -> None:
    names = {each.name for each in alternatives(*VARIANTS["queues in dev"]())}
    assert names == {"no CQRS"}


def test_an_alternative_that_is_refused_is_listed() -> None:
    system, environment = VARIANTS["alone in dev"]()
    today = graph_of("alone in dev")

    def refuse(system: System, environment: Environment) -> Sequence[Resource]:
        raise ProblemsFound([Problem("AWS", "broker", "", "another one", "choose it")])

    before = cost(today.resources, system, environment, today.plan, built_in())
    found, refused = savings(system, environment, built_in(), refuse, before=before)
    assert not found
    assert {reason for _, reason in refused} == {"another one"}


def test_ten_times_the_load_keeps_what_it_must_grow_to() -> None:
    system, _ = VARIANTS["prod"]()
    required, grown = system.requirements, at_load(system, 10).requirements
    assert grown.requests_per_second == 10 * required.requests_per_second
    assert grown.requests_per_second * grown.growth_factor == required.requests_per_second * required.growth_factor
    assert at_load(system, 100).requirements.growth_factor == 1


def test_production_at_ten_times_the_load() -> None:
    """By hand: docs/expectations/costs.md."""
    system, environment = VARIANTS["prod"]()
    grown = at_load(system, 10)
    resources = simulated("grown", grown, environment).resources
    total = cost(resources, grown, environment, plan(grown, environment), built_in()).total.expected
    assert 75_000 <= total <= 115_000
    assert total < 10 * _today().total.expected
