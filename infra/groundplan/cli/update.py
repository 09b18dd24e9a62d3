"""`make update`: the project moves to the newest version of its template, and keeps what was edited (U4)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from groundplan.cli.refresh import refresh
from groundplan.cli.template import read_answers, require_clean, tell_conflicts, update
from groundplan.installation.contract import renew, start
from groundplan.problems import ProblemsFound


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when all is well, 1 when it was refused, 2 when edits and the template met and await a decision."""
    argparse.ArgumentParser(prog="python -m groundplan.cli.update", description=__doc__).parse_args(arguments)
    project = Path.cwd()
    try:
        start(project)
        before = read_answers(project)
        require_clean(project)
        print(f"Looking for a newer version of {before['_src_path']} …", flush=True)
        updated = update(project, before, {}, newest=True)
        after = read_answers(project)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    for question in sorted(after.keys() - before.keys()):
        print(f"New question, answered by its default: {question} = {after[question]!r}")
    if updated.conflicted:
        return tell_conflicts(updated)
    if not updated.changed:
        print(f"Nothing to do: {after['_commit']} is the newest version.")
        return 0
    # The code that runs here is the old one; the new one fills in ARCHITECTURE.md.
    try:
        renew(project)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    refresh(project)
    print(
        f"Done: from {before['_commit']} to {after['_commit']}. See it with `git diff`, run `make test`, then commit."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
