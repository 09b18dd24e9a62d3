"""Fills `build/wheels` with what services' images are built from; `make deliver` does it by itself."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from groundplan.cli._run import run
from groundplan.installation.images import WHEELS, prepare
from groundplan.project import require_project


def main(arguments: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(prog="groundplan wheels", description=__doc__).parse_args(arguments)
    return run(_prepare)


def _prepare() -> int:
    project = require_project()
    prepare(project, os.environ)
    print(f"{WHEELS}: {len(list((project / WHEELS).glob('*.whl')))} wheels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
