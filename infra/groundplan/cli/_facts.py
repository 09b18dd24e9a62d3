"""What the program declares, found by running it in a simulated account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from groundplan.declaration.model import System
from groundplan.stack.configuration import KUBECONFIG
from groundplan.stack.environment import Environment

if TYPE_CHECKING:
    from groundplan.cloud import Simulation
    from groundplan.controls import CapturedProgram, Verdict


def declared_verdicts(folder: Path, system: System, environment: Environment) -> dict[str, Verdict]:
    """The verdict of every control on one stack, as it is once each service has an image."""
    from groundplan.controls import assess

    return assess(captured(system, environment, simulated(folder, system, environment)))


def captured(system: System, environment: Environment, simulation: Simulation) -> CapturedProgram:
    """What `simulated` ran, as controls read it."""
    from groundplan.controls import CapturedProgram

    return CapturedProgram.of_simulation(system, with_images(system, environment), simulation)


def simulated(folder: Path, system: System, environment: Environment, *, strict: bool = True) -> Simulation:
    """One stack in an account of its own, as it is once each service has an image.

    Raises ProblemsFound, and CloudRefused unless ``strict`` is False.
    """
    whole = with_images(system, environment)
    return simulated_as_it_is(folder, system, whole, strict=strict, given=given_by(environment))


def simulated_as_it_is(
    folder: Path, system: System, environment: Environment, *, strict: bool, given: frozenset[str]
) -> Simulation:
    """One stack in an account of its own, in which ``given`` exist already.

    The program is imported here only: with Pulumi's SDK it takes a second, which a refused document need not cost.
    """
    from groundplan.cloud import simulate
    from groundplan.project import load_program, owners_mistakes

    kubeconfig = f"{system.name}:{KUBECONFIG}"
    # Files don't hold it, as it may contain a token, and nothing here connects to that cluster.
    config = {kubeconfig: json.dumps({"apiVersion": "v1", "kind": "Config"})} if environment.existing_cluster else {}
    # Beyond `load_program`, for what fails in an `apply`.
    with owners_mistakes(folder):
        return simulate(
            lambda: load_program(folder)(system, environment),
            project=system.name,
            stack=environment.name,
            region=environment.region,
            config=config,
            secret_keys=[kubeconfig],
            strict=strict,
            given=given,
        )


def given_by(environment: Environment) -> frozenset[str]:
    """What the stack's configuration says exists."""
    from groundplan.cloud import identifiers_in

    brought = environment.existing_cluster
    return frozenset(identifiers_in(environment.model_dump_json()) | ({brought.cluster_name} if brought else set()))


def with_images(system: System, environment: Environment) -> Environment:
    """The environment with an image for each service that has none yet: the document shows the finished system."""
    registry = f"123456789012.dkr.ecr.{environment.region}.amazonaws.com/{system.name}"
    missing = {name: f"{registry}/{name}@sha256:{'0' * 64}" for name in system.services}
    return environment.model_copy(update={"images": {**missing, **environment.images}})
