"""The settings that the program gives to each role's pods are those that the chassis reads: all, and no others."""

from __future__ import annotations

from groundplan.cloud import Simulation
from groundplan.declaration.model import System
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import READING, ROLES, Settings
from groundplan_devkit.recording import Recording
from tests.conftest import deployed

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
JOB = "kubernetes:batch/v1:Job"


def given(simulation: Simulation) -> dict[str, dict[str, str]]:
    """The environment of each workload and migration, by its name."""
    found = {
        each.name.removesuffix("-settings"): dict(each.inputs["data"])
        for each in simulation.of_type(CONFIG_MAP)
        if each.name.endswith("-settings") and "WORKLOAD_ROLE" in each.inputs["data"]
    }
    for job in simulation.of_type(JOB):
        (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
        if container["args"] == ["migrate"]:
            found[job.name] = {variable["name"]: variable["value"] for variable in container["env"]}
    return found


def refuses(variables: dict[str, str], role: str, variable: str) -> bool:
    try:
        Settings.from_environment(variables, role)
    except ProblemsFound as error:
        return variable in {problem.where for problem in error.problems}
    return False


def test_what_pods_are_given_is_what_the_chassis_reads(system: System, stack: str) -> None:
    environments = given(deployed(stack))
    roles = {variables.get("WORKLOAD_ROLE", "migrate") for variables in environments.values()}
    assert roles <= set(ROLES)
    assert roles >= {"migrate"}
    assert {variables["SERVICE_NAME"] for variables in environments.values()} == set(system.services)
    for name, variables in environments.items():
        recording = Recording(variables)
        settings = Settings.from_environment(recording, variables.get("WORKLOAD_ROLE", "migrate"))
        assert variables.keys() - recording.read == set(), f"{name} gets variables that it does not read"
        assert settings.environment == stack
        assert settings.database.tls
        if settings.role in READING:
            assert settings.events is not None
            assert settings.events.sources, name
            assert settings.events.dead_letters, name


def test_a_variable_that_is_no_longer_given_is_missed(stack: str) -> None:
    """What makes the test above a test: each variable is needed."""
    optional = {"WORKLOAD_ROLE", "EVENTS_BROKER"}
    for name, variables in given(deployed(stack)).items():
        role = variables.get("WORKLOAD_ROLE", "migrate")
        for variable in variables.keys() - optional:
            fewer = {key: value for key, value in variables.items() if key != variable}
            assert refuses(fewer, role, variable), f"{name} starts without {variable}"
