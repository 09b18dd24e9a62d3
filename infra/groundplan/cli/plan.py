"""Every size of the system and its reason, and `ARCHITECTURE.md` brought up to date with them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from groundplan.capacity import Plan, plan, reach
from groundplan.capacity.reach import reach_sentences
from groundplan.capacity.report import report
from groundplan.cli._facts import declared_facts
from groundplan.cli._run import run
from groundplan.cli.stacks import Project, read_project
from groundplan.document import PARTS, Subject, blocks, rewrite
from groundplan.document.rewriting import read_text, write_text
from groundplan.problems import Problem, ProblemsFound

DOCUMENT = "ARCHITECTURE.md"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m groundplan.cli.plan", description=__doc__)
    parser.add_argument("--stack", action="append", help="print this stack only; default: STACK, else all")
    parser.add_argument("--why", action="store_true", help="print the reason and source of every size")
    parser.add_argument("--check", action="store_true", help=f"change nothing; fail when {DOCUMENT} is out of date")
    parser.add_argument("--quiet", action="store_true", help=f"print nothing but what changed in {DOCUMENT}")
    options = parser.parse_args(arguments)
    return run(
        lambda: plan_project(
            Path.cwd(),
            options.stack or os.environ.get("STACK", "").split(),
            why=options.why,
            check=options.check,
            quiet=options.quiet,
        )
    )


def plan_project(
    folder: Path, stacks: Sequence[str] = (), *, why: bool = False, check: bool = False, quiet: bool = False
) -> int:
    """Prints the plans and rewrites the document's generated blocks; 1 when ``check`` finds it out of date.

    The document always speaks of all stacks, whichever are printed. Raises ProblemsFound.
    """
    if stacks:
        read_project(folder, stacks)
    project = read_project(folder)
    plans = {name: plan(project.system, environment) for name, environment in project.environments.items()}
    if not quiet:
        for name, planned in plans.items():
            if not stacks or name in stacks:
                reached = reach_sentences(reach(planned, project.system, project.environments[name]))
                print(report(planned, reached, reasons=why))
        for problem in project.left_out:
            print(f"Left out, as it can't be deployed yet:\n{problem}\n", file=sys.stderr)
    return _document(folder, project, plans, check=check)


def _document(folder: Path, project: Project, plans: Mapping[str, Plan], *, check: bool) -> int:
    path = folder / DOCUMENT
    text = read_text(path)
    # Markers are looked at first: finding out what the program declares takes a second.
    rewrite(text, dict.fromkeys(PARTS, ""), DOCUMENT)
    main_stack = project.main
    facts = declared_facts(project.folder, project.system, project.environments[main_stack])
    subject = Subject(project.system, project.environments, plans, facts, main_stack)
    rewritten = rewrite(text, blocks(subject), DOCUMENT)
    if not rewritten.changed:
        print(f"{DOCUMENT} is up to date.")
        return 0
    headings = ", ".join(PARTS[name][0] for name in rewritten.changed)
    if check:
        raise ProblemsFound(
            [Problem(DOCUMENT, headings, "out of date", "what system.yaml and the stacks give", "run `make plan`")]
        )
    write_text(path, rewritten.text)
    print(f"{DOCUMENT}: brought up to date: {headings}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
