"""The policy pack that `pulumi up --policy-pack` runs: the controls of the project that it is run in.

The engine runs it in this folder, so the project is the one that `GROUNDPLAN_PROJECT` names, or that `pulumi` was
called in.
"""

from __future__ import annotations

from groundplan.cli.stacks import read_project
from groundplan.controls.policies import serve
from groundplan.declaration.model import System
from groundplan.project import find_project
from groundplan.stack.environment import Environment


def told(stack: str) -> tuple[System, Environment]:
    """From the project's files. Raises ProblemsFound."""
    project = read_project(find_project(), [stack])
    return project.system, project.environments[stack]


serve(told)
