"""The whole program in the simulated cloud: what `make up` would deploy, stack by stack."""

from __future__ import annotations

import pytest

from groundplan.declaration.model import System
from groundplan.document import security_facts
from groundplan.document.security import ITEMS
from groundplan.stack.environment import Environment
from tests.conftest import deployed, read_environment

LAYERS = sorted({item.layer for item in ITEMS})


def chosen(environment: Environment) -> dict[str, bool]:
    """What a stack's configuration may leave out."""
    return {
        "network firewall": environment.network_firewall,
        "deletion protection": environment.protect,
        "edge TLS": environment.domain is not None,
        "balancer TLS": environment.domain is not None,
    }


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


@pytest.mark.parametrize("layer", LAYERS)
def test_the_security_layer_is_there(layer: str, stack: str) -> None:
    """S1 to S7, as ARCHITECTURE.md claims them."""
    facts = security_facts(deployed(stack).resources)
    expected = chosen(read_environment(stack))
    for item in ITEMS:
        if item.layer == layer:
            for fact in item.facts:
                assert facts[fact] or not expected.get(fact, True), f"{item.text} ({fact}): {', '.join(item.files)}"


def test_what_holds_data_is_protected_where_the_stack_says_so(stack: str) -> None:
    """A replica holds nothing that its writer doesn't."""
    instances = deployed(stack).of_type("aws:rds/instance:Instance")
    writers = [instance for instance in instances if "replicateSourceDb" not in instance.inputs]
    protect = read_environment(stack).protect
    assert {writer.inputs.get("deletionProtection", False) for writer in writers} == {protect}
    assert {writer.protect for writer in writers} == {protect}
