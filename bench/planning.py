"""How long it takes to plan and simulate a whole stack in-process, as a ratio to the SDK's own cost.

The floor (`floor.py`) imports the same SDK modules and registers as many plain resources under the SDK's mock monitor.
Both are whole processes, run in turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from bench.processes import Measured, in_turns

SERVICES = (0, 3, 10, 30, 100)
"""0 is shop itself; the others are chains of that many services."""
MANY = 30


def measure(services: int, rounds: int) -> tuple[Measured, Measured]:
    """(this product, the floor) for the prod stack of one system."""
    first = in_turns({"run": ("bench.simulated", str(services))}, 1)["run"]
    modules = cast(Any, first.said["modules"])
    # A minute each: their noise is a smaller share of them.
    rounds = max(1, rounds // 2) if services >= MANY else rounds
    both = in_turns(
        {
            "run": ("bench.simulated", str(services)),
            "floor": ("bench.floor", str(int(first.said["resources"])), *modules),
        },
        rounds,
    )
    return both["run"], both["floor"]


def rows(rounds: int) -> Iterator[tuple[str, ...]]:
    yield "system", "resources", "run s", "floor s", "ratio", "of CPU", "plan ms", "ms a resource", "MiB", "floor MiB"
    for services in SERVICES:
        run, floor = measure(services, rounds)
        resources = int(run.said["resources"])
        yield (
            f"{services} services" if services else "shop",
            str(resources),
            f"{run.wall_seconds:.2f}",
            f"{floor.wall_seconds:.2f}",
            f"{run.wall_seconds / floor.wall_seconds:.2f}",
            f"{run.cpu_seconds / floor.cpu_seconds:.2f}",
            f"{run.said['plan_seconds'] * 1000:.1f}",
            f"{run.said['run_seconds'] * 1000 / resources:.2f}",
            f"{run.peak_mib:.0f}",
            f"{floor.peak_mib:.0f}",
        )
