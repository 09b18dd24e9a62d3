"""`make follow`: code, tests, seeds, migrations and documents come after what system.yaml says now (U7)."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from groundplan.cli._command import Command, json_option, main_of, switched_by
from groundplan.cli.documents import FollowDocument, print_document
from groundplan.cli.openapi import write_documents
from groundplan.cli.refresh import PROGRAM_NOT_RUN, refresh_architecture
from groundplan.cli.template import git, read_answers
from groundplan.declaration.loader import load_system, parse_system
from groundplan.declaration.model import Service
from groundplan.following.changes import Change
from groundplan.following.following import Followed, coded, follow, follow_tables
from groundplan.following.rendering import SHARED
from groundplan.following.revisions import WAITING, released, waiting
from groundplan.following.stamps import STAMP, stamp_text, stamped
from groundplan.following.swapping import interrupted, resume, swap
from groundplan.migrations.behind import behind
from groundplan.problems import Problem, ProblemsFound, listed
from groundplan.progress import doing
from groundplan.project import DECLARATION, require_project

_CONFLICTS = 2
_WRITTEN = ("services", "ARCHITECTURE.md", *SHARED)


@click.command("follow", cls=Command)
@click.option("--dry-run", is_flag=True, default=switched_by("DRY_RUN"), help="Show what would change, change nothing.")
@click.option(
    "--finish",
    is_flag=True,
    default=switched_by("FINISH"),
    help="The release before runs nowhere any more: let migrations that waited for that run with the next.",
)
@click.option(
    "--adopt",
    metavar="COMMIT",
    help="Change nothing: note that code and migrations follow what this commit declares.",
)
@click.option(
    "--tables",
    is_flag=True,
    help="Only write migrations for tables that a newer template makes otherwise, as `make update` does.",
)
@json_option(FollowDocument)
def command(*, dry_run: bool, finish: bool, adopt: str | None, tables: bool, as_json: bool) -> int:
    """Bring services' code and migrations after system.yaml.

    Code, tests and seeds are merged with your edits; a migration is written; openapi.json and ARCHITECTURE.md are
    brought up to date. The status is 2 when your edits and the change meet and await a decision.
    """
    project = require_project()
    if interrupted(project) and not dry_run:
        resume(project)
        _say("Went on with what was stopped in the middle.", as_json)
    if adopt is not None:
        return _adopt(project, adopt, as_json=as_json)
    if finish:
        return _finish(project, dry_run=dry_run, as_json=as_json)
    return _follow(project, dry_run=dry_run, tables=tables, as_json=as_json)


main = main_of(command)


def _follow(project: Path, *, dry_run: bool, tables: bool, as_json: bool) -> int:
    answers = read_answers(project)
    system = load_system(project / DECLARATION)
    if not dry_run and not tables:
        _require_committed(project)
    from groundplan.cli._rendering import shortened  # loads Jinja, which only rendering needs

    follows = follow_tables if tables else follow
    committed = committed_services(project)
    with doing("Rendering the code as it was and as it is to be"), shortened():
        followed = follows(project, answers, system.services, committed, partial(behind, project))
    diff = _diff(project, followed.files) if dry_run else ""
    if not dry_run and followed.files:
        swap(project, followed.files)
        if not followed.conflicted and not tables:
            _documents(project)
    if as_json:
        print_document(_document(followed, applied=not dry_run, diff=diff))
    else:
        _report(followed, diff, dry_run=dry_run)
    return _CONFLICTS if followed.conflicted else 0


def _documents(project: Path) -> None:
    """The code's own documents; where the code fails, it says so, and `make openapi plan` does it later."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            write_documents(project)
    except ProblemsFound as problems:
        print(f"openapi.json is not up to date yet. Mend this, then run `make openapi`:\n{problems}", file=sys.stderr)
    refresh_architecture(project)


def _finish(project: Path, *, dry_run: bool, as_json: bool) -> int:
    services = [name for name in coded(project) if waiting(project / "services" / name)]
    if not services:
        _say("Nothing waits.", as_json)
        if as_json:
            print_document(_document(Followed((), {}), applied=False, diff=""))
        return 0
    _require_released(project, services)
    files: dict[str, str | None] = {}
    for name in services:
        folder = project / "services" / name
        later, gone = released(folder)
        files |= {str(path.relative_to(project)): None for path in gone}
        files |= {f"services/{name}/{path.as_posix()}": text for path, text in later.items()}
    followed = Followed((), files, migrations=tuple(path for path, text in files.items() if text is not None))
    diff = _diff(project, files) if dry_run else ""
    if not dry_run:
        swap(project, files)
    if as_json:
        print_document(_document(followed, applied=not dry_run, diff=diff))
        return 0
    print(diff or "\n".join(f"{path}: runs with the next release." for path in followed.migrations))
    return 0


def _adopt(project: Path, commit: str, *, as_json: bool) -> int:
    services = committed_services(project, commit, required=True)
    files: dict[str, str | None] = {
        f"services/{name}/{STAMP}": stamp_text(services[name])
        for name in coded(project)
        if name in services and stamped(project, name) != services[name]
    }
    swap(project, files)
    if as_json:
        print_document(_document(Followed((), files), applied=True, diff=""))
    else:
        print("\n".join(f"{path}: notes what {commit} declares." for path in files) or "Nothing to note.")
    return 0


def committed_services(project: Path, commit: str = "HEAD", *, required: bool = False) -> Mapping[str, Service]:
    """What a commit declares; nothing where it has no declaration that can be read, unless one is ``required``."""
    shown = git(project, "show", f"{commit}:./{DECLARATION}")
    if shown.returncode and required:
        remedy = "name a commit that has it, such as HEAD"
        said = f"no {DECLARATION} in it"
        raise ProblemsFound(
            [Problem("command line", "--adopt", commit, f"a commit with {DECLARATION} ({said})", remedy)]
        )
    if shown.returncode:
        return {}
    try:
        return parse_system(shown.stdout, f"{commit}:{DECLARATION}").services
    except ProblemsFound:
        if required:
            raise
        return {}


def _require_committed(project: Path) -> None:
    """Everything but the declaration: so the change can be seen, and undone with git."""
    if git(project, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        remedy = 'run `git init && git add . && git commit -m "Start"` first'
        expected = "a git repository that holds the project, so that every change can be seen and undone"
        raise ProblemsFound([Problem("the project", "git", "without a commit of it", expected, remedy)])
    pending = [line[3:] for line in git(project, "status", "--porcelain", "--", *_WRITTEN).stdout.splitlines()]
    if pending:
        shown = ", ".join(pending[:5]) + (", …" if len(pending) > 5 else "")
        expected = "everything but system.yaml as it was committed, so that the change can be seen and undone"
        remedy = "commit or stash your changes there, then run the command again"
        raise ProblemsFound([Problem("the project", "git status", f"not clean ({shown})", expected, remedy)])


def _require_released(project: Path, services: list[str]) -> None:
    """Code that still waits for its own first release can't be the one that everybody runs."""
    places = [f"services/{name}/{WAITING.as_posix()}" for name in services]
    pending = git(project, "status", "--porcelain", "--untracked-files=all", "--", *places).stdout.splitlines()
    if pending:
        expected = "migrations that were committed with the release that they wait for"
        remedy = "commit, `make deliver` to every stack, and run it again when no older process runs"
        shown = ", ".join(line[3:] for line in pending[:3])
        raise ProblemsFound([Problem("the project", "git status", shown, expected, remedy)])


def _diff(project: Path, files: Mapping[str, str | None]) -> str:
    parts = []
    for path, text in files.items():
        before = (project / path).read_text(encoding="utf-8") if (project / path).is_file() else ""
        names = (f"a/{path}" if before else "/dev/null", "/dev/null" if text is None else f"b/{path}")
        lines = difflib.unified_diff(before.splitlines(True), (text or "").splitlines(True), *names)
        parts.append(
            "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        )
    return "".join(parts)


def _document(followed: Followed, *, applied: bool, diff: str) -> FollowDocument:
    return FollowDocument(
        applied=applied,
        changes=followed.changes,
        changed=tuple(followed.files),
        conflicted=followed.conflicted,
        kept_away=followed.kept_away,
        migrations=followed.migrations,
        waiting=followed.waiting,
        diff=diff,
    )


def _report(followed: Followed, diff: str, *, dry_run: bool) -> None:
    if not followed.changes:
        print("Nothing to do: code and migrations follow system.yaml.")
        return
    for change in followed.changes:
        print(_line(change))
        for step in change.steps:
            print(f"      - {step}")
    if dry_run:
        print(f"\n{diff}")
    for path in followed.migrations:
        print(f"Migration: {path}")
    for path in followed.waiting:
        print(f"Waits:     {path}")
    if followed.waiting:
        print("           (once no process of the release before runs: `make follow FINISH=1`)")
    for path in followed.kept_away:
        print(f"You deleted {path}: what changes in it is left out.")
    if followed.conflicted:
        print("\nYour edits and this change meet in these files, and both are kept:", file=sys.stderr)
        print(*(f"    {path}" for path in followed.conflicted), sep="\n", file=sys.stderr)
        print("Decide there (a file without markers is no longer generated), then: make openapi plan", file=sys.stderr)
    elif not dry_run:
        print(f"\nDone. See it with `git diff`.\n{PROGRAM_NOT_RUN} Then `make test`, and commit.")


def _line(change: Change) -> str:
    whom = {"api": "clients of the API", "events": "consumers of events"}
    breaks = f"; breaks {listed_plainly([whom[each] for each in change.breaks])}" if change.breaks else ""
    return f"  {change.place}: {change.what}\n      {change.takes}{breaks}"


def listed_plainly(words: list[str]) -> str:
    return listed(words, last="and").replace("`", "")


def _say(text: str, as_json: bool) -> None:
    print(text, file=sys.stderr if as_json else sys.stdout)
