"""The same configuration as the engine hands it to the program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import config, settings

from groundplan.stack.configuration import from_engine
from groundplan.stack.environment import Environment
from infra.tests.declaration.cases import problems_of
from infra.tests.samples import ROOT, STACKS, shop, stack


@pytest.fixture(autouse=True)
def _stack_of_shop() -> Iterator[None]:
    before = settings.SETTINGS.project, settings.SETTINGS.stack
    values = config.CONFIG.get(), config._SECRET_KEYS.get()
    settings._set_project("shop")
    settings._set_stack("prod")
    yield
    settings._set_project(before[0])
    settings._set_stack(before[1])
    config.CONFIG.set(values[0])
    config._SECRET_KEYS.set(values[1])


def as_engine(value: Any) -> str:
    """Text as it is, everything else as JSON: what the engine makes of a stack file."""
    return value if isinstance(value, str) else json.dumps(value)


def configured(values: dict[str, Any], secrets: list[str] | None = None) -> Environment:
    pulumi.runtime.set_all_config({key: as_engine(value) for key, value in values.items()}, secrets or [])
    return from_engine(shop())


@pytest.mark.parametrize("name", STACKS)
def test_the_engine_and_the_file_say_the_same(name: str) -> None:
    settings._set_stack(name)
    values = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    assert configured(values) == stack(name)


def test_configuration_may_come_from_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi.runtime.set_all_config({}, [])
    values = {"aws:region": "eu-west-1", "shop:require_domain": "false", "shop:nat": "regional"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(values))
    environment = from_engine(shop())
    assert (environment.name, environment.region, environment.nat) == ("prod", "eu-west-1", "regional")


def test_a_secret_is_known_by_the_engine_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """S5: decrypted values pass through the process; none is looked at."""
    pulumi.runtime.set_all_config({}, [])
    values = {"aws:region": "eu-west-1", "shop:domain": "hunter2", "shop:kubeconfig": "hunter2"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(values))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["shop:domain", "shop:kubeconfig"]))
    problems = problems_of(lambda: from_engine(shop()))
    assert [(problem.path, problem.value) for problem in problems] == [
        ("shop:domain", "encrypted"),
        ("shop:kubeconfig", "set"),
    ]
    assert "hunter2" not in "\n".join(map(str, problems))


def test_a_kubeconfig_in_plain_text_is_refused() -> None:
    values = {"aws:region": "eu-west-1", "shop:require_domain": False, "shop:kubeconfig": "hunter2"}
    problems = problems_of(lambda: configured(values))
    assert [problem.value for problem in problems] == ["in plain text", "set"]
    assert "hunter2" not in "\n".join(map(str, problems))


def test_problems_are_placed_in_the_stack_of_the_run() -> None:
    settings._set_stack("dev")
    (problem,) = problems_of(lambda: configured({"aws:region": "eu-west-1", "shop:require_domain": "no"}))
    assert (problem.where, problem.path) == ("Pulumi.dev.yaml", "shop:require_domain")


def test_a_project_of_another_name() -> None:
    settings._set_project("store")
    (problem,) = problems_of(lambda: configured({"aws:region": "eu-west-1"}))
    assert (problem.where, problem.path, problem.value) == ("Pulumi.yaml", "name", '"store"')


def test_reading_a_stack_needs_no_pulumi() -> None:
    """Planning commands must not pay for the SDK's import."""
    program = "import groundplan.stack.configuration, sys; sys.exit('pulumi' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
