"""`groundplan upgrade`: the deployments that lead from the versions that a stack runs to newer ones, one by one."""

from __future__ import annotations

import typing
from pathlib import Path

import click

from groundplan.cli._command import Command, main_of, stack_option
from groundplan.cli.stacks import ORDER, require_stacks, stack_names
from groundplan.declaration.loader import load_system
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project
from groundplan.stack.configuration import read_stack_file
from groundplan.stack.contradictions import set_command
from groundplan.stack.environment import Environment
from groundplan.stack.versions import KUBERNETES, POSTGRES, ranked, upgrade_steps, versions

_NEWEST_KUBERNETES = str(Environment.model_fields[KUBERNETES].default)
_POSTGRES = typing.get_args(Environment.model_fields[POSTGRES].annotation)


@click.command("upgrade", cls=Command)
@stack_option(several=False, help="The stack. Default: the first of dev, staging, prod.")
@click.option("--kubernetes", metavar="VERSION", help=f"Default: {_NEWEST_KUBERNETES}, or what the stack runs.")
@click.option("--postgres", metavar="VERSION", help=f"Default: {_POSTGRES[-1]}, or what the stack runs.")
def command(stack: str | None, kubernetes: str | None, postgres: str | None) -> int:
    """List the steps to newer versions of Kubernetes and PostgreSQL.

    Each is one deployment. Versions rise one at a time and never fall; upgrade dev first. `make rehearse` tries the
    same steps in the simulated cloud.
    """
    return upgrade(find_project(), stack, kubernetes, postgres)


main = main_of(command)


def upgrade(project: Path, stack: str | None, kubernetes: str | None, postgres: str | None) -> int:
    """Prints the steps. Raises ProblemsFound for versions that can't be reached."""
    system = load_system(project / "system.yaml")
    name = stack or next(iter(stack_names(project)), ORDER[0])
    require_stacks(project, [name])
    environment = read_stack_file(project / f"Pulumi.{name}.yaml", system, remembers=False)
    running = {key: now for key, now, _ in versions(environment)}
    if not running:
        print(f"{name} has nothing deployed that it remembers: `make remember STACK={name}` reads its state.")
        return 0
    wanted = {
        key: _target(key, running[key], given, newest)
        for key, given, newest in (
            (KUBERNETES, kubernetes, _NEWEST_KUBERNETES),
            (POSTGRES, postgres, _POSTGRES[-1]),
        )
        if key in running
    }
    steps = upgrade_steps(environment, wanted)
    print(f"{name} runs " + ", ".join(f"{key.removesuffix('_version')} {now}" for key, now in running.items()) + ".")
    if not steps:
        print("There is nothing to upgrade.")
        return 0
    for number, step in enumerate(steps, start=1):
        if step.key:
            print(
                f"{number}. {set_command(name, f'{system.name}:{step.key}', step.value)}, then `make up STACK={name}`"
            )
        else:
            print(f"{number}. after {step.after}: `make up STACK={name}`")
        print(f"   {step.does}")
    return 0


def _target(key: str, now: str, given: str | None, newest: str) -> str:
    if given is None:
        return max(now, newest, key=ranked)
    known = all(part.isdigit() for part in given.split(".")) and len(given.split(".")) == len(now.split("."))
    if not known or (key == POSTGRES and given not in _POSTGRES):
        expected = f"a version such as {newest}" if key == KUBERNETES else f"one of {', '.join(_POSTGRES)}"
        raise ProblemsFound([Problem("the command", key, given, expected, "correct it")])
    if ranked(given) < ranked(now):
        expected = f"{now} or newer: the stack runs it, and there is no way back"
        raise ProblemsFound([Problem("the command", key, given, expected, f"keep {now}")])
    return given
