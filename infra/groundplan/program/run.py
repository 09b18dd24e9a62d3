"""The program under the Pulumi engine."""

from __future__ import annotations

import os

import pulumi

from groundplan.declaration.loader import load_system
from groundplan.problems import ProblemsFound
from groundplan.program.collecting import collect_seldom
from groundplan.project import Declare, find_project
from groundplan.stack.configuration import from_engine
from groundplan.stack.placeholders import refuse_placeholders

ATTACHED = "PULUMI_DEBUG_PROVIDERS"
"""Set where the engine deploys to providers that run already: to the simulated cloud, where examples may stay."""


def run(declare: Declare) -> None:
    """Declare the stack that the engine runs. Raises pulumi.RunError with all problems of the user's declaration and
    configuration."""
    collect_seldom()
    try:
        system = load_system(find_project() / "system.yaml")
        environment = from_engine(system)
        if not os.environ.get(ATTACHED):
            refuse_placeholders(environment, system.name)
        declare(system, environment)
    except ProblemsFound as found:
        raise pulumi.RunError(str(found)) from None
