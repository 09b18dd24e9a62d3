"""The program under the Pulumi engine."""

from __future__ import annotations

import pulumi

from groundplan.declaration.loader import load_system
from groundplan.problems import ProblemsFound
from groundplan.project import Declare, find_project
from groundplan.stack.configuration import from_engine


def run(declare: Declare) -> None:
    """Declare the stack that the engine runs. Raises pulumi.RunError with all problems of the user's declaration and
    configuration."""
    try:
        system = load_system(find_project() / "system.yaml")
        declare(system, from_engine(system))
    except ProblemsFound as found:
        raise pulumi.RunError(str(found)) from None
