"""Hashed wheels of all packages and libraries in `vendor/`: set-up, tests and images then need no address."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from groundplan.cli._run import run
from groundplan.installation.vendoring import vendor
from groundplan.project import require_project


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="groundplan vendor", description=__doc__)
    parser.add_argument("--source", action="store_true", help="also the sources of groundplan's libraries")
    options = parser.parse_args(arguments)
    return run(lambda: _vendor(source=options.source))


def _vendor(*, source: bool) -> int:
    project = require_project()
    print("Filling vendor/ (the first time, a minute or two)", flush=True)
    done = vendor(project, os.environ, source=source)
    print(f"vendor/: {done.count} files, {done.megabytes} MB, groundplan's libraries at {done.commit}.")
    print("Commit it: `make setup`, `make test` and `make deliver` then take everything from there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
