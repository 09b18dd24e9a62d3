"""Every stack can be planned, or says what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.capacity import plan
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.stack.configuration import read_stack_file
from tests.conftest import PROJECT, STACKS, read_environment


def test_the_stack_is_planned_for_its_share_of_the_load_and_for_growth(system: System, stack: str) -> None:
    """P1"""
    environment = read_environment(stack)
    planned = plan(system, environment)
    loads = [service.load.requests_per_second for service in system.services.values()]
    own = [load for load in loads if load is not None]
    # Services that declare no load of their own share the system's.
    shared = system.requirements.requests_per_second if len(own) < len(loads) else 0
    assert planned.requests_per_second == pytest.approx((sum(own) + shared) * environment.load_share)
    assert planned.growth_factor == system.requirements.growth_factor
    assert {workload.service for workload in planned.workloads} == set(system.services)
    for tier in planned.bottlenecks:
        # A quota of the account is raised by asking; `make plan` says so.
        if "Service Quotas" not in tier.remedy:
            assert tier.utilisation_now <= 1, f"{tier.subject} does not hold today's load: {tier.remedy}"


DEMANDING = [stack for stack in STACKS if ":require_domain: true" in (PROJECT / f"Pulumi.{stack}.yaml").read_text()]


@pytest.mark.parametrize("stack", DEMANDING)
def test_a_stack_that_demands_a_domain_is_refused_without_one(system: System, stack: str, tmp_path: Path) -> None:
    """S2: CloudFront's own certificate can't insist on TLS 1.3."""
    configured = (PROJECT / f"Pulumi.{stack}.yaml").read_text()
    without = tmp_path / f"Pulumi.{stack}.yaml"
    kept = [line for line in configured.splitlines() if ":domain:" not in line and ":hosted_zone:" not in line]
    without.write_text("\n".join(kept) + "\n")
    with pytest.raises(ProblemsFound, match="TLS 1") as refusal:
        read_stack_file(without, system)
    assert f"{system.name}:domain is missing" in str(refusal.value)
