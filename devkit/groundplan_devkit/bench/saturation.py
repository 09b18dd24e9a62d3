"""Latency of the mixed workload at a share of what the process can do at most, both found in the same round: on a
slower machine less is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from groundplan.capacity.figures import TARGET_UTILISATION
from groundplan_devkit.bench import mix
from groundplan_devkit.bench.load import Run, drive
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.progress import Say
from groundplan_devkit.bench.rounds import ROUNDS, Figure
from groundplan_devkit.services import RunningService

SHARE = float(TARGET_UTILISATION)
"""Of the saturation: the processor's share at which the autoscaler adds pods."""
SATURATED_SECONDS = 4.0
STEADY_SECONDS = 10.0
CONNECTIONS = 64
_FIRST = 1000
"""Requests that show about how many are done in a second."""


@dataclass(frozen=True, slots=True)
class Round:
    """``saturation``: answers a second while each connection always had a request; ``run``: at a share of that."""

    saturation: float
    run: Run

    @property
    def p95_ms(self) -> float:
        return self.run.all().percentile(0.95)


@dataclass(frozen=True, slots=True)
class Saturation:
    """All rounds."""

    rounds: Sequence[Round]

    @property
    def rate(self) -> Figure:
        return Figure.of([each.saturation for each in self.rounds])

    @property
    def p95_ms(self) -> Figure:
        return Figure.of([each.p95_ms for each in self.rounds])

    @property
    def failed(self) -> int:
        return sum(each.run.all().failed for each in self.rounds)


async def at_share(running: RunningService, target: Target, tokens: Tokens, say: Say, *, seconds: float) -> Saturation:
    """``seconds``: the longest time of one measurement."""
    about = await saturated(running, target, tokens, _FIRST, seed=300)
    rounds = []
    for number in range(ROUNDS):
        count = max(_FIRST, int(about * min(SATURATED_SECONDS, seconds)))
        about = await saturated(running, target, tokens, count, seed=301 + 2 * number)
        steady = min(STEADY_SECONDS, seconds)
        rate = SHARE * about
        shots = list(islice(mix.shots(target, tokens, 302 + 2 * number), int(rate * steady)))
        await asyncio.sleep(1)
        run = await drive("127.0.0.1", running.port, shots, rate=rate, connections=CONNECTIONS)
        rounds.append(Round(about, run))
        say(f"  round {number + 1}: {about:,.0f}/s at most; at {rate:,.0f}/s p95 {rounds[-1].p95_ms:.1f} ms")
    return Saturation(rounds)


async def saturated(running: RunningService, target: Target, tokens: Tokens, count: int, *, seed: int) -> float:
    """Answers a second while each connection has a request all the time."""
    shots = list(islice(mix.shots(target, tokens, seed), count))
    return (await drive("127.0.0.1", running.port, shots, connections=CONNECTIONS)).achieved
