"""Every size of the system and its reason, and `ARCHITECTURE.md` brought up to date with them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from groundplan.capacity import plan, reach
from groundplan.capacity.costs import provenance
from groundplan.capacity.reach import reach_sentences
from groundplan.capacity.report import report
from groundplan.capacity.text import paragraph
from groundplan.cli._agreement import tell_disagreements
from groundplan.cli._command import Command, json_option, main_of, stack_option, switched_by
from groundplan.cli._document import DOCUMENT, rewrite_whole
from groundplan.cli.documents import DocumentChange, PlanDocument, print_document
from groundplan.cli.stacks import read_project
from groundplan.declaration.model import System
from groundplan.progress import doing
from groundplan.project import find_project


@click.command("plan", cls=Command)
@stack_option(several=True, help="Print this stack only; may be given again. Default: all.")
@click.option("--why", is_flag=True, default=switched_by("WHY"), help="Print each size's reason and source (WHY=1).")
@click.option("--check", is_flag=True, help=f"Change nothing; fail when {DOCUMENT} is out of date.")
@click.option("--quiet", is_flag=True, help=f"Print nothing but what changed in {DOCUMENT}.")
@json_option(PlanDocument)
def command(stack: Sequence[str], *, why: bool, check: bool, quiet: bool, as_json: bool) -> int:
    """Every size with its reason; brings ARCHITECTURE.md up to date.

    The document always speaks of all stacks, whichever are printed.
    """
    return plan_project(find_project(), stack, why=why, check=check, quiet=quiet, as_json=as_json)


main = main_of(command)


def plan_project(
    folder: Path,
    stacks: Sequence[str] = (),
    *,
    why: bool = False,
    check: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """Prints the plans and rewrites the document's generated blocks; 1 when ``check`` finds it out of date.

    The document always speaks of all stacks, whichever are printed. Raises ProblemsFound.
    """
    if stacks:
        read_project(folder, stacks)
    project = read_project(folder)
    with doing(f"Planning {', '.join(project.environments)}"):
        plans = {name: plan(project.system, environment) for name, environment in project.environments.items()}
    if not quiet and not as_json:
        for name, planned in plans.items():
            if not stacks or name in stacks:
                reached = reach_sentences(reach(planned, project.system, project.environments[name]))
                print(report(planned, reached, reasons=why))
        if why:
            print("\n".join(figures_used(project.system)) + "\n")
        for problem in project.left_out:
            print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
    if not quiet:
        tell_disagreements(folder, project.system)
    with doing(f"Running the program in the simulated cloud, for {DOCUMENT}"):
        changed = rewrite_whole(folder, project, plans, check=check)
    if as_json:
        print_document(
            PlanDocument(
                system=project.system.name,
                stacks={name: planned for name, planned in plans.items() if not stacks or name in stacks},
                left_out=project.left_out,
                document=DocumentChange(path=DOCUMENT, changed=changed),
            )
        )
    elif changed:
        print(f"{DOCUMENT}: brought up to date: {', '.join(changed)}.")
    else:
        print(f"{DOCUMENT} is up to date.")
    return 0


def figures_used(system: System) -> list[str]:
    """Which figures the plan uses for each service, and where they come from."""
    lines = ["Figures"]
    for name, said in provenance(system):
        lines += paragraph(f"{name}: {said}", "- ")
    if system.measured is None:
        lines += paragraph(
            "None are this project's own: `make bench-services WHAT=capacity` measures its services and writes "
            "capacity.yaml."
        )
    return lines
