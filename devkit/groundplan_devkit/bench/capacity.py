"""Capacity of one worker process: its GETs against floors, and its latency over load (T1, T2, T3)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from groundplan_devkit.bench import floors, mix, statements, traced
from groundplan_devkit.bench.load import Run, drive
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.processor import core_seconds
from groundplan_devkit.bench.rounds import ROUNDS, Rounds
from groundplan_devkit.bench.saturation import SHARE, Saturation, at_share
from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage
from groundplan_devkit.bench.statements import Statement
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService

STEP_SECONDS = 6.0
STEPS = (250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0)
"""Rates of the chart in requests/s; it ends where the service no longer keeps up."""
KEEPS_UP = 0.95
CONNECTIONS = 64
WARM_UP_RATE = 300.0
WARM_UP_SECONDS = 5.0

SHARE_OF_FLOOR = 0.65
"""Smallest share of the requests/s of a bare handler on uvicorn as it comes, for a cached GET with all checks."""
SHARE_OF_READ = 0.6
"""The same for a GET from the database, of a bare handler with one indexed read."""
MIXED_P95_MS = 20.0
"""Of all requests, at SHARE of the run's own saturation."""


@dataclass(frozen=True)
class Results:
    """The results of one service's bench."""

    service: str
    rows: int
    cached: Rounds
    database: Rounds
    saturation: Saturation
    steps: Sequence[Run]
    sustained: Run
    cores: float
    """That the process used meanwhile."""
    statements: Sequence[Statement]
    query_p95_ms: float
    """Longest time of a statement (T2)."""

    @property
    def wrong(self) -> list[str]:
        """The missed targets; empty when all are met."""
        every = self.sustained.all()
        slow = [each for each in self.statements if each.p95_ms >= self.query_p95_ms]
        whole = sorted({table for each in self.statements for table in each.scanned})
        failed = every.failed + self.cached.failed + self.database.failed + self.saturation.failed
        cached = self.cached.share(floors.CACHED_GET, floors.STOCK).median
        database = self.database.share(floors.DATABASE_GET, floors.INDEXED).median
        p95 = self.saturation.p95_ms.most
        found = (
            (cached < SHARE_OF_FLOOR, f"a cached GET reaches {cached:.2f} of the bare handler, not {SHARE_OF_FLOOR}"),
            (
                database < SHARE_OF_READ,
                f"a GET from the database reaches {database:.2f} of the bare handler with one indexed read, "
                f"not {SHARE_OF_READ}",
            ),
            (failed > 0, f"{failed} requests failed"),
            (
                self.sustained.achieved < self.sustained.rate * KEEPS_UP,
                f"{self.sustained.achieved:,.0f} of {self.sustained.rate:,.0f} requests/s were answered",
            ),
            (
                p95 >= MIXED_P95_MS,
                f"p95 at {SHARE:.0%} of saturation is {p95:.1f} ms in the worst of {ROUNDS} rounds, "
                f"not under {MIXED_P95_MS:g}",
            ),
            *((True, f"p95 {each.p95_ms:.1f} ms of: {' '.join(each.text.split())}") for each in slow),
            (bool(whole), f"read from end to end: {', '.join(whole)}"),
        )
        return [text for wrong, text in found if wrong]


async def capacity(on: Stage, service: str, target: Target, *, rate: float, seconds: float) -> Results:
    """Measures the service's `api` process; ``rate`` requests/s are held for ``seconds``, and no other measurement
    takes longer than that either."""
    tokens = Tokens(target, on.sign)
    cached = await floors.cached_get(on, service, target, tokens, seconds)
    database = await floors.database_get(on, service, target, tokens, seconds)
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    await warm_up(running, target, tokens, seconds)
    on.say(f"Latency at {SHARE:.0%} of saturation, in {ROUNDS} rounds")
    saturation = await at_share(running, target, tokens, on.say, seconds=seconds)
    on.say("Latency over load")
    steps = await _steps(on, running, target, tokens, min(STEP_SECONDS, seconds))
    await asyncio.to_thread(running.stop)
    on.say(f"{rate:,.0f} requests/s for {seconds:.0f} s, every statement timed")
    file = str(on.directory / "statements.json")
    timed = await asyncio.to_thread(
        on.start, service, "api", through=traced.__name__, **NEVER_REFUSED, **{traced.FILE: file}
    )
    await warm_up(timed, target, tokens, seconds)
    before = core_seconds(timed.process.pid)
    sustained = await _drive(timed, target, tokens, rate, seconds, seed=99)
    cores = (core_seconds(timed.process.pid) - before) / max(seconds, sustained.seconds)
    on.say(f"  {_described(sustained)}, {cores:.2f} of a core used")
    await asyncio.to_thread(timed.stop)
    on.say("Asking PostgreSQL for the plan of every statement")
    evaluated = await _evaluated(on, service, traced.durations(timed))
    return Results(
        service,
        len(target.ids),
        cached,
        database,
        saturation,
        steps,
        sustained,
        cores,
        evaluated,
        on.system.requirements.query_p95_ms,
    )


async def warm_up(running: RunningService, target: Target, tokens: Tokens, seconds: float) -> None:
    """Connections, prepared statements, tokens, the cache's hottest rows. Raises Unavailable when all of it fails."""
    run = await _drive(running, target, tokens, WARM_UP_RATE, min(WARM_UP_SECONDS, seconds), seed=7)
    every = run.all()
    if every.failed == every.statuses.total():
        raise Unavailable(
            f"{running.service} {running.role}",
            f"answers by status (0: none): {dict(every.statuses)}",
            "some that succeed",
            f"look at its log: {running.process.log}",
        )


async def _steps(on: Stage, running: RunningService, target: Target, tokens: Tokens, seconds: float) -> list[Run]:
    steps: list[Run] = []
    for number, rate in enumerate(STEPS):
        run = await _drive(running, target, tokens, rate, seconds, seed=100 + number)
        steps.append(run)
        on.say(f"  {rate:,.0f} requests/s: {_described(run)}")
        if run.achieved < rate * KEEPS_UP:
            break
        await asyncio.sleep(1)
    return steps


def _described(run: Run) -> str:
    every = run.all()
    return (
        f"{run.achieved:,.0f} answered, p50 {every.percentile(0.5):.1f} ms, p95 {every.percentile(0.95):.1f} ms, "
        f"{every.failed} failed"
    )


async def _drive(
    running: RunningService, target: Target, tokens: Tokens, rate: float, seconds: float, *, seed: int
) -> Run:
    prepared = list(islice(mix.shots(target, tokens, seed), int(rate * seconds)))
    return await drive("127.0.0.1", running.port, prepared, rate=rate, connections=CONNECTIONS)


async def _evaluated(on: Stage, service: str, measured: Mapping[str, list[float]]) -> list[Statement]:
    connection = await on.connect(service)
    try:
        return await statements.evaluate(connection, measured)
    finally:
        await connection.close()
