"""`make remember`: what a stack has deployed and AWS only makes larger, from its state into its configuration.

`make up` and `make deliver` do it by themselves, before and after they deploy. By hand it is for a clone in which
no person deployed: the pipeline reads the state anew each time, and commits nothing.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from groundplan.capacity.placement import SHARED
from groundplan.cli._command import Command, main_of, stack_argument
from groundplan.cli.stacks import require_stacks
from groundplan.declaration.document import read_document
from groundplan.declaration.loader import load_system
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import require_project
from groundplan.stack.remembered import REMEMBERED, deployed, settings


def remember(project: Path, stack: str) -> bool:
    """Brings the stack's file up to date with its state; says whether that changed it. Raises ProblemsFound.

    What the state no longer holds is forgotten: that is how a part starts anew.
    """
    system = load_system(project / "system.yaml")
    key = f"{system.name}:{REMEMBERED}"
    wanted = deployed(resources_of(project, stack), [*system.services, SHARED], datetime.now(UTC))
    written = _written(project, stack, key)
    if wanted.model_dump(mode="json", exclude_none=True, exclude_defaults=True) == (written or {}):
        return False
    path = project / f"Pulumi.{stack}.yaml"
    before = path.read_bytes() if path.is_file() else b""
    try:
        if written is not None:
            run_pulumi(project, stack, "config", "rm", key)
        if wanted:
            values = [f"{key}{setting}={value}" for setting, value in settings(wanted).items()]
            options = [option for value in values for option in ("--plaintext", value)]
            run_pulumi(project, stack, "config", "set-all", "--path", *options)
    except ProblemsFound:
        # Half of it would be less than was remembered.
        path.write_bytes(before)
        raise
    return True


def _written(project: Path, stack: str, key: str) -> object:
    """What the file says now, right or wrong; None when it says nothing."""
    path = project / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        return None
    configuration = read_document(path, quotable=False).values.get("config")
    return configuration.get(key) if isinstance(configuration, dict) else None


def resources_of(project: Path, stack: str) -> list[Mapping[str, Any]]:
    """What the stack's state holds. Raises ProblemsFound when the state can't be read."""
    resources: list[Mapping[str, Any]] = state_of(project, stack).get("resources") or []
    return resources


def state_of(project: Path, stack: str) -> Mapping[str, Any]:
    """The state's deployment: resources, and operations that are pending. Raises ProblemsFound."""
    exported = run_pulumi(project, stack, "stack", "export")
    try:
        state = json.loads(exported or "{}")
        deployment: Mapping[str, Any] = state.get("deployment") or {}
    except (ValueError, AttributeError):
        remedy = f"run `pulumi stack export --stack {stack}` by hand to see what it writes"
        raise ProblemsFound([Problem("this machine", "pulumi stack export", "", "the state as JSON", remedy)]) from None
    return deployment


def run_pulumi(project: Path, stack: str, *arguments: str) -> str:
    """What the CLI prints for one stack. Raises ProblemsFound when it fails."""
    command = ["pulumi", *arguments, "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        remedy = "install it: https://www.pulumi.com/docs/iac/download-install/"
        raise ProblemsFound(
            [Problem("this machine", "pulumi", "not found", "the Pulumi CLI on the PATH", remedy)]
        ) from None
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ProblemsFound(
            [
                Problem(
                    "this machine",
                    f"pulumi {' '.join(arguments[:2])}",
                    f"failed: {said}" if said else "failed",
                    f"access to the state of {stack}: it says what is deployed, and no size may be planned below that",
                    "run `pulumi login` with the stack's BackendUrl (README.md, To production), then the command again",
                )
            ]
        )
    return done.stdout


@click.command("remember", cls=Command)
@stack_argument
def command(stack: str) -> int:
    """Read from a stack's state what only grows.

    `groundplan up` and `groundplan deliver` do it by themselves, before and after they deploy. By hand it is for a
    clone in which nothing was deployed: the pipeline reads the state anew each time, and commits nothing.
    """
    return _remember(require_project(), stack)


main = main_of(command)


def _remember(project: Path, stack: str) -> int:
    path = project / f"Pulumi.{stack}.yaml"
    require_stacks(project, [stack])
    changed = remember(project, stack)
    print(f"{path.name} {'remembers what is deployed now: commit it' if changed else 'is up to date'}.")
    return 0
