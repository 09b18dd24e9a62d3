"""What follows a change of the declaration: the documents' contents, and what is larger or smaller now."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from groundplan.capacity import plan
from groundplan.capacity.comparison import Comparison, compare, comparison_report
from groundplan.cli._document import DOCUMENT, rewrite_declared
from groundplan.cli.openapi import write_documents
from groundplan.cli.stacks import read_project
from groundplan.declaration.model import System
from groundplan.problems import ProblemsFound
from groundplan.progress import doing
from groundplan.project import PROJECT_VARIABLE

PROGRAM_NOT_RUN = f"The program was not run: `make plan` does, and brings the controls in {DOCUMENT} up to date."
_BRINGING = f"Bringing {DOCUMENT} up to date"
_NOT_UP_TO_DATE = f"{DOCUMENT} is not up to date yet. Mend this, then run `make plan`"
_WRITING = "Writing openapi.json of services that have none"
_NOT_WRITTEN = "A service's openapi.json is not written yet. Mend this, then run `make openapi`"


def refresh_declared(project: Path) -> None:
    """Brings up to date what of ``ARCHITECTURE.md`` follows from the declaration, and writes a new service's
    ``openapi.json``; tells what could not be done."""
    refresh_architecture(project)
    with doing(_WRITING), contextlib.redirect_stdout(io.StringIO()):
        try:
            write_documents(project, missing=True)
        except ProblemsFound as found:
            print(f"{_NOT_WRITTEN}:\n{found}", file=sys.stderr)


def refresh_architecture(project: Path) -> None:
    """Brings up to date what of ``ARCHITECTURE.md`` follows from the declaration; tells what could not be done.

    By the libraries of this process, without the program: with Pulumi's SDK and the simulated cloud that would take
    longer than all else. `make plan` runs it.
    """
    with doing(_BRINGING):
        try:
            rewrite_declared(project)
        except ProblemsFound as found:
            print(f"{_NOT_UP_TO_DATE}:\n{found}", file=sys.stderr)


def refresh(project: Path) -> None:
    """Brings the whole of ``ARCHITECTURE.md`` up to date, and writes a new service's ``openapi.json``.

    By the code that the project holds now: an update may have changed it.
    """
    # What a plan prints would be thrown away.
    _run(project, _NOT_UP_TO_DATE, *("plan", "--quiet"), doing_what=_BRINGING)
    _run(project, _NOT_WRITTEN, *("openapi", "--missing"), doing_what=_WRITING)


def write_tables(project: Path) -> None:
    """Writes migrations for tables that a newer template makes otherwise, and names them."""
    said = _run(
        project,
        "Tables that the newer template makes otherwise have no migrations yet. Mend this, then run `make follow`",
        *("follow", "--tables"),
        doing_what="Comparing the services' migrations with the tables of the newer template",
    )
    if "Migration: " in said:
        print(said.strip())


def _run(project: Path, failed: str, *command: str, doing_what: str) -> str:
    with doing(doing_what):
        done = subprocess.run(
            [sys.executable, "-m", "groundplan", *command],
            cwd=project,
            env={**os.environ, PROJECT_VARIABLE: str(project.resolve())},
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        print(f"{failed}:\n{done.stderr.strip()}", file=sys.stderr)
    return done.stdout


def changes_since(project: Path, before: System) -> Comparison:
    """What is planned differently now that the project no longer declares ``before``."""
    after = read_project(project)
    environment = after.environments[after.main]
    return compare(plan(before, environment), plan(after.system, environment))


def show_changes(project: Path, before: System) -> None:
    """Prints what is planned differently now that the project no longer declares ``before``."""
    print(comparison_report(changes_since(project, before)))
