"""`make rehearse`: a stack deployed, changed and destroyed in the simulated cloud, with no account (U5).

With a Pulumi CLI the real engine does it; without one the program runs in-process, and says what each change would do.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from groundplan.cli._command import STOPPED, Command, main_of, stack_option
from groundplan.cli._facts import with_images
from groundplan.cli.stacks import Project, read_project
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import find_project
from groundplan.rehearsal import growth
from groundplan.rehearsal.differences import Difference, compare
from groundplan.rehearsal.judgement import judge

_WIDTH = 38


@click.command("rehearse", cls=Command)
@stack_option(several=True, help="The stack; may be given again. Default: the first of dev, staging, prod.")
@click.option("--no-install", is_flag=True, help="Without a Pulumi CLI, don't fetch one.")
@click.option("--in-process", is_flag=True, help="Plan only, even where there is a Pulumi CLI.")
def command(stack: Sequence[str], *, no_install: bool, in_process: bool) -> int:
    """Deploy, change and destroy a stack in the simulated cloud.

    No account is needed. With a Pulumi CLI the real engine does it; without one the program runs in-process, and says
    what each change would do. The status is 1 when a step brought a surprise.
    """
    try:
        return rehearse_project(find_project(), stack, install=not no_install, in_process=in_process)
    except KeyboardInterrupt:
        print("\nStopped. What was rehearsed was simulated, and is gone.", file=sys.stderr)
        return STOPPED


main = main_of(command)


def rehearse_project(folder: Path, named: Sequence[str], *, install: bool, in_process: bool) -> int:
    """Rehearses the named stacks, or the first one of the project. Raises ProblemsFound."""
    stacks = list(named) or _first(folder)
    _require_stacks(folder, stacks)
    project = read_project(folder, stacks)
    command = None if in_process else _cli(install)
    surprised = False
    for stack in stacks:
        surprised |= _plan(project, stack) if command is None else _rehearse(folder, stack, command)
    return 1 if surprised else 0


def _cli(install: bool) -> Path | None:
    from groundplan.rehearsal.cli import INSTALLER, NoCli, find_cli

    # Beside the packages: `make clean` takes it away with them, and nothing of the user's is touched.
    here = Path(sys.prefix) / "pulumi-cli" if install and sys.prefix != sys.base_prefix else None
    try:
        return find_cli(here, lambda text: print(text, flush=True))
    except NoCli as reason:
        print(f"No rehearsal under the real engine: {reason}; the CLI: {INSTALLER}.")
        print("What follows runs in-process: a plan of what each change would do, not a deployment.", flush=True)
        return None


def _rehearse(folder: Path, stack: str, command: Path) -> bool:
    """Whether something was unexpected."""
    from groundplan.rehearsal.script import Step, rehearse

    def ended(step: Step) -> None:
        print(f"{step.seconds:4.0f} s  {step.done}", flush=True)

    print(f"\nRehearsing {stack} under the Pulumi engine, in the simulated cloud; this takes some minutes")
    rehearsal = rehearse(folder, stack, command, begun=_begun, ended=ended)
    print()
    if rehearsal.surprises:
        _fail(stack, rehearsal.surprises)
        return True
    print(
        f"{stack} was deployed, changed and destroyed in {rehearsal.seconds:.0f} s: nothing that holds data was "
        "replaced or deleted\non the way, nothing drifted, and nothing was left."
    )
    return False


def _plan(project: Project, stack: str) -> bool:
    """Whether something was unexpected."""
    from groundplan.cloud import Simulation, simulate
    from groundplan.project import load_program

    environment = project.environments[stack]

    def simulated(system: System) -> Simulation:
        whole = with_images(system, environment)
        return simulate(
            partial(load_program(project.folder), system, whole), project=system.name, stack=stack, region=whole.region
        )

    print(f"\nPlanning {stack} in-process, in the simulated cloud")
    surprises: list[str] = []
    before = None
    first = growth.Change("deployed for the first time", project.system)
    for change in (first, *growth.changes(project.system, environment, datetime.date.today())):
        _begun(change.title)
        start = time.monotonic()
        after = simulated(change.system)
        done: Difference = compare(before, after)
        print(f"{time.monotonic() - start:4.0f} s  {done}", flush=True)
        surprises.extend(judge(change, done))
        before = after
    print()
    if surprises:
        _fail(stack, surprises)
        return True
    print(f"{stack} could be deployed and changed in these ways: nothing that holds data would be replaced or deleted.")
    return False


def _begun(title: str) -> None:
    print(f"  {title:<{_WIDTH}}", end="", flush=True)


def _fail(stack: str, surprises: Sequence[str]) -> None:
    sys.stdout.flush()
    print(f"{stack} is not ready: {len(surprises)} surprise{'s' if len(surprises) > 1 else ''}", file=sys.stderr)
    for surprise in surprises:
        print(f"  - {surprise}", file=sys.stderr)


def _first(folder: Path) -> list[str]:
    return [next(iter(read_project(folder).environments))]


def _require_stacks(folder: Path, stacks: Sequence[str]) -> None:
    """A name is looked up among the files that there are, so that it can't lead to any other."""
    known = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    problems = [
        Problem(
            "the command",
            "STACK",
            stack,
            f"one of {', '.join(known)}" if known else "a project with a Pulumi.<stack>.yaml",
            did_you_mean(stack, known, "name one of them" if known else "run this in the project's folder"),
        )
        for stack in stacks
        if stack not in known
    ]
    if problems:
        raise ProblemsFound(problems)
