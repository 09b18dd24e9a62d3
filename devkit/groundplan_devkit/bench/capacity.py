"""Capacity of one worker process: its peak against the floor, and its latency over load (T1, T2, T3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import psutil

from groundplan_devkit.bench import mix, statements, traced
from groundplan_devkit.bench.floor_server import start_floor
from groundplan_devkit.bench.load import Run, Shot, drive
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.peak import Peak, measure
from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage
from groundplan_devkit.bench.statements import Statement
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.services import RunningService

ROUNDS = 3
"""Floor and service take turns, and the median counts: these machines are noisy."""
PEAK_SECONDS = 8
STEP_SECONDS = 10.0
STEPS = (250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0)
"""Rates of the chart in requests/s; it ends where the service no longer keeps up."""
KEEPS_UP = 0.95
CONNECTIONS = 64
WARM_UP_RATE = 300.0
WARM_UP_SECONDS = 5.0

SHARE_OF_FLOOR = 0.4
"""Smallest share of the floor's requests/s for a cached GET with all checks."""
MIXED_P95_MS = 20.0
"""Of all requests at the steady rate."""


@dataclass(frozen=True)
class Results:
    """The results of one service's bench."""

    service: str
    rows: int
    floor: Peak
    cached_get: Peak
    database_get: Peak
    steps: Sequence[Run]
    sustained: Run
    cores: float
    """That the process used meanwhile."""
    statements: Sequence[Statement]
    query_p95_ms: float
    """Longest time of a statement (T2)."""

    @property
    def ratio(self) -> float:
        """Cached GETs a second, all checks on, as a share of the floor's."""
        return self.cached_get.rate / self.floor.rate

    @property
    def wrong(self) -> list[str]:
        """The missed targets; empty when all are met."""
        every = self.sustained.all()
        slow = [each for each in self.statements if each.p95_ms >= self.query_p95_ms]
        whole = sorted({table for each in self.statements for table in each.scanned})
        failed = every.failed + self.floor.failed + self.cached_get.failed + self.database_get.failed
        found = (
            (self.ratio < SHARE_OF_FLOOR, f"a cached GET reaches {self.ratio:.2f} of the floor, not {SHARE_OF_FLOOR}"),
            (failed > 0, f"{failed} requests failed"),
            (
                self.sustained.achieved < self.sustained.rate * KEEPS_UP,
                f"{self.sustained.achieved:,.0f} of {self.sustained.rate:,.0f} requests/s were answered",
            ),
            (
                every.percentile(0.95) >= MIXED_P95_MS,
                f"p95 of the steady minute is {every.percentile(0.95):.1f} ms, not under {MIXED_P95_MS:g}",
            ),
            *((True, f"p95 {each.p95_ms:.1f} ms of: {' '.join(each.text.split())}") for each in slow),
            (bool(whole), f"read from end to end: {', '.join(whole)}"),
        )
        return [text for wrong, text in found if wrong]


async def capacity(on: Stage, service: str, target: Target, *, rate: float, seconds: float) -> Results:
    """Measures the service's `api` process; ``rate`` requests/s are held for ``seconds``, and no other measurement
    takes longer than that either."""
    tokens = Tokens(target, on.sign)
    floor, cached = await _peaks(on, service, target, tokens, seconds)
    database = await _database_peak(on, service, target, tokens, seconds)
    on.say("Latency over load")
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    await _warm_up(running, target, tokens, seconds)
    steps = await _steps(on, running, target, tokens, min(STEP_SECONDS, seconds))
    await asyncio.to_thread(running.stop)
    on.say(f"{rate:,.0f} requests/s for {seconds:.0f} s, every statement timed")
    file = str(on.directory / "statements.json")
    timed = await asyncio.to_thread(
        on.start, service, "api", through=traced.__name__, **NEVER_REFUSED, **{traced.FILE: file}
    )
    await _warm_up(timed, target, tokens, seconds)
    before = _core_seconds(timed)
    sustained = await _drive(timed, target, tokens, rate, seconds, seed=99)
    cores = (_core_seconds(timed) - before) / max(seconds, sustained.seconds)
    on.say(f"  {_described(sustained)}, {cores:.2f} of a core used")
    await asyncio.to_thread(timed.stop)
    on.say("Asking PostgreSQL for the plan of every statement")
    evaluated = await _evaluated(on, service, traced.durations(timed))
    return Results(
        service,
        len(target.ids),
        floor,
        cached,
        database,
        steps,
        sustained,
        cores,
        evaluated,
        on.system.requirements.query_p95_ms,
    )


async def _peaks(on: Stage, service: str, target: Target, tokens: Tokens, seconds: float) -> tuple[Peak, Peak]:
    """The peaks of the floor and of the cached GET, measured in turns."""
    floors, gets = [], []
    path = f"{target.path}/{target.ids[0]}"
    duration = max(1, min(PEAK_SECONDS, int(seconds)))
    on.say(f"The peak of a GET from the cache, and of the floor, {ROUNDS} times {duration} s each")
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    body = json.dumps({"data": {"id": str(target.ids[0])}}).encode()
    bare = await asyncio.to_thread(start_floor, on, service, body)
    headers = bearer(tokens)
    await asyncio.to_thread(measure, f"{running.url}{path}", headers, seconds=1)
    await asyncio.to_thread(measure, bare.url, {}, seconds=1)
    for _ in range(ROUNDS):
        floors.append(await asyncio.to_thread(measure, bare.url, {}, seconds=duration))
        gets.append(await asyncio.to_thread(measure, f"{running.url}{path}", headers, seconds=duration))
        on.say(f"  floor {floors[-1].rate:,.0f}/s, GET {gets[-1].rate:,.0f}/s: {gets[-1].rate / floors[-1].rate:.2f}")
    await asyncio.to_thread(running.stop)
    await asyncio.to_thread(bare.stop)
    return _middle(floors), _middle(gets)


async def _database_peak(on: Stage, service: str, target: Target, tokens: Tokens, seconds: float) -> Peak:
    """The same GET while the cache is away: every answer is PostgreSQL's."""
    duration = max(1, min(PEAK_SECONDS, int(seconds)))
    on.say(f"The peak of a GET while the cache is away, {ROUNDS} times {duration} s")
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    url, headers = f"{running.url}{target.path}/{target.ids[1]}", bearer(tokens)
    cache = on.server("valkey")
    await asyncio.to_thread(on.servers.kill, cache)
    await asyncio.to_thread(measure, url, headers, seconds=1)
    peaks = [await asyncio.to_thread(measure, url, headers, seconds=duration) for _ in range(ROUNDS)]
    await asyncio.to_thread(on.servers.start, cache)
    await asyncio.to_thread(running.stop)
    on.say(f"  {_middle(peaks).rate:,.0f}/s")
    return _middle(peaks)


def _core_seconds(running: RunningService) -> float:
    """That its process has used a core so far."""
    used = psutil.Process(running.process.pid).cpu_times()
    return float(used.user + used.system)


def bearer(tokens: Tokens) -> dict[str, str]:
    token = tokens.of("get")[0]
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def _warm_up(running: RunningService, target: Target, tokens: Tokens, seconds: float) -> None:
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
    due = mix.shots(target, tokens, seed)
    prepared: list[Shot] = [next(due) for _ in range(int(rate * seconds))]
    return await drive("127.0.0.1", running.port, iter(prepared), rate=rate, seconds=seconds, connections=CONNECTIONS)


async def _evaluated(on: Stage, service: str, measured: Mapping[str, list[float]]) -> list[Statement]:
    connection = await on.connect(service)
    try:
        return await statements.evaluate(connection, measured)
    finally:
        await connection.close()


def _middle(peaks: Sequence[Peak]) -> Peak:
    wanted = median(peak.rate for peak in peaks)
    return min(peaks, key=lambda peak: abs(peak.rate - wanted))
