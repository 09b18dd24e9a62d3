"""The services' code and the program that deploys it mean the same things by the same names."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from groundplan.cloud import Simulation
from groundplan.declaration.model import System
from groundplan_chassis import health
from groundplan_chassis.http import headers
from groundplan_chassis.service import Service
from groundplan_components.shared import VIEWER_HEADER
from groundplan_components.workload import WORKLOAD_PORT
from groundplan_devkit.services import package_of
from tests.conftest import deployed

GROUP = "aws:cognito/userGroup:UserGroup"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def code(name: str) -> Service:
    """The service's composition root."""
    found = importlib.import_module(f"{package_of(name)}.service").service
    assert isinstance(found, Service)
    return found


def containers(simulation: Simulation, system: System) -> list[dict[str, Any]]:
    """Of the services' own workloads."""
    found = [
        container
        for each in simulation.of_type(DEPLOYMENT)
        if any(each.name.startswith(f"{service}-") for service in system.services)
        for container in each.inputs["spec"]["template"]["spec"]["containers"]
        if "livenessProbe" in container and container.get("args")
    ]
    assert found
    return found


def settings(simulation: Simulation) -> list[dict[str, str]]:
    return [
        dict(each.inputs["data"])
        for each in simulation.of_type(CONFIG_MAP)
        if "WORKLOAD_ROLE" in each.inputs.get("data", {})
    ]


def test_roles_that_operations_ask_for_are_groups_of_the_user_pool(system: System, stack: str) -> None:
    """S4"""
    groups = {each.inputs["name"] for each in deployed(stack).of_type(GROUP)}
    asked = {
        grant.role
        for service in system.services
        for operation in code(service).operations
        for grant in operation.access.grants
    }
    assert asked
    assert asked <= groups
    assert groups == set(system.identity.roles)


def test_operations_are_those_that_are_declared(system: System) -> None:
    """R1"""
    for name, service in system.services.items():
        declared = {
            (f"/api/v1/{resource.path(each)}", operation)
            for each, resource in service.resources.items()
            for operation in resource.operations
        }
        assert {(each.resource.path, each.kind) for each in code(name).operations} == declared


def test_events_are_those_that_are_declared(system: System) -> None:
    """A3"""
    for name, service in system.services.items():
        assert code(name).publishes == set(service.publishes)
        assert set(code(name).consumers) == set(service.consumes)


def test_topics_that_pods_are_told_are_those_of_the_code(system: System, stack: str) -> None:
    """A3"""
    for variables in settings(deployed(stack)):
        service = code(variables["SERVICE_NAME"])
        if "EVENT_TOPICS" in variables:
            assert set(service.publishes) <= json.loads(variables["EVENT_TOPICS"]).keys()
        if variables["WORKLOAD_ROLE"] == "consumer":
            assert set(json.loads(variables["EVENT_SOURCES"])) == set(service.consumers)
    assert settings(deployed(stack))
    assert set(system.services) == {variables["SERVICE_NAME"] for variables in settings(deployed(stack))}


@pytest.mark.parametrize(
    ("probe", "path"), [("startupProbe", health.LIVE), ("livenessProbe", health.LIVE), ("readinessProbe", health.READY)]
)
def test_probes_ask_where_the_chassis_answers(system: System, stack: str, probe: str, path: str) -> None:
    for container in containers(deployed(stack), system):
        assert container[probe]["httpGet"]["path"] == path
        assert container[probe]["httpGet"]["port"] == WORKLOAD_PORT


def test_the_client_is_known_by_the_header_that_the_edge_writes() -> None:
    """S7"""
    assert headers.VIEWER.decode() == VIEWER_HEADER
