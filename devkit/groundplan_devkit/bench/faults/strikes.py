"""The faults: their target, their duration, and the failures that they may cause (P2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from groundplan.declaration.model import Broker, System
from groundplan_devkit.bench.faults.whole import Whole
from groundplan_devkit.bench.stage import Stage

CACHE_AWAY_SECONDS = 15.0
BROKER_AWAY_SECONDS = 60.0
REPLICA_AWAY_SECONDS = 15.0
REPLICAS = 2
"""As many as every stack over several zones has at least (`groundplan.capacity.databases`): queries of a service with
CQRS may not reach the primary, and need another replica when one is lost."""
KILLS = 200
BETWEEN_KILLS_SECONDS = 1.0
"""On average; at random from a tenth of it to nearly twice as much, so that processes die while they start, too."""
TOLD_EVERY = 20

Allowed = Literal["nothing", "refusals until it is back", "broken connections"]
"""Failures that clients may see during a fault. Clients of a killed process see their connection break, and nothing
else."""


@dataclass(frozen=True)
class Strike:
    """One fault. ``act`` injects and ends it, and returns how often."""

    name: str
    act: Callable[[Stage, Whole], Awaitable[int]]
    allowed: Allowed


def _away(prefix: str, seconds: float) -> Callable[[Stage, Whole], Awaitable[int]]:
    async def act(on: Stage, _: Whole) -> int:
        name = on.server(prefix)
        await asyncio.to_thread(on.servers.kill, name)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(on.servers.start, name)
        return 1

    return act


async def _restart_primary(on: Stage, _: Whole) -> int:
    await asyncio.to_thread(on.servers.restart, on.primary)
    return 1


async def _kill_primary(on: Stage, _: Whole) -> int:
    """It then has to recover from its log, and has not told its clients that it goes."""
    await asyncio.to_thread(on.servers.kill, on.primary)
    await asyncio.to_thread(on.servers.start, on.primary)
    return 1


def kill_processes(times: int, seed: int = 1) -> Callable[[Stage, Whole], Awaitable[int]]:
    """SIGKILL to a process chosen at random, again and again; each starts anew as Kubernetes would start it."""

    async def act(on: Stage, whole: Whole) -> int:
        chance = random.Random(seed)  # noqa: S311  a choice of victims, no secret
        processes = list(whole.processes.values())
        for number in range(1, times + 1):
            victim = chance.choice(processes)
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.process.start)
            if number % TOLD_EVERY == 0:
                on.say(f"  {number} of {times} killed")
            await asyncio.sleep(BETWEEN_KILLS_SECONDS * chance.uniform(0.1, 1.9))
        for process in processes:
            await asyncio.to_thread(process.wait_until_ready)
        return times

    return act


def strikes(system: System, kills: int = KILLS, broker_seconds: float = BROKER_AWAY_SECONDS) -> list[Strike]:
    """The faults in order. A killed broker comes back with its data, as Kafka does. The local queues are in moto's
    memory, so that they get no faults."""
    planned = [
        Strike(f"cache killed, away {CACHE_AWAY_SECONDS:.0f} s", _away("valkey", CACHE_AWAY_SECONDS), "nothing"),
        Strike(f"broker killed, away {broker_seconds:.0f} s", _away("kafka", broker_seconds), "nothing"),
        Strike(f"replica killed, away {REPLICA_AWAY_SECONDS:.0f} s", _away("replica", REPLICA_AWAY_SECONDS), "nothing"),
        Strike("primary restarted", _restart_primary, "refusals until it is back"),
        Strike("primary killed", _kill_primary, "refusals until it is back"),
        Strike(f"processes killed, {kills} times", kill_processes(kills), "broken connections"),
    ]
    return [each for each in planned if system.events.broker is Broker.KAFKA or not each.name.startswith("broker")]
