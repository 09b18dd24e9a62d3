"""Whole processes, measured in turns so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the rounds of one process."""

    wall_seconds: float
    cpu_seconds: float
    """User and system time of the process."""
    peak_mib: float
    """Largest resident set."""
    said: dict[str, float]
    """What the last round printed: a JSON object on its last line."""


_CHILD = """
import json, resource, runpy, sys, time
sys.argv = sys.argv[1:]
start = time.perf_counter()
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}))
"""


def in_turns(commands: dict[str, Sequence[str]], rounds: int) -> dict[str, Measured]:
    """Run each ``module argument …`` in a fresh interpreter, all of them once a round, and take the medians.

    A module prints one JSON object, which is kept, as its last line.

    Raises RuntimeError with its output when one fails.
    """
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    said: dict[str, dict[str, float]] = {}
    # Without bytecode each process would compile the SDKs anew, and that would be all that is measured.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(rounds):
        for name, command in commands.items():
            done = subprocess.run(
                [sys.executable, "-c", _CHILD, *command], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")
            *_, own, usage = done.stdout.strip().splitlines()
            said[name] = json.loads(own)
            runs[name].append(json.loads(usage))
    return {
        name: Measured(
            wall_seconds=_median(done, "wall"),
            cpu_seconds=_median(done, "cpu"),
            peak_mib=_median(done, "peak"),
            said=said[name],
        )
        for name, done in runs.items()
    }


def _median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)
