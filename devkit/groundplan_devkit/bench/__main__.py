"""`make bench-services`: the load that one worker process sustains, what one client does to others, what a process
keeps of requests, and the faults that the system survives. Results go to build/bench/, and what a request takes to
capacity.yaml."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import logging
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import uvloop

from groundplan.cli.stacks import read_project
from groundplan.installation.contract import start
from groundplan.owned import make
from groundplan.problems import ProblemsFound
from groundplan.project import find_project
from groundplan_devkit.bench import capacity, costs, memory, neighbours, report, stage, written
from groundplan_devkit.bench.alarms.pace import PACE
from groundplan_devkit.bench.faults import run as faults
from groundplan_devkit.bench.faults.strikes import KILLS, REPLICAS, strikes
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.progress import Progress, Say
from groundplan_devkit.problems import Unavailable

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 after lost or repeated effects or missed targets, 2 when this machine lacks a prerequisite."""
    parser = argparse.ArgumentParser(prog="groundplan bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=[*MEASURES, "all"], default="all")
    parser.add_argument("--service", help="the service under load (default: the first that fits)")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of its table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=RATE, help="requests/s to hold (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for so long (default: %(default)s)")
    parser.add_argument(
        "--requests", type=int, default=memory.REQUESTS, help="varied requests of `memory` (default: %(default)s)"
    )
    parser.add_argument("--kills", type=int, default=KILLS, help="processes killed (default: %(default)s)")
    parser.add_argument(
        "--pace", type=float, default=PACE, help="how many times shorter the alarms' periods are (default: %(default)g)"
    )
    options = parser.parse_args(arguments)
    progress = Progress()
    # The bench's own readers of topics tell of each attempt to reach a broker that it has killed.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        start(find_project())
        wrong: list[str] = []
        for what in ALL if options.what == "all" else (options.what,):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop if what in ON_UVLOOP else None) as runner:
                wrong += runner.run(MEASURES[what](options, progress))
    except (Unavailable, ProblemsFound) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped before the end; nothing that was started runs any more.", file=sys.stderr)
        return 130
    for each in wrong:
        print(f"Wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


@contextlib.asynccontextmanager
async def _filled(options: argparse.Namespace, say: Say) -> AsyncIterator[tuple[stage.Stage, str, Target]]:
    """Servers, the service under load, and its resource with all its rows."""
    with stage.stage(say, load_share=1.0) as on:
        service, name, resource = stage.choose(on.system, options.service)
        yield on, service, await stage.filled(on, service, name, resource, options.rows)


async def _load(options: argparse.Namespace, say: Say) -> list[str]:
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


async def _neighbours(options: argparse.Namespace, say: Say) -> list[str]:
    async with _filled(options, say) as (on, service, target):
        found = await neighbours.neighbours(on, service, target)
    _write("neighbours", f"{neighbours.table(found)}\n{_machine()}\n")
    return found.wrong


async def _memory(options: argparse.Namespace, say: Say) -> list[str]:
    async with _filled(options, say) as (on, service, target):
        found = await memory.memory(on, service, target, options.requests)
    _write("memory", f"{memory.table(found)}\n{_machine()}\n")
    return found.wrong


async def _faults(options: argparse.Namespace, say: Say) -> list[str]:
    with stage.stage(say, replicas=REPLICAS) as on:
        result = await faults.run(on, strikes(on.system, options.kills))
    _write("faults", f"{_machine()}\n\n{faults.table(result)}\n")
    return result.wrong


async def _alarms(options: argparse.Namespace, say: Say) -> list[str]:
    # It simulates the program, and so brings Pulumi's SDK along, which no other bench needs.
    from groundplan_devkit.bench.alarms import run as alarms

    with stage.stage(say, replicas=REPLICAS) as on:
        result = await alarms.run(on, read_project(find_project()), options.pace)
    _write("alarms", f"{_machine()}\n\n{alarms.table(result)}\n")
    return result.wrong


async def _capacity(options: argparse.Namespace, say: Say) -> list[str]:
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


MEASURES: dict[str, Callable[[argparse.Namespace, Say], Coroutine[Any, Any, list[str]]]] = {
    "load": _load,
    "neighbours": _neighbours,
    "memory": _memory,
    "faults": _faults,
    "alarms": _alarms,
    "capacity": _capacity,
}


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
    sys.exit(main())
