"""`make bench-services`: what one worker process holds, and what the whole survives. Results go to build/bench/."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import capacity, report, stage
from bench.faults import run as faults
from bench.faults.strikes import KILLS, strikes
from bench.faults.whole import whole
from local.problems import Unavailable

RESULTS = Path("build/bench")
ROWS = 1_000_000
RATE = 1000.0
"""T3."""
SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 when something was lost or done twice, 2 when this machine lacks what is needed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("load", "faults", "all"), default="all")
    parser.add_argument("--service", help="the service under load (default: the first that fits)")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of its table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=RATE, help="requests/s to hold (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for so long (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=KILLS, help="processes killed (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        wrong: list[str] = []
        if options.what in ("load", "all"):
            asyncio.run(_load(options))
        if options.what in ("faults", "all"):
            wrong = asyncio.run(_faults(options))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    for each in wrong:
        print(f"Wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


async def _load(options: argparse.Namespace) -> None:
    with stage.stage(_say) as on:
        service, name, resource = stage.choose(on.system, options.service)
        _say(f"Filling {resource.table(name)} of {service} with {options.rows:,} rows")
        target = await stage.filled(on, service, name, resource, options.rows)
        _say("Measuring one worker process: its peak, its latency over load, a minute at a steady rate")
        results = await capacity.capacity(on, service, target, rate=options.rate, seconds=options.seconds)
        limit = on.system.requirements.latency_p95_ms
        _write("load", report.load(results, _machine()))
        report.picture(results.steps, limit, RESULTS / "latency.svg")
        _say(f"The picture: {RESULTS / 'latency.svg'}")


async def _faults(options: argparse.Namespace) -> list[str]:
    with stage.stage(_say) as on:
        _say("Starting every process of every service")
        with whole(on) as running:
            result = await faults.run(on, running, strikes(options.kills), lambda text: _say(f"  {text}"))
    _write("faults", f"{_machine()}\n\n{faults.table(result)}\n")
    return result.wrong


def _write(name: str, text: str) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {path}", flush=True)


def _machine() -> str:
    """What a figure needs beside it."""
    import os

    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"Measured {today.isoformat()} by `make bench-services`: {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, client and servers on the same machine."
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
