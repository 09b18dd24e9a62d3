"""`groundplan drift`: what was changed in the account behind the program's back, by a refresh, previewed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from groundplan.cli._command import Command, main_of, stack_argument
from groundplan.drift import Drift, drift_of, report
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import require_project

FOUND = 3
"""The status where something drifted, so that a job can tell it from a failure."""


@click.command("drift", cls=Command)
@stack_argument
@click.option(
    "--issue", is_flag=True, help="Keep one issue on GitHub about it, by `gh`; it is closed once nothing differs."
)
def command(stack: str, *, issue: bool) -> int:
    """What was changed in the account behind the program's back.

    Printed as Markdown, the gravest first. A refresh is previewed: account and state stay as they are. The status is 3
    where something differs, unless an issue says so.
    """
    found = drift(require_project(), stack)
    text = report(stack, found) if found else f"{stack}: the account has what the state says.\n"
    print(text, end="")
    if issue:
        keep_issue(stack, text if found else "")
        return 0
    return FOUND if found else 0


def keep_issue(stack: str, text: str) -> None:
    """One open issue where there is something to say, and none where there isn't. Raises ProblemsFound."""
    title = f"Drift in {stack}"
    listed = json.loads(_gh("issue", "list", "--state", "open", "--limit", "200", "--json", "number,title") or "[]")
    number = next((str(each["number"]) for each in listed if each["title"] == title), "")
    if text and number:
        _gh("issue", "edit", number, "--body-file", "-", body=text)
    elif text:
        _gh("issue", "create", "--title", title, "--body-file", "-", body=text)
    elif number:
        _gh("issue", "close", number, "--comment", "Nothing differs any more.")


def _gh(*arguments: str, body: str | None = None) -> str:
    try:
        done = subprocess.run(["gh", *arguments], check=False, capture_output=True, text=True, input=body)
    except FileNotFoundError:
        raise ProblemsFound(
            [Problem("this machine", "gh", "not found", "GitHub's CLI on the PATH", "leave --issue out")]
        ) from None
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        remedy = "give the job `issues: write` and GH_TOKEN"
        raise ProblemsFound([Problem("GitHub", f"gh {' '.join(arguments[:2])}", said, "an answer", remedy)])
    return done.stdout


main = main_of(command)


def drift(
    project: Path, stack: str, pulumi: str = "pulumi", environment: Mapping[str, str] | None = None
) -> list[Drift]:
    """What differs. Raises ProblemsFound when the account can't be read."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.json"
        command = [pulumi, "refresh", "--preview-only", "--stack", stack, "--non-interactive", "--event-log", str(log)]
        # The option for event logs is there for programs that drive the CLI, as the SDK's automation does.
        settings = {**(os.environ if environment is None else environment), "PULUMI_DEBUG_COMMANDS": "true"}
        try:
            done = subprocess.run(command, cwd=project, env=settings, check=False, capture_output=True, text=True)
        except FileNotFoundError:
            remedy = "install it: https://www.pulumi.com/docs/iac/download-install/"
            raise ProblemsFound([Problem("this machine", pulumi, "not found", "the Pulumi CLI", remedy)]) from None
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
            raise ProblemsFound(
                [
                    Problem(
                        f"stack {stack}",
                        "pulumi refresh --preview-only",
                        said,
                        "an account that can be read",
                        f"run `pulumi refresh --preview-only --stack {stack}` to see why",
                    )
                ]
            )
        return drift_of(_events(log))


def _events(log: Path) -> Iterator[Mapping[str, Any]]:
    if log.exists():
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
