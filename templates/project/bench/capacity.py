"""What one worker process holds: its peak against the floor, and its latency over load (T1, T2, T3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import mix, statements
from bench.floor_server import start_floor
from bench.load import Run, Shot, drive
from bench.mix import Target
from bench.peak import Peak, measure
from bench.stage import EVERY_STATEMENT, NEVER_REFUSED, Stage
from bench.statements import Statement
from infra.system.model import Operation
from local.services import RunningService

ROUNDS = 3
"""Floor and service take turns, and the median counts: these machines are noisy."""
PEAK_SECONDS = 8
STEP_SECONDS = 10
STEPS = (250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0)
"""Requests/s of the picture; it ends where the service no longer keeps up."""
KEEPS_UP = 0.95
CONNECTIONS = 64
WARM_UP_SECONDS = 5


@dataclass(frozen=True)
class Results:
    """All that a bench of one service found."""

    service: str
    rows: int
    floor: Peak
    cached_get: Peak
    database_get: Peak
    steps: Sequence[Run]
    sustained: Run
    statements: Sequence[Statement]

    @property
    def ratio(self) -> float:
        """Cached GETs a second, all checks on, as a share of the floor's."""
        return self.cached_get.rate / self.floor.rate


async def capacity(on: Stage, service: str, target: Target, *, rate: float, seconds: float) -> Results:
    """Measures the service `api` process; ``rate`` requests/s are held for ``seconds``."""
    floor, cached = _peaks(on, service, target)
    database = _database_peak(on, service, target)
    running = on.start(service, "api", **NEVER_REFUSED)
    try:
        await _warm_up(on, running, target)
        steps = await _steps(on, running, target)
    finally:
        running.stop()
    logging = on.start(service, "api", **NEVER_REFUSED, **EVERY_STATEMENT)
    try:
        await _warm_up(on, logging, target)
        before = len(logging.logged())
        sustained = await _drive(on, logging, target, rate, seconds, seed=99)
        judged = await _judged(on, service, logging.logged()[before:])
    finally:
        logging.stop()
    return Results(service, len(target.stored), floor, cached, database, steps, sustained, judged)


def _peaks(on: Stage, service: str, target: Target) -> tuple[Peak, Peak]:
    """The floor's and the cached GET's, taken in turns."""
    floors, gets = [], []
    row = target.stored[0]
    path = f"{target.path}/{row.id}"
    headers = bearer(on, target, "get")
    running = on.start(service, "api", **NEVER_REFUSED)
    bare = start_floor(on, service, json.dumps({"data": {"id": str(row.id)}}).encode())
    try:
        measure(f"{running.url}{path}", headers, seconds=2)
        measure(bare.url, {}, seconds=2)
        for _ in range(ROUNDS):
            floors.append(measure(bare.url, {}, seconds=PEAK_SECONDS))
            gets.append(measure(f"{running.url}{path}", headers, seconds=PEAK_SECONDS))
    finally:
        running.stop()
        bare.stop()
    return _middle(floors), _middle(gets)


def _database_peak(on: Stage, service: str, target: Target) -> Peak:
    """The same GET while the cache is away: every answer is PostgreSQL's."""
    row = target.stored[1]
    url, headers = f"{target.path}/{row.id}", bearer(on, target, "get")
    running = on.start(service, "api", **NEVER_REFUSED)
    cache = on.server("valkey")
    on.servers.kill(cache)
    try:
        measure(f"{running.url}{url}", headers, seconds=2)
        return _middle([measure(f"{running.url}{url}", headers, seconds=PEAK_SECONDS) for _ in range(ROUNDS)])
    finally:
        on.servers.start(cache)
        running.stop()


def bearer(on: Stage, target: Target, operation: Operation) -> dict[str, str]:
    role = target.role(operation)
    return {} if role is None else {"Authorization": f"Bearer {on.sign(role, subject='bench')}"}


async def _warm_up(on: Stage, running: RunningService, target: Target) -> None:
    """Connections, prepared statements, the cache's hottest rows."""
    await _drive(on, running, target, 300, WARM_UP_SECONDS, seed=7)


async def _steps(on: Stage, running: RunningService, target: Target) -> list[Run]:
    steps: list[Run] = []
    for number, rate in enumerate(STEPS):
        run = await _drive(on, running, target, rate, STEP_SECONDS, seed=100 + number)
        steps.append(run)
        if run.achieved < rate * KEEPS_UP:
            break
        await asyncio.sleep(1)
    return steps


async def _drive(on: Stage, running: RunningService, target: Target, rate: float, seconds: float, *, seed: int) -> Run:
    due = mix.shots(target, on.sign, seed)
    prepared: list[Shot] = [next(due) for _ in range(int(rate * seconds))]
    return await drive("127.0.0.1", running.port, iter(prepared), rate=rate, seconds=seconds, connections=CONNECTIONS)


async def _judged(on: Stage, service: str, log: Sequence[str]) -> list[Statement]:
    connection = await on.connect(service)
    try:
        return await statements.judge(connection, statements.durations(log))
    finally:
        await connection.close()


def _middle(peaks: Sequence[Peak]) -> Peak:
    wanted = median(peak.rate for peak in peaks)
    return min(peaks, key=lambda peak: abs(peak.rate - wanted))
