"""The Kubernetes objects of one stack as YAML, to try them on an API server of one's own (kind, minikube), without AWS.

Addresses, ARNs and passwords in them come from the simulated account. An API server shows what it admits, schedules and
isolates; for pods to become ready, what they connect to would have to be there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from groundplan.cli._facts import simulated
from groundplan.cli._run import run
from groundplan.cli.stacks import read_project
from groundplan.cloud.manifests import built_in, manifests


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m groundplan.cli.manifests", description=__doc__)
    parser.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (default: dev)")
    parser.add_argument("--custom", action="store_true", help="also kinds that only EKS or a controller brings")
    options = parser.parse_args(arguments)
    return run(lambda: print_manifests(Path.cwd(), options.stack, custom=options.custom))


def print_manifests(folder: Path, stack: str, *, custom: bool = False) -> int:
    """Prints one YAML document for each object, in the order to apply them. Raises ProblemsFound."""
    project = read_project(folder, [stack])
    found = manifests(simulated(project.folder, project.system, project.environments[stack]))
    shown = [each for each in found if custom or built_in(each)]
    yaml.safe_dump_all(shown, sys.stdout, explicit_start=True, allow_unicode=True, width=120)
    if len(shown) < len(found):
        kinds = ", ".join(sorted({each["kind"] for each in found if not built_in(each)}))
        print(
            f"Left out, as an API server alone doesn't know them (--custom prints them too): {kinds}", file=sys.stderr
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
