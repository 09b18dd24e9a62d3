"""Servers measured in turns. What slows a machine down slows all of them; so a share of one in another is taken within
each round, and of the rounds the median counts, with the least and the most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from groundplan_devkit.bench.peak import Peak, measure
from groundplan_devkit.bench.progress import Say

ROUNDS = 5
PEAK_SECONDS = 5
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of some rounds, with its spread."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Figure:
        return Figure(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the servers that take turns."""

    name: str
    url: str
    pid: int | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each contender did in each round, in the order of the rounds."""

    peaks: Mapping[str, Sequence[Peak]]

    def cpu_us(self, name: str) -> Figure:
        """Processor time of the server for one request, in microseconds."""
        return Figure.of([peak.cpu_us for peak in self.peaks[name]])

    def rate(self, name: str) -> Figure:
        """Answers a second."""
        return Figure.of([peak.rate for peak in self.peaks[name]])

    def share(self, name: str, other: str, of: Callable[[Peak], float] = lambda peak: peak.rate) -> Figure:
        """One contender's part of another's, round by round."""
        pairs = zip(self.peaks[name], self.peaks[other], strict=True)
        return Figure.of([of(one) / of(another) for one, another in pairs])

    @property
    def failed(self) -> int:
        return sum(peak.failed for peaks in self.peaks.values() for peak in peaks)


async def take_turns(contenders: Sequence[Contender], say: Say, *, rounds: int, seconds: int) -> Rounds:
    """Every second round in the opposite order, so that none always comes after the same one."""
    peaks: dict[str, list[Peak]] = {each.name: [] for each in contenders}
    for each in contenders:
        await _measured(each, 1)
    for number in range(rounds):
        for each in contenders if number % 2 == 0 else reversed(contenders):
            peaks[each.name].append(await _measured(each, seconds))
        say(
            f"  round {number + 1}: "
            + ", ".join(f"{name} {found[-1].cpu_us:.0f} µs, {found[-1].rate:,.0f}/s" for name, found in peaks.items())
        )
    return Rounds(peaks)


async def _measured(of: Contender, seconds: int) -> Peak:
    return await asyncio.to_thread(measure, of.url, of.headers, pid=of.pid, seconds=seconds, connections=CONNECTIONS)
