"""This system and its stacks, as the project declares them."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import pytest

from groundplan.cli._facts import with_images
from groundplan.cloud import Simulation, simulate
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.project import load_program
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.environment import Environment

PROJECT = Path(__file__).resolve().parents[1]
# `make test STACK=dev` looks at one stack only.
STACKS = os.environ.get("STACK", "").split() or sorted(
    path.name.split(".")[1] for path in PROJECT.glob("Pulumi.*.yaml")
)
# Stands in where a stack lacks the domain that it demands, so that the rest of it is tested all the same.
SAMPLE_DOMAIN = {"domain": "system.example.com", "hosted_zone": "example.com"}


@cache
def read_system() -> System:
    return load_system(PROJECT / "system.yaml")


@cache
def read_environment(stack: str) -> Environment:
    """The stack as configured, with an image of every service and, if it lacks the one it demands, a sample domain."""
    system = read_system()
    path = PROJECT / f"Pulumi.{stack}.yaml"
    try:
        environment = read_stack_file(path, system)
    except ProblemsFound:
        lines = "".join(f"  {system.name}:{key}: {value}\n" for key, value in SAMPLE_DOMAIN.items())
        with tempfile.TemporaryDirectory() as directory:
            sample = Path(directory) / path.name
            sample.write_text(path.read_text().replace("config:\n", f"config:\n{lines}", 1))
            environment = read_stack_file(sample, system)
    return with_images(system, environment)


@cache
def deployed(stack: str) -> Simulation:
    """The whole program in the simulated cloud; raises CloudRefused with everything that the cloud would refuse."""
    system, environment = read_system(), read_environment(stack)
    return simulate(
        lambda: load_program(PROJECT)(system, environment), project=system.name, stack=stack, region=environment.region
    )


@pytest.fixture
def system() -> System:
    return read_system()


# Tests of one stack share its simulation, so they run in one process.
@pytest.fixture(params=[pytest.param(stack, marks=pytest.mark.xdist_group(stack)) for stack in STACKS])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)
