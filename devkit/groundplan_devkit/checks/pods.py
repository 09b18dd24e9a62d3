"""The services' code and the program that deploys it mean the same things by the same names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from groundplan.cloud import Simulation
from groundplan.declaration.model import System
from groundplan_chassis import health
from groundplan_chassis.observe.tracing import SAMPLE_VARIABLE
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import READING, ROLES, Settings
from groundplan_components.workload import WORKLOAD_PORT
from groundplan_devkit.checks.agreement import code_of
from groundplan_devkit.recording import Recording

GROUP = "aws:cognito/userGroup:UserGroup"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
JOB = "kubernetes:batch/v1:Job"
PROBES = {
    "startupProbe": ("httpGet", health.LIVE),
    "livenessProbe": ("tcpSocket", None),
    "readinessProbe": ("httpGet", health.READY),
}
"""How each asks, and for which path."""
OF_TRACES = {SAMPLE_VARIABLE}
"""Variables that are read where traces are set up, before there are settings."""
OPTIONAL = {"WORKLOAD_ROLE", "EVENTS_BROKER", *OF_TRACES}
"""Variables that a process starts without."""


def check_groups(system: System, simulation: Simulation) -> None:
    """Roles that operations ask for are groups of the user pool."""
    groups = {each.inputs["name"] for each in simulation.of_type(GROUP)}
    asked = {
        grant.role
        for service in system.services
        for operation in code_of(service).operations
        for grant in operation.access.grants
    }
    assert asked
    assert asked <= groups
    assert groups == set(system.identity.roles)


def check_topics(system: System, simulation: Simulation) -> None:
    """Topics that pods are told are those that the code publishes to and consumes."""
    environments = environments_of(simulation, "WORKLOAD_ROLE")
    for variables in environments.values():
        service = code_of(variables["SERVICE_NAME"])
        if "EVENT_TOPICS" in variables:
            assert set(service.publishes) <= json.loads(variables["EVENT_TOPICS"]).keys()
        if variables["WORKLOAD_ROLE"] == "consumer":
            assert set(json.loads(variables["EVENT_SOURCES"])) == set(service.consumers)
    assert {variables["SERVICE_NAME"] for variables in environments.values()} == set(system.services)


def check_probe(system: System, simulation: Simulation, probe: str) -> None:
    """It asks where the chassis answers."""
    how, path = PROBES[probe]
    found = list(_containers(system, simulation))
    assert found
    for container in found:
        asked = container[probe][how]
        assert asked.get("path") == path
        assert asked["port"] == WORKLOAD_PORT


def check_settings(system: System, simulation: Simulation, stack: str) -> None:
    """The settings that the program gives to each role's pods are those that the chassis reads: all, and no others."""
    environments = environments_of(simulation)
    roles = {variables.get("WORKLOAD_ROLE", "migrate") for variables in environments.values()}
    assert {"migrate"} <= roles <= set(ROLES)
    assert {variables["SERVICE_NAME"] for variables in environments.values()} == set(system.services)
    for name, variables in environments.items():
        recording = Recording(variables)
        settings = Settings.from_environment(recording, variables.get("WORKLOAD_ROLE", "migrate"))
        assert variables.keys() - recording.read <= OF_TRACES, f"{name} gets variables that it does not read"
        assert settings.environment == stack
        assert settings.database.tls
        if settings.role in READING:
            assert settings.events is not None
            assert settings.events.sources, name
            assert settings.events.dead_letters, name


def check_missing_settings(simulation: Simulation) -> None:
    """Proves that `check_settings` can fail: no process starts without a variable that it needs."""
    for name, variables in environments_of(simulation).items():
        role = variables.get("WORKLOAD_ROLE", "migrate")
        for variable in variables.keys() - OPTIONAL:
            fewer = {key: value for key, value in variables.items() if key != variable}
            assert _refuses(fewer, role, variable), f"{name} starts without {variable}"


def environments_of(simulation: Simulation, with_variable: str = "SERVICE_NAME") -> dict[str, dict[str, str]]:
    """The environment of each workload and migration that has a variable, by its name."""
    found = {
        each.name.removesuffix("-settings"): dict(each.inputs["data"])
        for each in simulation.of_type(CONFIG_MAP)
        if each.name.endswith("-settings") and "WORKLOAD_ROLE" in each.inputs["data"]
    }
    for job in simulation.of_type(JOB):
        (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
        if container["args"] == ["migrate"]:
            found[job.name] = {variable["name"]: variable["value"] for variable in container["env"]}
    return {name: variables for name, variables in found.items() if with_variable in variables}


def _containers(system: System, simulation: Simulation) -> Iterator[dict[str, Any]]:
    """Of the services' own workloads."""
    for each in simulation.of_type(DEPLOYMENT):
        if any(each.name.startswith(f"{service}-") for service in system.services):
            for container in each.inputs["spec"]["template"]["spec"]["containers"]:
                if "livenessProbe" in container and container.get("args"):
                    yield container


def _refuses(variables: dict[str, str], role: str, variable: str) -> bool:
    try:
        Settings.from_environment(variables, role)
    except ProblemsFound as error:
        return variable in {problem.where for problem in error.problems}
    return False
