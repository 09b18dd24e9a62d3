"""How long an untouched project's own tests take: `make test QUICK=1`, and `make test` on real servers.

The project is set up before; the type checker starts without a cache, as on the first day. The processor's time counts
all processes that end with the run; servers that outlive their test are not among them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.copying import Taken, processor_seconds
from tests.projects import borrowed_environment, commit_project, make_project, overridden, snapshot

RUNS = {"make test QUICK=1": ("QUICK=1",), "make test": ()}
MOST_SECONDS = {"make test QUICK=1": 60, "make test": 300}
"""On two quiet cores."""


def made(project: Path, environment: dict[str, str], *arguments: str) -> Taken:
    before, start = processor_seconds(), time.perf_counter()
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=project,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"make {' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return Taken(time.perf_counter() - start, processor_seconds() - before)


def rows(rounds: int, runs: tuple[str, ...] = tuple(RUNS)) -> Iterator[tuple[str, ...]]:
    """Once, ``rounds`` or not: a run takes minutes."""
    del rounds
    yield "run", "clock s", "at most s", "processor s"
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        project = commit_project(make_project(snapshot(here / "template"), here / "shop"))
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LOCAL_", "MAKE"))}
        environment = {**own, **overridden(), "VENV": str(borrowed_environment(here / "venv"))}
        made(project, environment, "setup")
        for run in runs:
            taken = made(project, environment, "test", *RUNS[run])
            yield run, f"{taken.clock:.0f}", str(MOST_SECONDS[run]), f"{taken.processor:.0f}"
