"""`make rehearse`: a stack deployed, changed and destroyed in the simulated cloud, with no account (U5).

With a Pulumi CLI the real engine does it; without one a year of operations runs in-process.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundplan.cli._command import STOPPED, Command, main_of, stack_option, words_of
from groundplan.cli._facts import given_by, simulated_as_it_is
from groundplan.cli.stacks import Project, read_project, require_stacks
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.project import find_project
from groundplan.stack.environment import Environment

if TYPE_CHECKING:
    from groundplan.cloud import Simulation
    from groundplan.cloud.faults import Fault
    from groundplan.rehearsal.night import Simulated
    from groundplan.rehearsal.year import Row

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
    in one account that remembers, and says what each comes to. At last the stack's region is lost: the commands of
    docs/region-loss.md rebuild it where its copies are, and what came back is counted. Calls fail on demand: refuse,
    throttle, hang, or lost, which does what was asked and never answers. The status is 1 when a step brought a
    surprise.
    """
    from groundplan.rehearsal.faulting import fault_of

    _require_place(picture, stack)
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
    require_stacks(folder, stacks)
    project = read_project(folder, stacks)
    command = None if in_process else _cli(install)
    surprised = False
    for stack in stacks:
        if command is None:
            surprised |= _year(project, stack, faults, picture)
        else:
            surprised |= _rehearse(folder, stack, command, faults)
            surprised |= _night_alone(project, stack)
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


def _night(project: Project, stack: str) -> tuple[list[str], Row]:
    """The loss of the stack's region: what to print of it, and its line in the year."""
    from groundplan.rehearsal import night_told
    from groundplan.rehearsal.night import Night, Took

    environment = project.environments[stack]
    night = Night(project.system, environment, _in_an_account(project), given_by(environment))
    took: list[Took] = []
    start = time.monotonic()
    for each in night.play():
        took.append(each)
        if each.surprises:
            break  # what comes next needs it
    row = night_told.row(night, took)
    row.seconds = time.monotonic() - start
    return ([] if row.surprises else night_told.lines(night, took)), row


def _night_alone(project: Project, stack: str) -> bool:
    """Whether something was unexpected."""
    lines, row = _night(project, stack)
    for line in lines:
        print(line, flush=True)
    if row.surprises:
        _fail(stack, [f"{row.title}: {surprise}" for surprise in row.surprises])
    return bool(row.surprises)


def _in_an_account(project: Project) -> Simulated:
    """Runs the project's program in a fresh account; refusals are in the result."""

    def simulated(system: System, settings: Environment) -> Simulation:
        return simulated_as_it_is(project.folder, system, settings, strict=False, given=given_by(settings))

    return simulated


def _year(project: Project, stack: str, faults: Sequence[Fault], picture: Path | None) -> bool:
    """Whether something was unexpected."""
    from groundplan.rehearsal import night_told
    from groundplan.rehearsal.picture import line, svg
    from groundplan.rehearsal.year import Year

    environment = project.environments[stack]
    print(f"\nA year of {stack} in-process, in the simulated cloud")
    year = Year(project.system, environment, _in_an_account(project), given_by(environment))
    year.account.faults.expect(*faults)
    rows: list[Row] = []
    told: list[str] = []
    for row in year.play(datetime.date.today(), _begun):
        print(f"{row.seconds:4.0f} s  {line(row)}", flush=True)
        rows.append(row)
        if row.surprises:
            break  # what comes next would build on something that went wrong
    else:
        _begun(night_told.TITLE)
        told, lost = _night(project, stack)
        print(f"{lost.seconds:4.0f} s  {line(lost)}", flush=True)
        rows.append(lost)
    print()
    for text in told:
        print(text)
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


def _require_place(picture: Path | None, stacks: Sequence[str]) -> None:
    """Said before the year that it is of, which takes a minute."""
    if picture is None:
        return
    if not picture.parent.is_dir():
        expected = "a file in a folder that is there"
        raise ProblemsFound([Problem("command line", "--picture", str(picture), expected, "make the folder first")])
    if len(stacks) > 1:
        remedy = "rehearse the stacks one by one, each with a picture of its own"
        raise ProblemsFound([Problem("command line", "--picture", str(picture), "one stack, which it is of", remedy)])


def _first(folder: Path) -> list[str]:
    return [next(iter(read_project(folder).environments))]
