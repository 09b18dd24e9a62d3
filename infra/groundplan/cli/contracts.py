"""`make contracts`: what changed of APIs and events since the branch began, and whom it breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from groundplan.cli._command import Command, json_option, main_of
from groundplan.cli.documents import ContractsDocument, print_document
from groundplan.cli.follow import committed_services
from groundplan.cli.openapi import DOCUMENT, NOT_YET
from groundplan.cli.template import MAIN_BRANCHES, git
from groundplan.declaration.loader import load_system
from groundplan.following.contracts import ContractChange, api_differences
from groundplan.following.events import asyncapi, event_differences
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import DECLARATION, require_project


@click.command("contracts", cls=Command)
@click.option(
    "--against", metavar="COMMIT", help="Compare with this commit. Default: where this branch left the main one."
)
@click.option(
    "--asyncapi", "events", is_flag=True, help="Print the events as an AsyncAPI document, and compare nothing."
)
@json_option(ContractsDocument)
def command(*, against: str | None, events: bool, as_json: bool) -> int:
    """What changed of APIs and events, and whom it breaks.

    It compares with where this branch began. The status is 1 when a change breaks clients or consumers.
    """
    project = require_project()
    if events:
        print(json.dumps(asyncapi(load_system(project / DECLARATION)), indent=2, ensure_ascii=False))
        return 0
    base = _base(project, against)
    changes = contract_changes(project, base)
    if as_json:
        print_document(ContractsDocument(against=base, changes=changes))
    else:
        _report(changes, base)
    return int(any(change.breaks for change in changes))


main = main_of(command)


def contract_changes(project: Path, base: str) -> tuple[ContractChange, ...]:
    """Of services' documents and events, between a commit and the working tree."""
    system = load_system(project / DECLARATION)
    before = committed_services(project, base)
    found: list[ContractChange] = []
    for name in dict.fromkeys([*before, *system.services]):
        older = _document(git(project, "show", f"{base}:./services/{name}/{DOCUMENT}").stdout)
        path = project / "services" / name / DOCUMENT
        newer = _document(path.read_text(encoding="utf-8") if path.is_file() else "")
        if older and newer:
            found += api_differences(name, older, newer)
        elif older and name not in system.services:
            found.append(ContractChange(name, "", "the service is gone", breaks=True))
    return (*found, *event_differences(before, system.services))


def _document(text: str) -> dict[str, Any]:
    """Empty for what is not written yet or is none."""
    try:
        document = json.loads(text) if text and NOT_YET not in text else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _base(project: Path, named: str | None) -> str:
    """The commit to compare with, in full."""
    if named is not None:
        shown = git(project, "rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")
        if shown.returncode:
            raise _unknown(named, "name a commit, a branch or a tag of this project")
        return shown.stdout.strip()
    for branch in MAIN_BRANCHES:
        shown = git(project, "merge-base", "HEAD", branch)
        if shown.returncode == 0:
            return shown.stdout.strip()
    raise _unknown("no main branch", "say which commit: `groundplan contracts --against COMMIT`")


def _unknown(value: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem("command line", "--against", value, "a commit to compare with", remedy)])


def _report(changes: tuple[ContractChange, ...], base: str) -> None:
    if not changes:
        print(f"APIs and events are as in {base[:12]}.")
    for title, breaks in (("Breaks those who rely on it:", True), ("Harmless:", False)):
        chosen = [change for change in changes if change.breaks is breaks]
        if chosen:
            print(title)
            print(
                *(f"  {change.contract}: {change.place} {change.what}".replace(":  ", ": ") for change in chosen),
                sep="\n",
            )
