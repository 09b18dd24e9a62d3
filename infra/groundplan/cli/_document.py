"""`ARCHITECTURE.md` brought up to date: whole, or what of it follows from the declaration alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundplan.capacity import Plan, plan
from groundplan.cli._facts import declared_verdicts
from groundplan.cli.stacks import Project, read_project
from groundplan.document import OF_THE_PROGRAM, PARTS, Subject, blocks, declared_blocks, rewrite
from groundplan.document.rewriting import read_text, write_text
from groundplan.problems import Problem, ProblemsFound

DOCUMENT = "ARCHITECTURE.md"


def rewrite_whole(folder: Path, project: Project, plans: Mapping[str, Plan], *, check: bool = False) -> tuple[str, ...]:
    """The headings of the parts that were out of date; runs the program in the simulated cloud.

    Raises ProblemsFound when ``check`` finds one, and then changes nothing.
    """
    path = folder / DOCUMENT
    text = read_text(path)
    # Markers are looked at first: finding out what the program declares takes seconds.
    rewrite(text, dict.fromkeys(PARTS, ""), DOCUMENT)
    verdicts = declared_verdicts(folder, project.system, project.environments[project.main])
    rewritten = rewrite(
        text, blocks(Subject(project.system, project.environments, plans, verdicts, project.main)), DOCUMENT
    )
    headings = tuple(PARTS[name][0] for name in rewritten.changed)
    if headings and check:
        raise ProblemsFound(
            [
                Problem(
                    DOCUMENT,
                    ", ".join(headings),
                    "out of date",
                    "what system.yaml and the stacks give",
                    "run `make plan`",
                )
            ]
        )
    if headings:
        write_text(path, rewritten.text)
    return headings


def rewrite_declared(folder: Path) -> None:
    """Rewrites the parts that need no program; `OF_THE_PROGRAM` stay as they are. Raises ProblemsFound."""
    path, project = folder / DOCUMENT, read_project(folder)
    plans = {name: plan(project.system, environment) for name, environment in project.environments.items()}
    subject = Subject(project.system, project.environments, plans, {}, project.main)
    rewritten = rewrite(read_text(path), declared_blocks(subject), DOCUMENT, kept=OF_THE_PROGRAM)
    if rewritten.changed:
        write_text(path, rewritten.text)
