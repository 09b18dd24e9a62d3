"""How the devkit's commands end: as all commands, and what this machine lacks is told as a mistake is."""

from __future__ import annotations

import sys

import click

from groundplan.cli._command import Command as GroundplanCommand
from groundplan_devkit.problems import Unavailable


class Command(GroundplanCommand):
    """Returns 1 for what this machine lacks, after it has said so on standard error."""

    def invoke(self, ctx: click.Context) -> int:
        try:
            return super().invoke(ctx)
        except Unavailable as problem:
            print(problem, file=sys.stderr)
            return 1
