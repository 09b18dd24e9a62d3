"""`make rehearse`: a stack deployed, changed and destroyed in the simulated cloud, with no account (U5).

With a Pulumi CLI the real engine does it; without one a year of operations runs in-process.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.cli._command import STOPPED, Command, main_of, stack_option, words_of
from groundplan.cli.stacks import Project, read_project
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound, did_you_mean
from groundplan.project import find_project
from groundplan.stack.environment import Environment

if TYPE_CHECKING:
    from groundplan.cloud.faults import Fault

_WIDTH = 38


@click.command("rehearse", cls=Command)
@stack_option(several=True, help="The stack; may be given again. Default: the first of dev, staging, prod.")
@click.option("--no-install", is_flag=True, help="Without a Pulumi CLI, don't fetch one.")
@click.option("--in-process", is_flag=True, help="A year in-process, even where there is a Pulumi CLI.")
@click.option(
    "--fault",
    multiple=True,
    default=words_of("FAULT"),
    metavar="CALL[:KIND][@WHAT]",
    help="A call that goes wrong, by type, URN, name or number: create:lost@db-order-primary (FAULT=…).",
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Write the year as SVG to this file.")
def command(
    stack: Sequence[str], *, no_install: bool, in_process: bool, fault: Sequence[str], picture: Path | None
) -> int:
    """Deploy, change and destroy a stack in the simulated cloud.

    No account is needed. With a Pulumi CLI the real engine does it. Without one a year of operations runs in-process,
    in one account that remembers, and says what each comes to. Calls fail on demand: refuse, throttle, hang, or lost,
    which does what was asked and never answers. The status is 1 when a step brought a surprise.
    """
    from groundplan.rehearsal.faulting import fault_of

    faults = [fault_of(each) for each in fault]
    try:
        return rehearse_project(
            find_project(), stack, install=not no_install, in_process=in_process, faults=faults, picture=picture
        )
    except KeyboardInterrupt:
        print("\nStopped. What was rehearsed was simulated, and is gone.", file=sys.stderr)
        return STOPPED


main = main_of(command)


def rehearse_project(
    folder: Path,
    named: Sequence[str],
    *,
    install: bool,
    in_process: bool,
    faults: Sequence[Fault] = (),
    picture: Path | None = None,
) -> int:
    """Rehearses the named stacks, or the first one of the project. Raises ProblemsFound."""
    stacks = list(named) or _first(folder)
    _require_stacks(folder, stacks)
    project = read_project(folder, stacks)
    command = None if in_process else _cli(install)
    surprised = False
    for stack in stacks:
        if command is None:
            surprised |= _year(project, stack, faults, picture)
        else:
            surprised |= _rehearse(folder, stack, command, faults)
    return 1 if surprised else 0


def _cli(install: bool) -> Path | None:
    from groundplan.rehearsal.cli import INSTALLER, NoCli, find_cli

    # Beside the packages: `make clean` takes it away with them, and nothing of the user's is touched.
    here = Path(sys.prefix) / "pulumi-cli" if install and sys.prefix != sys.base_prefix else None
    try:
        return find_cli(here, lambda text: print(text, flush=True))
    except NoCli as reason:
        print(f"No rehearsal under the real engine: {reason}; the CLI: {INSTALLER}.")
        print("What follows runs in-process: a plan of what each operation would do, not a deployment.", flush=True)
        return None


def _rehearse(folder: Path, stack: str, command: Path, faults: Sequence[Fault]) -> bool:
    """Whether something was unexpected."""
    from groundplan.rehearsal.script import Step, rehearse

    def ended(step: Step) -> None:
        print(f"{step.seconds:4.0f} s  {step.done}", flush=True)

    print(f"\nRehearsing {stack} under the Pulumi engine, in the simulated cloud; this takes some minutes")
    rehearsal = rehearse(
        folder,
        stack,
        command,
        begun=_begun,
        ended=ended,
        prepared=lambda servers: servers.faults.expect(*faults),
    )
    print()
    if rehearsal.surprises:
        _fail(stack, rehearsal.surprises)
        return True
    print(
        f"{stack} was deployed, changed and destroyed in {rehearsal.seconds:.0f} s: nothing that holds data was "
        "replaced or deleted\non the way, nothing drifted, and nothing was left."
    )
    return False


def _year(project: Project, stack: str, faults: Sequence[Fault], picture: Path | None) -> bool:
    """Whether something was unexpected."""
    from groundplan.cloud import Simulation, identifiers_in, simulate
    from groundplan.project import load_program
    from groundplan.rehearsal.picture import line, svg
    from groundplan.rehearsal.year import Row, Year

    environment = project.environments[stack]
    given = identifiers_in(environment.model_dump_json())

    def simulated(system: System, settings: Environment) -> Simulation:
        return simulate(
            partial(load_program(project.folder), system, settings),
            project=system.name,
            stack=stack,
            region=settings.region,
            strict=False,
            given=given,
        )

    print(f"\nA year of {stack} in-process, in the simulated cloud")
    year = Year(project.system, environment, simulated, given)
    year.account.faults.expect(*faults)
    rows: list[Row] = []
    for row in year.play(datetime.date.today(), _begun):
        print(f"{row.seconds:4.0f} s  {line(row)}", flush=True)
        rows.append(row)
        if row.surprises:
            break  # what comes next would build on something that went wrong
    print()
    if picture is not None:
        picture.write_text(svg(f"A year of {project.system.name}, stack {stack}", rows), encoding="utf-8")
        print(f"The picture is in {picture}.")
    missed = [fault for fault in faults if fault not in year.account.faults.struck]
    surprises = [f"{row.title}: {surprise}" for row in rows for surprise in row.surprises]
    surprises += [
        f"no call was met by the fault {fault.call} {fault.type or fault.urn or fault.nth}" for fault in missed
    ]
    if surprises:
        _fail(stack, surprises)
        return True
    print(
        f"{stack} could live this year: AWS would refuse nothing, what is lost is asked for by its name first, and\n"
        "what failed on the way was taken up again, with nothing left over."
    )
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
