"""What follows a change of the declaration: the document's figures, and what is larger or smaller now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.capacity import plan
from infra.capacity.comparison import compare, comparison_report
from infra.configuration import read_stack_file
from infra.environment import Environment
from infra.problems import ProblemsFound
from infra.system.loader import load_system
from infra.system.model import System

STACKS = ("prod", "staging", "dev")
"""The fullest first: that is where a change shows."""


def refresh(project: Path) -> None:
    """Brings ``ARCHITECTURE.md`` up to date, by the code that the project holds now: an update may have changed it."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.commands.plan"], cwd=project, check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(
            f"ARCHITECTURE.md is not up to date yet. Mend this, then run `make plan`:\n{done.stderr.strip()}",
            file=sys.stderr,
        )


def show_changes(project: Path, before: System) -> None:
    """Prints what is planned differently now that the project no longer declares ``before``."""
    after = load_system(project / "system.yaml")
    environment = _fullest_stack(project, after)
    if environment is not None:
        print(comparison_report(compare(plan(before, environment), plan(after, environment))))


def _fullest_stack(project: Path, system: System) -> Environment | None:
    for stack in STACKS:
        try:
            return read_stack_file(project / f"Pulumi.{stack}.yaml", system)
        except ProblemsFound:
            continue
    return None
