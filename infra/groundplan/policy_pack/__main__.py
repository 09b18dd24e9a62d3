"""The policy pack that `pulumi up --policy-pack` runs: the controls of the project that it is run in.

The engine runs it in the pack's own folder; the shell's `PWD` still says where `pulumi` was called.
`GROUNDPLAN_PROJECT` names another project.
"""

from __future__ import annotations

import os

from groundplan.cli.stacks import read_project
from groundplan.controls.policies import serve
from groundplan.declaration.model import System
from groundplan.project import find_project
from groundplan.stack.environment import Environment


def declared(stack: str) -> tuple[System, Environment]:
    """From the project's files. Raises ProblemsFound."""
    project = read_project(find_project(), [stack])
    return project.system, project.environments[stack]


os.chdir(os.environ.get("PWD", "."))
serve(declared)
