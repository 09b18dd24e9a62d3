"""A service's process that remembers how long each of its statements took: `python -m groundplan_devkit.bench.traced
<package> <role>`.

To log all of them instead, at thousands a second, would cost as much as the statements themselves, and be measured as
if it were the service's.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from array import array
from collections import defaultdict
from pathlib import Path
from time import perf_counter

from groundplan_chassis.observe import statements
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService

FILE = "BENCH_STATEMENTS"
"""Environment variable with the output file: a JSON object of lists in milliseconds, by statement, written when the
process ends."""


def durations(of: RunningService) -> dict[str, list[float]]:
    """The durations of an ended process, by statement. Raises Unavailable without them."""
    file = Path(of.process.environment[FILE])
    if not file.exists():
        raise Unavailable(
            f"the statements of {of.service} {of.role}",
            "none were written",
            "a process that ends by itself when it is stopped",
            f"look at its log: {of.process.log}",
        )
    found: dict[str, list[float]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def main(package: str, *arguments: str) -> None:
    taken: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    finished = statements.StatementLog.finished

    def remembered(self: statements.StatementLog, statement: str, started: float, rows: int | None = None) -> None:
        taken[statement].append((perf_counter() - started) * 1000)
        finished(self, statement, started, rows)

    statements.StatementLog.finished = remembered  # type: ignore[method-assign]
    sys.argv = [package, *arguments]
    try:
        runpy.run_module(package, run_name="__main__")
    finally:
        durations_ms = {statement: list(each) for statement, each in taken.items()}
        Path(os.environ[FILE]).write_text(json.dumps(durations_ms), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
