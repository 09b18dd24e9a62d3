"""`make update`: the project moves to the newest version of its template, and keeps what was edited (U4)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from groundplan.cli._command import Command, main_of
from groundplan.cli.refresh import refresh, write_tables
from groundplan.cli.template import Updated, read_answers, require_clean, tell_conflicts, update
from groundplan.installation.contract import renew
from groundplan.moving.report import read_lost, tell, write_report
from groundplan.moving.saved import save
from groundplan.project import find_project


@click.command("update", cls=Command)
def command() -> int:
    """Bring the project to the template's newest version.

    What was edited stays; tables that services have otherwise now get a migration. The status is 2 when edits and the
    template met and await a decision.
    """
    project, lost = find_project(), list[str]()
    before = read_answers(project)
    require_clean(project)
    print(f"Looking for a newer version of {before['_src_path']} …", flush=True)
    updated = update(project, before, {}, newest=True, accept=lambda done: lost.extend(save_lost(project, done)))
    after = read_answers(project)
    for question in sorted(after.keys() - before.keys()):
        print(f"New question, answered by its default: {question} = {after[question]!r}")
    if lost:
        tell(lost, "Look at each, then commit.")
    if updated.conflicted:
        return tell_conflicts(updated)
    if lost:
        return 2
    if not updated.changed:
        print(f"Nothing to do: {after['_commit']} is the newest version.")
        return 0
    # The code that runs here is the old one; the new one fills in ARCHITECTURE.md.
    renew(project)
    refresh(project)
    write_tables(project)
    print(
        f"Done: from {before['_commit']} to {after['_commit']}. See it with `git diff`, run `make test`, then commit."
    )
    return 0


def save_lost(project: Path, updated: Updated) -> Sequence[str]:
    """Edits of files that the update deleted, kept or carried to their new place; as lines to show."""
    if all((project / path).exists() for path in updated.changed):
        return ()
    lost = save(project, "HEAD")
    if not lost:
        return ()
    write_report(project, lost)
    return read_lost(project)


main = main_of(command)
