"""What a stack holds as deployed, after configuration, and where redesign begins (P1)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from groundplan.capacity import plan, reach
from groundplan.capacity.reach import QUOTAS, reach_sentences
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import PROD, environments, one_service, systems
from infra.tests.samples import busy_shop as shop


def test_the_shop_says_three_numbers() -> None:
    """3,703 requests/s are what prod holds as deployed; ten times today is behind a failover and a quota."""
    found = reach(plan(shop(), PROD), shop(), PROD)
    assert found.deployed_rps == pytest.approx(1000 * 2 / 0.54)
    assert found.goal_is_met
    assert found.configured_rps >= 10_000
    steps = {(step.subject, step.setting) for step in found.steps}
    assert ("database.order", "instance_class") in steps
    assert [quota.subject for quota in found.quotas] == ["gateway.account"]
    text = " ".join(reach_sentences(found))
    assert "it holds 3,703 requests/s" in text
    assert "database.order instance_class db.r7g.large -> db.m7g.4xlarge (with a restart)" in text
    assert "Beyond that redesign begins" in text
    assert "P1 is met" in text


def test_an_ingestion_is_told_that_p1_is_not_met() -> None:
    """5,000 writes/s: no class holds ten times that on one writer."""
    system = one_service({"requests_per_second": 5000}, read_share=0.0)
    found = reach(plan(system, PROD), system, PROD)
    assert not found.goal_is_met
    assert found.configured_rps < 50_000
    text = " ".join(reach_sentences(found))
    assert "P1 is not met" in text
    assert "database.thing.writer is full" in text


@given(systems(most=2), environments())
def test_what_configuration_reaches_is_planned_and_held(system: System, environment: Environment) -> None:
    """The second number is a plan's own: planned for that load nothing but quotas is over full."""
    try:
        sized = plan(system, environment)
    except ProblemsFound:
        assume(False)
        raise
    found = reach(sized, system, environment)
    assert found.deployed_rps == sized.bottlenecks[0].bites_at_rps
    assert found.goal_is_met == (found.configured_rps >= found.goal_rps * (1 - 1e-9))
    if not found.goal_is_met:
        return
    load = found.goal_rps / environment.load_share
    requirements = system.requirements.model_copy(update={"requests_per_second": load, "growth_factor": 1.0})
    grown = plan(system.model_copy(update={"requirements": requirements}), environment)
    assert all(tier.utilisation_now <= 1 + 1e-6 or tier.subject in QUOTAS for tier in grown.tiers)
