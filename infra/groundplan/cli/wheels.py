"""Fills `build/wheels` with what services' images are built from; `make deliver` does it by itself."""

from __future__ import annotations

import os
import sys

import click

from groundplan.cli._command import Command, main_of
from groundplan.installation.images import WHEELS, prepare
from groundplan.project import require_project


@click.command("wheels", cls=Command)
def command() -> int:
    """Fill build/wheels with what the services' images are built from.

    `make deliver` does it by itself.
    """
    project = require_project()
    prepare(project, os.environ)
    print(f"{WHEELS}: {len(list((project / WHEELS).glob('*.whl')))} wheels")
    return 0


main = main_of(command)

if __name__ == "__main__":
    sys.exit(main(None))
