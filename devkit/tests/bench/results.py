"""Results of a bench, made up."""

from __future__ import annotations

from collections import Counter
from itertools import count

from groundplan_devkit.bench import floors
from groundplan_devkit.bench.capacity import Results
from groundplan_devkit.bench.load import Run, Samples
from groundplan_devkit.bench.peak import Peak
from groundplan_devkit.bench.rounds import ROUNDS, Rounds
from groundplan_devkit.bench.saturation import Round, Saturation
from groundplan_devkit.bench.statements import Statement


def run(p95_ms: float = 5.0, *, rate: float = 1000.0, statuses: dict[int, int] | None = None) -> Run:
    samples = Samples([p95_ms] * 100, Counter(statuses or {200: 100}))
    return Run(rate, 60.0, rate, {"get": samples})


def rounds(**rates: float) -> Rounds:
    """``cpu_us`` is a second of one core, over the rate."""
    steps = count(0.0, 0.01)
    return Rounds(
        {
            name: [
                Peak(rate * (1 + noise), {99: 1.0}, 0, 1e6 / rate)
                for noise in (next(steps) if name.startswith("GET") else 0.0 for _ in range(ROUNDS))
            ]
            for name, rate in rates.items()
        }
    )


def results(
    *, cached: float = 0.7, database: float = 0.65, p95_ms: tuple[float, ...] = (5.0,) * ROUNDS, failed: int = 0
) -> Results:
    """``cached``, ``database``: shares of their floors."""
    return Results(
        "user",
        1_000_000,
        rounds(**{floors.STOCK: 10_000, floors.OWN: 12_000, floors.CACHED_GET: 10_000 * cached}),
        rounds(**{floors.INDEXED: 8_000, floors.DATABASE_GET: 8_000 * database}),
        Saturation([Round(2000.0, run(each)) for each in p95_ms]),
        [run()],
        run(statuses={200: 100 - failed, 500: failed}),
        0.8,
        [Statement("SELECT 1", 10, 1.0, 2.0, ("users_pkey",), ())],
        20.0,
    )
