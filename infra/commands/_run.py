"""How a command ends: a user's mistakes are said on standard error, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from infra.problems import ProblemsFound


def run(command: Callable[[], int]) -> int:
    """The command's exit status; 1 when it found problems, which are then printed."""
    try:
        return command()
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
