"""The faults: what is struck, for how long, and what is allowed to fail meanwhile (P2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.faults.whole import Whole
from bench.stage import Stage

CACHE_AWAY_SECONDS = 15.0
BROKER_AWAY_SECONDS = 60.0
REPLICA_AWAY_SECONDS = 15.0
KILLS = 200
BETWEEN_KILLS_SECONDS = 0.4
"""At random, half of it to one and a half times as much."""


@dataclass(frozen=True)
class Strike:
    """One fault. ``act`` strikes and mends; ``errors_allowed``: whether requests may fail while it lasts."""

    name: str
    act: Callable[[Stage, Whole], Awaitable[int]]
    """Returns how often it struck."""
    errors_allowed: bool


def _away(prefix: str, seconds: float) -> Callable[[Stage, Whole], Awaitable[int]]:
    async def act(on: Stage, _: Whole) -> int:
        name = on.server(prefix)
        await asyncio.to_thread(on.servers.kill, name)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(on.servers.start, name)
        return 1

    return act


async def _restart_primary(on: Stage, _: Whole) -> int:
    await asyncio.to_thread(on.servers.restart, on.server("postgres", "primary"))
    return 1


def kill_processes(times: int, seed: int = 1) -> Callable[[Stage, Whole], Awaitable[int]]:
    """SIGKILL to a process chosen at random, again and again; each starts anew as Kubernetes would start it."""

    async def act(_: Stage, whole: Whole) -> int:
        chance = random.Random(seed)  # noqa: S311  a choice of victims, no secret
        processes = list(whole.processes.values())
        for _time in range(times):
            victim = chance.choice(processes)
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
            await asyncio.sleep(BETWEEN_KILLS_SECONDS * chance.uniform(0.5, 1.5))
        return times

    return act


def strikes(kills: int = KILLS, broker_seconds: float = BROKER_AWAY_SECONDS) -> list[Strike]:
    """In the order in which they are tried."""
    return [
        Strike("cache killed", _away("valkey", CACHE_AWAY_SECONDS), errors_allowed=False),
        Strike("broker killed", _away("kafka", broker_seconds), errors_allowed=False),
        Strike("replica killed", _away("replica", REPLICA_AWAY_SECONDS), errors_allowed=False),
        Strike("primary restarted", _restart_primary, errors_allowed=True),
        Strike(f"processes killed, {kills} times", kill_processes(kills), errors_allowed=True),
    ]
