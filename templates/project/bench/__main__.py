"""`make bench-services`: what one worker process holds, and what the whole survives. Results go to build/bench/."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import capacity, report, stage
from bench.faults import run as faults
from bench.faults.strikes import KILLS, REPLICAS, strikes
from bench.progress import Progress, Say
from infra.owned import make
from local.problems import Unavailable

RESULTS = Path("build/bench")
ROWS = 1_000_000
RATE = 1000.0
"""T3."""
SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 when something was lost, done twice or too slow, 2 when this machine lacks what is needed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("load", "faults", "all"), default="all")
    parser.add_argument("--service", help="the service under load (default: the first that fits)")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of its table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=RATE, help="requests/s to hold (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for so long (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=KILLS, help="processes killed (default: %(default)s)")
    options = parser.parse_args(arguments)
    progress = Progress()
    # The bench's own readers of topics tell of each attempt to reach a broker that it has killed.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        wrong: list[str] = []
        if options.what in ("load", "all"):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                wrong += runner.run(_load(options, progress))
        if options.what in ("faults", "all"):
            # On asyncio's own loop: on uvloop anyio, and so httpx, takes a connection that breaks as it is made for a
            # mistake of its own (`'NoneType' object has no attribute 'getpeername'`).
            wrong += asyncio.run(_faults(options, progress))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped before the end; nothing that was started runs any more.", file=sys.stderr)
        return 130
    for each in wrong:
        print(f"Wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


async def _load(options: argparse.Namespace, say: Say) -> list[str]:
    with stage.stage(say, load_share=1.0) as on:
        service, name, resource = stage.choose(on.system, options.service)
        target = await stage.filled(on, service, name, resource, options.rows)
        results = await capacity.capacity(on, service, target, rate=options.rate, seconds=options.seconds)
    _write("load", report.load(results, _machine()))
    picture = RESULTS / "latency.svg"
    report.picture(results.steps, picture)
    print(f"The picture: {picture}", flush=True)
    return results.wrong


async def _faults(options: argparse.Namespace, say: Say) -> list[str]:
    with stage.stage(say, replicas=REPLICAS) as on:
        result = await faults.run(on, strikes(on.system, options.kills))
    _write("faults", f"{_machine()}\n\n{faults.table(result)}\n")
    return result.wrong


def _write(name: str, text: str) -> None:
    make(RESULTS)
    path = RESULTS / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {path}", flush=True)


def _machine() -> str:
    """What a figure needs beside it."""
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"Measured {today.isoformat()} by `make bench-services`: {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, client and servers on the same machine."
    )


if __name__ == "__main__":
    sys.exit(main())
