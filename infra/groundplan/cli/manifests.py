"""The Kubernetes objects of one stack as YAML, to try them on an API server of one's own (kind, minikube), without AWS.

Addresses, ARNs and passwords in them come from the simulated account. An API server shows what it admits, schedules and
isolates; for pods to become ready, what they connect to would have to be there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import yaml

from groundplan.cli._command import Command, main_of, stack_option
from groundplan.cli._facts import simulated
from groundplan.cli.stacks import read_project
from groundplan.project import find_project


@click.command("manifests", cls=Command)
@stack_option(several=False, help="The stack. Default: dev.")
@click.option("--custom", is_flag=True, help="Also kinds that only EKS or a controller brings.")
def command(stack: str | None, *, custom: bool) -> int:
    """The Kubernetes objects of one stack as YAML.

    To try them on an API server of one's own (kind, minikube), without AWS: groundplan manifests | kubectl apply
    --server-side -f -

    Addresses, ARNs and passwords in them come from the simulated account. An API server shows what it admits, schedules
    and isolates; for pods to become ready, what they connect to would have to be there.
    """
    return print_manifests(find_project(), stack or "dev", custom=custom)


main = main_of(command)


def print_manifests(folder: Path, stack: str, *, custom: bool = False) -> int:
    """Prints one YAML document for each object, in the order to apply them. Raises ProblemsFound."""
    project = read_project(folder, [stack])
    from groundplan.cloud.manifests import built_in, manifests  # loads the simulated cloud

    found = manifests(simulated(project.folder, project.system, project.environments[stack]))
    shown = [each for each in found if custom or built_in(each)]
    yaml.safe_dump_all(shown, sys.stdout, explicit_start=True, allow_unicode=True, width=120)
    if len(shown) < len(found):
        kinds = ", ".join(sorted({each["kind"] for each in found if not built_in(each)}))
        print(
            f"Left out, as an API server alone doesn't know them (--custom prints them too): {kinds}", file=sys.stderr
        )
    return 0
