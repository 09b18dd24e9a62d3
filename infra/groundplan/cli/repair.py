"""`make repair`: a deployment that was killed, or a state that was lost, brought together with the account (e8)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundplan.cli._command import Command, main_of, stack_argument, switched_by
from groundplan.cli._facts import simulated
from groundplan.cli.remember import run_pulumi
from groundplan.cli.stacks import read_project
from groundplan.project import find_project
from groundplan.repair import Found, State, pending, plan_repair, repaired, unclear
from groundplan.stack.scope import Scope

if TYPE_CHECKING:
    from groundplan.cloud.model import Resource

LOCKED = "currently locked"
"""What the engine says of a stack that another process deploys, or did when it was killed."""


@click.command("repair", cls=Command)
@stack_argument
@click.option("--yes", is_flag=True, default=switched_by("YES"), help="Do not ask before anything is changed (YES=1).")
def command(stack: str, *, yes: bool) -> int:
    """Bring state and account together after a killed deployment.

    Shows what a killed deployment left pending, and what carries the stack's tags and isn't in its state. On a yes the
    state takes it in, or it is deleted where no program declares it; what holds data never is. Ends with a preview.
    """
    from groundplan.cli import _account

    project = find_project()
    read = read_project(project, [stack])
    environment = read.environments[stack]
    scope = Scope(read.system.name, stack)
    program = simulated(project, read.system, environment, strict=False).resources

    def delete(token: str, identifier: str, region: str) -> None:
        _account.remove(project, token, identifier, region or _account.EDGE_REGION)

    def siblings(resource: Mapping[str, Any]) -> Iterable[Found]:
        return _account.siblings_of(project, resource, environment.region)

    found = _account.account_of(project, scope, environment.region)
    return mend(project, stack, found, program, delete, siblings, yes=yes)


main = main_of(command)


def state_of(project: Path, stack: str) -> State:
    """What the state holds, and what is pending. Raises ProblemsFound."""
    state: State = json.loads(run_pulumi(project, stack, "stack", "export") or "{}")
    return state


def mend(
    project: Path,
    stack: str,
    account: Sequence[Found],
    program: Sequence[Resource],
    delete: Callable[[str, str, str], None],
    siblings: Callable[[Mapping[str, Any]], Iterable[Found]],
    *,
    yes: bool,
) -> int:
    """Shows the repair, does it on a yes, and ends with a preview; 1 when something is left. Raises ProblemsFound.

    ``account`` is what has the stack's tags or path; ``siblings`` asks for what the account has of a resource's type.
    """
    state = state_of(project, stack)
    asked = [found for resource in unclear(state, account) for found in siblings(resource)]
    repair = plan_repair(state, account, program, asked)
    if repair.nothing and not pending(state):
        print(f"{stack}: nothing is pending, and the state has all that carries the stack's tags.")
        return _preview(project, stack)
    for step in repair.steps:
        print(step)
    if not yes and not click.confirm("Do this?", default=False):
        print("Nothing was changed.")
        return 1
    _unlock(project, stack)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(repaired(state, repair, program)), encoding="utf-8")
        run_pulumi(project, stack, "stack", "import", "--file", str(file), "--force")
    for step in repair.of("remove"):
        delete(step.type, step.id, step.region)
    run_pulumi(project, stack, "refresh", "--yes", "--skip-preview", "--suppress-outputs")
    kept = repair.of("keep")
    for step in kept:
        print(f"Left to you:\n{step}")
    return max(_preview(project, stack), 1 if kept else 0)


def _unlock(project: Path, stack: str) -> None:
    """Takes away the lock of a process that is gone; nothing where there is none."""
    subprocess.run(
        ["pulumi", "cancel", "--yes", "--stack", stack, "--non-interactive"],
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )


def _preview(project: Path, stack: str) -> int:
    """What is left to deploy: nothing, or what the killed deployment had not begun."""
    return subprocess.run(["pulumi", "preview", "--diff", "--stack", stack], cwd=project, check=False).returncode
