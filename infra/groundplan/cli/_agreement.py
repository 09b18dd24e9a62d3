"""What commands say where declaration, code, migrations and documents disagree (U7)."""

from __future__ import annotations

import sys
from pathlib import Path

from groundplan.declaration.model import System
from groundplan.following.agreement import Disagreement, disagreements, waiting_migrations
from groundplan.problems import ProblemsFound


def tell_disagreements(project: Path, system: System) -> list[Disagreement]:
    """Prints them, and which migrations wait; returns them."""
    found = disagreements(project, system)
    _tell(project, found)
    return found


def refuse_breaking(project: Path, system: System) -> None:
    """Raises ProblemsFound where a deployment would refuse clients what the services' code takes; prints the rest."""
    found = disagreements(project, system)
    _tell(project, [each for each in found if not each.breaks])
    if breaking := [each.problem for each in found if each.breaks]:
        raise ProblemsFound(breaking)


def _tell(project: Path, found: list[Disagreement]) -> None:
    if found:
        print("system.yaml and the services do not agree:", file=sys.stderr)
        print(*(each.problem for each in found), sep="\n", file=sys.stderr)
        print(file=sys.stderr)
    if waits := waiting_migrations(project):
        print("Migrations wait until the release before runs nowhere (then: `make follow FINISH=1`):", file=sys.stderr)
        print(*(f"    {path}" for path in waits), sep="\n", file=sys.stderr)
