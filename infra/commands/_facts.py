"""What the program declares for its defence, found by running it in a simulated account."""

from __future__ import annotations

from infra.architecture import security_facts
from infra.environment import Environment
from infra.system.model import System


def declared_facts(system: System, environment: Environment) -> dict[str, bool]:
    """Every security fact of one stack, as it is once each service has an image.

    The program is imported here only: with Pulumi's SDK it takes a second, which a refused document need not cost.
    """
    from infra.__main__ import declare
    from infra.simulation.monitor import simulate

    whole = with_images(system, environment)
    simulation = simulate(
        lambda: declare(system, whole), project=system.name, stack=environment.name, region=environment.region
    )
    return security_facts(simulation.resources)


def with_images(system: System, environment: Environment) -> Environment:
    """The environment with an image for each service that has none yet: the document shows the finished system."""
    registry = f"123456789012.dkr.ecr.{environment.region}.amazonaws.com/{system.name}"
    missing = {name: f"{registry}/{name}@sha256:{'0' * 64}" for name in system.services}
    return environment.model_copy(update={"images": {**missing, **environment.images}})
