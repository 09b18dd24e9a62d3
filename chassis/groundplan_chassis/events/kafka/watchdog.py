"""Notices a consumer that looks healthy and reads nothing, as aiokafka's may after a rebalance (aiokafka#1154, #1176).

It heartbeats, it has its partitions, and it has no error. So what it has read is compared with what the broker has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from groundplan_chassis.observe import names

if TYPE_CHECKING:
    from groundplan_chassis.observe.metrics import Metrics

LOOK_SECONDS: Final = 10.0
"""Between two looks."""
ANSWER_SECONDS: Final = 5.0
"""For an answer of the broker, or of the client about itself."""
STUCK_SECONDS: Final = 60.0
"""Time for which records were there, none was in work and none was read: twelve polls without a result."""
REBALANCE_SECONDS: Final = 120.0
"""Time between a subscription, or partitions taken, and partitions given. A rebalance itself has half a minute
(`subscription.REBALANCE_MS`), and another may follow at once."""
MOST_RECONNECTS: Final = 3
"""One after the other, without a record read between them. Then the process ends, and Kubernetes starts another."""

log = logging.getLogger(__name__)


class Client(Protocol):
    """Of aiokafka's consumer, what is asked here."""

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]: ...

    async def position(self, partition: TopicPartition) -> int: ...


class Stuck(Exception):
    """The consumer reads nothing, although there is something to read."""


class ConsumerStuck(RuntimeError):
    """No new consumer helps; the process must end."""


class Watchdog:
    """Of one consumer. Its owner tells what happens to the partitions."""

    def __init__(self, consumer: Client, metrics: Metrics | None) -> None:
        self._consumer = consumer
        self._metrics = metrics
        self._given: dict[TopicPartition, float] = {}
        """When a partition was given, or was last read from."""
        self._busy: set[TopicPartition] = set()
        self._behind: dict[TopicPartition, tuple[int, float]] = {}
        """The position before which records wait, and since when that is known."""
        self._rebalancing: float | None = None
        """Since when partitions are waited for."""
        self.read_anything = False

    def subscribed(self) -> None:
        """The consumer waits for its first partitions."""
        self._rebalancing = self._now()

    def given(self, partitions: Collection[TopicPartition]) -> None:
        """A rebalance has ended; there may be no partitions for this process."""
        self._rebalancing = None
        for partition in partitions:
            self._given[partition] = self._now()

    def taken(self, partitions: Collection[TopicPartition]) -> None:
        """A rebalance has begun."""
        self._rebalancing = self._now()
        for partition in partitions:
            for known in (self._given, self._behind):
                known.pop(partition, None)
            self._busy.discard(partition)

    def begins(self, partition: TopicPartition) -> None:
        """Records of it are in work, which may take as long as a database is away."""
        self.read_anything = True
        self._busy.add(partition)

    def ends(self, partition: TopicPartition) -> None:
        """They are not any more."""
        self._busy.discard(partition)
        self._behind.pop(partition, None)
        if partition in self._given:
            self._given[partition] = self._now()

    async def run(self) -> None:
        """Looks until it is cancelled. Raises Stuck."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._rebalancing is not None and self._now() - self._rebalancing > REBALANCE_SECONDS:
                raise Stuck(f"a rebalance has not ended in {REBALANCE_SECONDS:.0f} s")
            await self._look()

    async def _look(self) -> None:
        partitions = [each for each in self._given if each not in self._busy]
        if not partitions:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self._consumer.end_offsets(partitions)
        except (KafkaError, OSError, TimeoutError, AssertionError):
            # The broker is away: no consumer reads then, and nothing is known.
            self._behind.clear()
            return
        waiting = 0
        for partition in partitions:
            position = await self._position(partition)
            left = ends.get(partition, 0) - (position or 0)
            waiting += max(0, left)
            if partition not in self._given or partition in self._busy:
                continue
            if left <= 0:
                self._behind.pop(partition, None)
                continue
            at = position if position is not None else -1
            known = self._behind.get(partition)
            if known is None or known[0] != at:
                self._behind[partition] = (at, self._now())
            elif self._now() - max(known[1], self._given[partition]) >= STUCK_SECONDS:
                told = f"{partition.topic}, partition {partition.partition}: {left} records are there"
                raise Stuck(f"{told}, and none was read for {STUCK_SECONDS:.0f} s")
        if self._metrics is not None:
            self._metrics.record(names.EVENTS_BEHIND, waiting)

    async def _position(self, partition: TopicPartition) -> int | None:
        """None where the client itself doesn't know where it is."""
        with contextlib.suppress(KafkaError, TimeoutError, AssertionError):
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._consumer.position(partition)
        return None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
