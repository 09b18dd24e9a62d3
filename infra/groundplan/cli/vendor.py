"""Hashed wheels of all packages and libraries in `vendor/`: set-up, tests and images then need no address."""

from __future__ import annotations

import os
import sys

import click

from groundplan.cli._command import Command, main_of
from groundplan.installation.vendoring import vendor
from groundplan.project import require_project


@click.command("vendor", cls=Command)
@click.option("--source", is_flag=True, help="Also the sources of groundplan's libraries.")
def command(*, source: bool) -> int:
    """Put hashed wheels of all packages into vendor/.

    Set-up, tests and images then need no address.
    """
    project = require_project()
    print("Filling vendor/ (the first time, a minute or two)", flush=True)
    done = vendor(project, os.environ, source=source)
    print(f"vendor/: {done.count} files, {done.megabytes} MB, groundplan's libraries at {done.commit}.")
    print("Commit it: `make setup`, `make test` and `make deliver` then take everything from there.")
    return 0


main = main_of(command)

if __name__ == "__main__":
    sys.exit(main(None))
