"""`make bench-services`: the load that one worker process sustains, what one client does to others, what a process
keeps of requests, and the faults that the system survives. Results go to build/bench/, and what a request takes to
capacity.yaml."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import logging
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import uvloop

from groundplan.cli._command import STOPPED, main_of
from groundplan.cli._numbers import Number, WholeNumber
from groundplan.cli.stacks import read_project
from groundplan.owned import make
from groundplan.project import find_project
from groundplan_devkit.bench import capacity, costs, memory, neighbours, report, stage, written
from groundplan_devkit.bench.alarms.pace import PACE
from groundplan_devkit.bench.faults import run as faults
from groundplan_devkit.bench.faults.strikes import KILLS, REPLICAS, strikes
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.progress import Progress, Say
from groundplan_devkit.command import Command

RESULTS = Path("build/bench")
ROWS = 1_000_000
ALL = ("load", "capacity", "faults")
"""What `all` are; the others take minutes more and answer one question each."""
ON_UVLOOP = ("load", "neighbours", "memory")
"""Not `faults` and `alarms`: on uvloop anyio, and so httpx, takes a connection that breaks as it is made for a mistake
of its own (`'NoneType' object has no attribute 'getpeername'`)."""
RATE = 1000.0
"""T3."""
SECONDS = 60.0
LOOK_SECONDS = 5.0
"""For which the machine is looked at, before and after a bench, while it should do nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the measures are told."""

    service: str | None
    """The one under load, or measured; None: the first that fits, or all."""
    rows: int
    rate: float
    """Requests/s to hold."""
    seconds: float
    requests: int
    kills: int
    pace: float


@contextlib.asynccontextmanager
async def _filled(options: Options, say: Say) -> AsyncIterator[tuple[stage.Stage, str, Target]]:
    """Servers, the service under load, and its resource with all its rows."""
    with stage.stage(say, load_share=1.0) as on:
        service, name, resource = stage.choose(on.system, options.service)
        yield on, service, await stage.filled(on, service, name, resource, options.rows)


async def _load(options: Options, say: Say) -> list[str]:
    async with _filled(options, say) as (on, service, target):
        results = await capacity.capacity(on, service, target, rate=options.rate, seconds=options.seconds)
    _write("load", report.load(results, _machine()))
    record = {
        "date": _today(),
        "commit": written.commit(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "figures": {name: asdict(figure) for name, figure in report.figures(results).items()},
    }
    (RESULTS / "load.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    picture = RESULTS / "latency.svg"
    report.picture(results.steps, picture)
    print(f"The picture: {picture}", flush=True)
    return results.wrong


async def _neighbours(options: Options, say: Say) -> list[str]:
    async with _filled(options, say) as (on, service, target):
        found = await neighbours.neighbours(on, service, target)
    _write("neighbours", f"{neighbours.table(found)}\n{_machine()}\n")
    return found.wrong


async def _memory(options: Options, say: Say) -> list[str]:
    async with _filled(options, say) as (on, service, target):
        found = await memory.memory(on, service, target, options.requests)
    _write("memory", f"{memory.table(found)}\n{_machine()}\n")
    return found.wrong


async def _faults(options: Options, say: Say) -> list[str]:
    with stage.stage(say, replicas=REPLICAS) as on:
        result = await faults.run(on, strikes(on.system, options.kills))
    _write("faults", f"{_machine()}\n\n{faults.table(result)}\n")
    return result.wrong


async def _alarms(options: Options, say: Say) -> list[str]:
    # It simulates the program, and so brings Pulumi's SDK along, which no other bench needs.
    from groundplan_devkit.bench.alarms import run as alarms

    with stage.stage(say, replicas=REPLICAS) as on:
        result = await alarms.run(on, read_project(find_project()), options.pace)
    _write("alarms", f"{_machine()}\n\n{alarms.table(result)}\n")
    return result.wrong


async def _capacity(options: Options, say: Say) -> list[str]:
    before = _used_by_others()
    with stage.stage(say, load_share=1.0) as on:
        names = [options.service] if options.service else list(on.system.services)
        services = await costs.measure(on, names)
    busy = max(before, _used_by_others())
    path = written.write(services, busy, options.service)
    print(
        f"\n{written.summary(path)}\nWritten to {path.name}: `make plan WHY=1` shows which figures a plan uses",
        flush=True,
    )
    return []


MEASURES: dict[str, Callable[[Options, Say], Coroutine[Any, Any, list[str]]]] = {
    "load": _load,
    "neighbours": _neighbours,
    "memory": _memory,
    "faults": _faults,
    "alarms": _alarms,
    "capacity": _capacity,
}


_MOST = 1_000_000_000


@click.command("bench", cls=Command)
@click.argument("what", type=click.Choice([*MEASURES, "all"]), default="all")
@click.option("--service", metavar="NAME", help="The service under load. Default: the first that fits.")
@click.option("--rows", type=WholeNumber(1, _MOST), default=ROWS, show_default=True, help="Of its table.")
@click.option("--rate", type=Number(1_000_000), default=RATE, show_default=True, help="Requests/s to hold.")
@click.option("--seconds", type=Number(86_400), default=SECONDS, show_default=True, help="For so long.")
@click.option(
    "--requests",
    type=WholeNumber(1, _MOST),
    default=memory.REQUESTS,
    show_default=True,
    help="Varied requests of `memory`.",
)
@click.option("--kills", type=WholeNumber(0, 1_000_000), default=KILLS, show_default=True, help="Processes killed.")
@click.option(
    "--pace",
    type=Number(1_000_000),
    default=PACE,
    show_default=True,
    help="How many times shorter the alarms' periods are.",
)
def command(
    what: str,
    service: str | None,
    rows: int,
    rate: float,
    seconds: float,
    requests: int,
    kills: int,
    pace: float,
) -> int:
    """Measure the services under load and under faults.

    `all` are load, capacity and faults. The results go to build/bench/, and what a request takes to capacity.yaml. The
    status is 1 after lost or repeated effects or missed targets.
    """
    options = Options(service, rows, rate, seconds, requests, kills, pace)
    progress = Progress()
    # The bench's own readers of topics tell of each attempt to reach a broker that it has killed.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    wrong: list[str] = []
    try:
        for each in ALL if what == "all" else (what,):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop if each in ON_UVLOOP else None) as runner:
                wrong += runner.run(MEASURES[each](options, progress))
    except KeyboardInterrupt:
        print("Stopped before the end; nothing that was started runs any more.", file=sys.stderr)
        return STOPPED
    for each in wrong:
        print(f"Wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


main = main_of(command)


def _write(name: str, text: str) -> None:
    make(RESULTS)
    path = RESULTS / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {path}", flush=True)


def _used_by_others() -> float:
    """The share of all cores' time that is used while the bench itself does nothing."""
    return float(psutil.cpu_percent(interval=LOOK_SECONDS)) / 100


def _machine() -> str:
    """The context of the figures: machine, versions, date."""
    return (
        f"Measured {_today()} by `make bench-services`: {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, client and servers on the same machine."
    )


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main(None))
