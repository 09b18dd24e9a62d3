"""`groundplan destroy`: takes a stack away, with what comes back by itself, so that it can be deployed again.

EKS and Container Insights make their log groups again when they deliver what they still hold (terraform-aws-eks#920):
without key and retention, and in the way of the next deployment.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from groundplan.cli._command import Command, lose_option, main_of, stack_argument, switched_by
from groundplan.cli.consent import can_ask, consent
from groundplan.cli.remember import remember, resources_of
from groundplan.cli.up import check_tools
from groundplan.project import require_project

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


@click.command("destroy", cls=Command)
@stack_argument
@click.option("--yes", is_flag=True, default=switched_by("YES"), help="Do not ask before destroying (YES=1).")
@lose_option
def command(stack: str, *, yes: bool, lose: Sequence[str]) -> int:
    """Take a stack away, so that it can be deployed again.

    What would be lost is said first, and its names are asked for; what is protected refuses. Log groups that come back
    after their cluster are deleted with the AWS CLI, or the commands are printed. What stays on purpose is listed.
    """
    project = require_project()
    check_tools(project, stack, deploying=False)
    return destroy(project, stack, yes=yes, lose=lose)


main = main_of(command)


def destroy(project: Path, stack: str, *, yes: bool, lose: Sequence[str] = ()) -> int:
    """Returns the status of `pulumi destroy`. Raises ProblemsFound when something may not go."""
    from groundplan.changes import classify, recorded

    state = resources_of(project, stack)
    if not state:
        print(f"{stack} has nothing deployed.")
        return 0
    consent(classify(map(recorded, state), ()), stack, named=lose, ask=can_ask(yes=yes))
    options = ["--yes", "--non-interactive", "--skip-preview"] if yes else []
    status = subprocess.run(["pulumi", "destroy", "--stack", stack, *options], cwd=project, check=False).returncode
    remember(project, stack)
    if status == 0:
        _delete_what_came_back(project, list(_returning(state)))
        _say_what_stays(state)
    return status


def _returning(state: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """Name and region of log groups that the stack has made and that come back."""
    from groundplan.cloud.deletion import comes_back

    for resource in state:
        outputs = resource.get("outputs") or {}
        name = str(outputs.get("name") or "")
        if resource.get("type") == LOG_GROUP and comes_back(name):
            yield name, str(outputs.get("arn", "")).split(":")[3] if outputs.get("arn") else ""


def _delete_what_came_back(project: Path, names: Sequence[tuple[str, str]]) -> None:
    by_hand = []
    for name, region in names:
        where = ["--region", region] if region else []
        delete = ["aws", "logs", "delete-log-group", "--log-group-name", name, *where]
        there = _there(project, name, where)
        if there is None or (there and subprocess.run(delete, cwd=project, check=False).returncode):
            by_hand.append(delete)
        elif there:
            print(f"Deleted {name}, which had come back.")
    if by_hand:
        print("These log groups may come back, and would be in the way of the next deployment; delete them then:")
        for delete in by_hand:
            print(f"  {shlex.join(delete)}")


def _there(project: Path, name: str, where: Sequence[str]) -> bool | None:
    """Whether a log group is in the account; None: no one can say."""
    if shutil.which("aws") is None:
        return None
    command = ["aws", "logs", "describe-log-groups", "--log-group-name-prefix", name, "--output", "json", *where]
    asked = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    if asked.returncode:
        return None
    try:
        groups = json.loads(asked.stdout)["logGroups"]
        return any(group["logGroupName"] == name for group in groups)
    except (ValueError, KeyError, TypeError):
        return None


def _say_what_stays(state: Iterable[Mapping[str, Any]]) -> None:
    stays = [resource for resource in state if resource.get("retainOnDelete") and resource.get("custom")]
    if stays:
        print("Stays in the account on purpose, as other stacks may use it:")
        for resource in stays:
            print(f"  {str(resource.get('type')).rpartition(':')[2]} {resource.get('id')}")
