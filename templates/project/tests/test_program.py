"""The whole program in the simulated cloud: what `make up` would deploy, stack by stack."""

from __future__ import annotations

from functools import cache

from groundplan.controls import CapturedProgram, Verdict, assess
from groundplan.controls.testing import each_control, require
from groundplan.declaration.model import System
from tests.conftest import deployed, read_environment, read_system


@cache
def verdicts(stack: str) -> dict[str, Verdict]:
    return assess(CapturedProgram.of_simulation(read_system(), read_environment(stack), deployed(stack)))


def test_the_cloud_refuses_nothing(stack: str) -> None:
    """`deployed` raises with everything that it would refuse."""
    simulation = deployed(stack)
    assert simulation.resources
    assert [message.text for message in simulation.messages if message.severity in ("warning", "error")] == []
    assert simulation.outputs["url"]


def test_every_service_runs_with_a_database_and_an_image_repository(system: System, stack: str) -> None:
    """A1, A2"""
    simulation = deployed(stack)
    deployments = {resource.name for resource in simulation.of_type("kubernetes:apps/v1:Deployment")}
    repositories = {resource.name for resource in simulation.of_type("aws:ecr/repository:Repository")}
    assert simulation.of_type("aws:rds/instance:Instance")
    for service in system.services:
        assert any(service in name for name in deployments), service
        assert any(service in name for name in repositories), service
    assert set(simulation.outputs["images"]) == set(system.services)
    assert set(simulation.outputs["running"]) == set(system.services)


@each_control
def test_the_program_meets_the_control(control: str, stack: str) -> None:
    """S1 to S7, A1 to A3, C1, D3, P1, P2, R1, T1 to T4: what `groundplan check` says, test by test."""
    require(verdicts(stack)[control])
