"""`infra/setup.sh` runs it in a project that comes from copied libraries, until the move is done; `make moved` ends it.

What it refuses is refused by every command: each sets up first.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from groundplan.cli.template import GIVE_UP
from groundplan.moving.follow import follow, left_over
from groundplan.moving.places import MARKER, ROOTS
from groundplan.moving.report import read_lost, tell, write_report
from groundplan.moving.saved import REPORT, conflicts, save
from groundplan.problems import Problem, ProblemsFound

OLD = "infra/commands/update.py"
"""Every project with copied libraries has it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when the project has moved, 1 when something awaits its owner."""
    parser = argparse.ArgumentParser(prog="python -m groundplan.moving", description=__doc__)
    parser.add_argument("--done", action="store_true", help="what is in moved/ was seen; commands work again")
    options = parser.parse_args(arguments)
    project = Path.cwd()
    if not (project / MARKER).exists():
        if options.done:
            print("Nothing to do: no move is under way.")
        return 0
    try:
        return _move(project, done=options.done)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1


def _move(project: Path, *, done: bool) -> int:
    first, base = not (project / REPORT).is_file(), _last_commit(project)
    if first:
        print("Looking for your edits in files that left the template …", flush=True)
        write_report(project, save(project, base))
    pending = conflicts(project)
    if pending:
        _tell_conflicts(project, pending)
        return 1
    followed = follow(project, base)
    if followed:
        print("Your files name what is called differently now; changed:", *followed, sep="\n", flush=True)
    left = list(left_over(project))
    if left and first:
        print(
            "These lines still name what left; look at them:", *(f"    {line}" for line in left), sep="\n", flush=True
        )
    awaited = read_lost(project)
    if awaited and not done:
        tell(awaited, "Look at each, then run `make moved`; other commands wait for it.")
        return 1
    if not awaited:
        (project / REPORT).unlink()
        if not any(REPORT.parent.iterdir()):
            REPORT.parent.rmdir()
    (project / MARKER).unlink()
    _remove_bytecode(project)
    _refresh(project)
    print("The project has moved to the libraries. See it with `git diff`, run `make test`, then commit.")
    return 0


def _last_commit(project: Path) -> str:
    """The owner's last commit before the update."""
    if _git(project, "cat-file", "-e", f"HEAD:./{OLD}").returncode == 0:
        return _git(project, "rev-parse", "HEAD").stdout.strip()
    found = _git(project, "log", "-1", "--format=%P", "--diff-filter=D", "--", OLD).stdout.split()
    if found and _git(project, "cat-file", "-e", f"{found[0]}:./{OLD}").returncode == 0:
        return found[0]
    raise ProblemsFound(
        [
            Problem(
                "git log",
                "",
                "does not reach back to the commit before the update",
                "the project as it was with the libraries copied into it, to find your edits by",
                "run `make setup` in a clone with its whole history (git fetch --unshallow), and commit what it did",
            )
        ]
    )


def _tell_conflicts(project: Path, pending: Sequence[str]) -> None:
    print(
        "Your edits and the update meet in these files; nothing else is done until they are decided:", file=sys.stderr
    )
    print(*(f"    {path}" for path in pending), sep="\n", file=sys.stderr)
    print("Decide between the conflict markers there, then: git add <file> && make setup", file=sys.stderr)
    if _git(project, "cat-file", "-e", f"HEAD:./{OLD}").returncode == 0:
        print(f"Or give the update up, back to your last commit: {GIVE_UP}", file=sys.stderr)


def _remove_bytecode(project: Path) -> None:
    """Of modules that left: their folders would still be packages to Python, with nothing in them."""
    for root in ROOTS:
        folders = [path for path in (project / root).rglob("*") if path.is_dir() and path.name != "__pycache__"]
        for folder in sorted([project / root, *folders], reverse=True):
            if folder.is_dir() and [path.name for path in folder.iterdir()] == ["__pycache__"]:
                shutil.rmtree(folder / "__pycache__")
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _refresh(project: Path) -> None:
    """What the old `make update` could not do without the libraries."""
    for command, then in ((("plan",), "make plan"), (("openapi", "--missing"), "make openapi")):
        done = subprocess.run(
            [sys.executable, "-m", "groundplan", *command],
            cwd=project,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(f"Not up to date yet; mend this, then run `{then}`:\n{done.stderr.strip()}", file=sys.stderr)


def _git(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=project, check=False, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
