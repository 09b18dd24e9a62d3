"""`groundplan foundation`: who deploys each stack, and no more than that takes, today and at ten times
the load (`foundation/pipeline.<stack>.json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.cli._command import Command, main_of, stack_option
from groundplan.cli._facts import simulated
from groundplan.cli.stacks import Project, read_project
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project

if TYPE_CHECKING:
    from groundplan.cloud import Simulation
    from groundplan.cloud.model import Resource
    from groundplan.permissions import Call, Grants


@click.command("foundation", cls=Command)
@stack_option(several=True, help="The stack; may be given again. Default: all.")
@click.option("--check", is_flag=True, help="Write nothing; the status is 1 when a file that is there lacks a call.")
@click.option("--wide", is_flag=True, help="List what can't be kept to this stack by a name or a tag.")
def command(stack: Sequence[str], *, check: bool, wide: bool) -> int:
    """Write who may deploy each stack, and no more than that takes.

    Each file is a CloudFormation template for an administrator: the pipeline's role, the administrators' role, and the
    boundary of all roles that the stack makes. Deploy it before the stack, and again when this command changes it.
    """
    project = read_project(find_project(), stack)
    failed = False
    for name in project.environments:
        failed |= (_check if check else _write)(project, name, wide=wide)
    return 1 if failed else 0


main = main_of(command)


def grants_for(project: Project, stack: str) -> tuple[Grants, list[Call]]:
    """The grants of a stack and the calls that they are for. Raises ProblemsFound."""
    from groundplan.permissions import calls_of, grants_of
    from groundplan.stack.scope import Scope

    simulation = _declared(project, stack)
    resources = with_growth(simulation.resources, _grown(project, stack))
    calls = calls_of(resources, simulation.invoked)
    scope = Scope(project.system.name, stack)
    return grants_of(scope, resources, calls, project.system.services), calls


def _declared(project: Project, stack: str) -> Simulation:
    """What is declared for today's load. Raises ProblemsFound, also for types that no calls are known of."""
    from groundplan.permissions.calls import unknown_types

    simulation = simulated(project.folder, project.system, project.environments[stack])
    unknown = unknown_types(simulation.resources)
    if unknown:
        raise ProblemsFound(
            [
                Problem(
                    "infra/__main__.py",
                    token,
                    "",
                    "a type whose API calls are known",
                    "deploy it from another project, or let an administrator's `pulumi up` make it",
                )
                for token in unknown
            ]
        )
    return simulation


def with_growth(today: Sequence[Resource], grown: Sequence[Resource]) -> list[Resource]:
    """Today's resources, and those of a grown system that are of another type, with their roles: a proxy that is
    declared from some load on is no reason to ask an administrator for."""
    types = {each.type for each in today}
    names = {(each.type, each.name) for each in today}
    return [
        *today,
        *(
            each
            for each in grown
            if each.type not in types or (each.type.startswith("aws:iam/role") and (each.type, each.name) not in names)
        ),
    ]


def _grown(project: Project, stack: str) -> Sequence[Resource]:
    """What is declared for ten times the load; nothing where that is refused, which is said."""
    from pulumi import RunError

    from groundplan.permissions.calls import unknown_types
    from groundplan.rehearsal.growth import more_load

    try:
        found = simulated(project.folder, more_load(project.system), project.environments[stack]).resources
    except (ProblemsFound, RunError) as error:
        reason = str(error.problems[0] if isinstance(error, ProblemsFound) else error)
        print(
            f"{stack}: grants hold what today's load takes; ten times the load can't be declared: {reason}",
            file=sys.stderr,
        )
        return ()
    unknown = set(unknown_types(found))
    return [each for each in found if each.type not in unknown]


def reading_for(grants: Grants, calls: Sequence[Call]) -> Grants:
    """The part of the grants that reading alone takes."""
    from groundplan.permissions import grants_of

    return grants_of(grants.scope, (), [call for call in calls if call.operation == "read"])


def _write(project: Project, stack: str, *, wide: bool) -> bool:
    from groundplan.permissions import foundation

    environment = project.environments[stack]
    grants, calls = grants_for(project, stack)
    reading = reading_for(grants, calls)
    changed = foundation.write(
        project.folder, grants, reading, environment.region, environment.repository, environment.oidc_provider_arn
    )
    path = f"foundation/{foundation.file_name(stack)}"
    print(f"{path}: {len(calls)} calls, {len(grants.actions)} actions, {len(grants.policies)} policies")
    print(f"  unused actions: {', '.join(grants.unused(calls)) or 'none'}")
    print(
        f"  kept to this stack by neither name nor tag: {len(grants.account_wide)}",
        "" if wide else "(--wide lists them)",
    )
    for action, resource in grants.account_wide if wide else ():
        print(f"    {action} on {resource}")
    if changed:
        print(f"  deploy it: {deploy_command(project, stack)}")
    return False


def deploy_command(project: Project, stack: str) -> str:
    region = project.environments[stack].region
    name = f"{project.system.name}-{stack}-pipeline"
    return (
        f"aws cloudformation deploy --template-file foundation/pipeline.{stack}.json --stack-name {name} "
        f"--region {region} --capabilities CAPABILITY_NAMED_IAM"
    )


def _check(project: Project, stack: str, *, wide: bool) -> bool:  # noqa: ARG001  as `_write`
    missing = lacking(project, stack)
    if missing is None:
        print(f"foundation/pipeline.{stack}.json is not there: `groundplan foundation` writes it.")
        return False
    for call in missing:
        print(f"{stack}: not granted: {call}", file=sys.stderr)
    if missing:
        print(f"Run `groundplan foundation --stack {stack}`, then {deploy_command(project, stack)}", file=sys.stderr)
    else:
        print(f"foundation/pipeline.{stack}.json grants all that {stack} takes.")
    return bool(missing)


def lacking(project: Project, stack: str) -> list[Call] | None:
    """Today's calls that the stack's file doesn't grant; None without one. Raises ProblemsFound."""
    from groundplan.permissions import calls_of, decide, foundation

    path = project.folder / "foundation" / foundation.file_name(stack)
    if not path.is_file():
        return None
    try:
        policies, _ = foundation.deployed(Path(path).read_text(encoding="utf-8"))
    except (ValueError, json.JSONDecodeError) as error:
        remedy = f"run `groundplan foundation --stack {stack}`"
        raise ProblemsFound([Problem(str(path.relative_to(project.folder)), "", "", str(error), remedy)]) from error
    simulation = _declared(project, stack)
    calls = calls_of(simulation.resources, simulation.invoked)
    return [call for call in calls if not decide(call.request, policies)]
