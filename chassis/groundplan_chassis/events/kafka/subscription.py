"""Reads topics as a member of a consumer group: partitions in parallel, the events of each in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from groundplan_chassis.backoff import Backoff, pause
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import Stopped
from groundplan_chassis.events.kafka.connection import NOT_CONNECTED, Connection
from groundplan_chassis.events.kafka.dead_letters import DeadLetterTopic
from groundplan_chassis.events.kafka.records import next_records
from groundplan_chassis.events.kafka.watchdog import MOST_RECONNECTS, ConsumerStuck, Stuck, Watchdog
from groundplan_chassis.events.port import Delivery, Processor, Refusal, Verdict
from groundplan_chassis.observe import names

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

    from groundplan_chassis.observe.metrics import Metrics

POLL_MS: Final = 5_000
"""Longest poll for records."""
SESSION_MS: Final = 10_000
"""Session time-out: a silent member loses its partitions to the others."""
REBALANCE_MS: Final = 30_000
"""Rebalance time-out: for all members to release their partitions and take new ones."""
REQUEST_MS: Final = REBALANCE_MS + 10_000
"""For an answer of the broker: that to a member who joins comes when all have."""
LET_GO_SECONDS: Final = 20.0
"""Time for the event in work when its partition is revoked; then it is cancelled and rolled back."""
POLLS_APART_MS: Final = 86_400_000
"""Between two polls. Handling has time-outs of its own, and waits out an absent database: another member would only
wait for the same one."""

log = logging.getLogger(__name__)


class KafkaSubscription:
    """A member of the settings' consumer group."""

    def __init__(
        self,
        connection: Connection,
        dead_letters: DeadLetterTopic,
        batch: int = limits.BATCH,
        metrics: Metrics | None = None,
        client: type[AIOKafkaConsumer] = AIOKafkaConsumer,
    ) -> None:
        self._connection = connection
        self._dead_letters = dead_letters
        self._batch = batch
        self._metrics = metrics
        self._client = client

    async def run(self, processor: Processor, stop: asyncio.Event) -> None:
        """See `port.Subscription`."""
        settings = self._connection.settings
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        reconnects = 0
        try:
            while not stop.is_set():
                consumer = self._client(
                    **self._connection.options | {"request_timeout_ms": REQUEST_MS},
                    group_id=settings.group,
                    enable_auto_commit=False,
                    # Nothing was committed yet: everything that the topic has is new.
                    auto_offset_reset="earliest",
                    session_timeout_ms=SESSION_MS,
                    rebalance_timeout_ms=REBALANCE_MS,
                    max_poll_interval_ms=POLLS_APART_MS,
                )
                try:
                    async with asyncio.timeout(limits.SEND_SECONDS):
                        await consumer.start()
                except NOT_CONNECTED as error:
                    await _end(consumer)
                    log.warning("the broker is away: %s", error, extra={"error": type(error).__name__})
                    await pause(between.next(), stop)
                    continue
                between.reset()
                watchdog = Watchdog(consumer, self._metrics)
                membership = _Membership(
                    consumer, settings.sources, self._dead_letters, processor, self._batch, watchdog
                )
                try:
                    await membership.run(stop)
                except Stuck as stuck:
                    reconnects = 1 if watchdog.read_anything else reconnects + 1
                    self._report(stuck, reconnects)
        finally:
            await self._dead_letters.close()

    def _report(self, stuck: Stuck, reconnects: int) -> None:
        """Raises ConsumerStuck when new consumers don't help."""
        if self._metrics is not None:
            self._metrics.count(names.CONSUMER_RECONNECTS)
        if reconnects > MOST_RECONNECTS:
            raise ConsumerStuck(f"{reconnects} consumers one after the other have read nothing: {stuck}") from stuck
        log.error("the consumer is stuck, and another takes its place: %s", stuck, extra={"error": "Stuck"})


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that the group has given to this process, each with a task that follows it."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        sources: Mapping[str, str],
        dead_letters: DeadLetterTopic,
        processor: Processor,
        batch: int,
        watchdog: Watchdog,
    ) -> None:
        self._consumer = consumer
        self._events = {topic: event for event, topic in sources.items()}
        self._dead_letters = dead_letters
        self._processor = processor
        self._batch = batch
        self._watchdog = watchdog
        self._lanes: dict[TopicPartition, _Lane] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, stop: asyncio.Event) -> None:
        self._watchdog.subscribed()
        self._consumer.subscribe(list(self._events), listener=self)
        stopping = asyncio.create_task(_set(stop))
        watching = asyncio.create_task(self._watchdog.run())
        try:
            await asyncio.wait([stopping, self._failure, watching], return_when=asyncio.FIRST_COMPLETED)
            await self._let_go(list(self._lanes))
            if self._failure.done():
                self._failure.result()
            if watching.done():
                watching.result()
        finally:
            stopping.cancel()
            watching.cancel()
            self._failure.cancel()
            for lane in self._lanes.values():
                lane.task.cancel()
            await _end(self._consumer)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        partitions = list(revoked)
        await self._let_go(partitions)
        self._watchdog.taken(partitions)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        partitions = list(assigned)
        await self._let_go(partitions)
        for partition in partitions:
            self._lanes[partition] = _Lane(self, partition)
        self._watchdog.given(partitions)
        log.info("this process follows %d partitions", len(self._lanes))

    async def _let_go(self, partitions: Iterable[TopicPartition]) -> None:
        """Returns once no event of these partitions is in work, and the offsets are committed."""
        lanes = [lane for each in partitions if (lane := self._lanes.pop(each, None)) is not None]
        for lane in lanes:
            lane.stop.set()
        if not lanes:
            return
        _, late = await asyncio.wait([lane.task for lane in lanes], timeout=LET_GO_SECONDS)
        for task in late:
            task.cancel()
        if late:
            log.warning("%d partitions were taken away in the middle of an event, which is undone", len(late))
            await asyncio.wait(late)

    def ended(self, task: asyncio.Task[None]) -> None:
        """A lane ends by a stop, or by a bug, which ends the process."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def follow(self, partition: TopicPartition, stop: asyncio.Event) -> None:
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        stopping = asyncio.create_task(_set(stop))
        try:
            while not stop.is_set():
                try:
                    records = await self._poll(partition, stopping)
                except ConsumerStoppedError:
                    return
                except KafkaError as error:
                    told = {"topic": partition.topic, "partition": partition.partition}
                    log.warning("nothing can be read: %s", error, extra={"error": type(error).__name__, **told})
                    await pause(between.next(), stop)
                    continue
                between.reset()
                if records:
                    self._watchdog.begins(partition)
                    try:
                        await self._work(partition, records, stop)
                    finally:
                        self._watchdog.ends(partition)
        finally:
            stopping.cancel()

    async def _poll(
        self, partition: TopicPartition, stopping: asyncio.Task[None]
    ) -> Sequence[ConsumerRecord[bytes, bytes]]:
        """Waits for records, until there are some or the lane is to stop.

        During a rebalance aiokafka lets a poll wait for the new assignment, and the rebalance waits for this lane: so
        the poll is given up. What it may have fetched was not committed, and goes to the partition's next owner.
        """
        polling = asyncio.create_task(
            next_records(self._consumer, partition, timeout_ms=POLL_MS, most=self._batch), name=f"poll of {partition}"
        )
        try:
            await asyncio.wait([polling, stopping], return_when=asyncio.FIRST_COMPLETED)
            return await polling if polling.done() else ()
        finally:
            polling.cancel()

    async def _work(
        self, partition: TopicPartition, records: Sequence[ConsumerRecord[bytes, bytes]], stop: asyncio.Event
    ) -> None:
        event = self._events[partition.topic]
        deliveries = [
            Delivery(record.value or b"", event, record.topic, record.partition, record.offset) for record in records
        ]
        outcomes = await self._processor.process(deliveries, stop)
        done: int | None = None
        for record, outcome in zip(records, outcomes, strict=True):
            if outcome is Verdict.LEFT:
                break
            if isinstance(outcome, Refusal):
                try:
                    await self._dead_letters.put(record, outcome.reason, stop)
                except Stopped:
                    break
            done = record.offset + 1
        if done is not None:
            await self._commit(partition, done)

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        try:
            async with asyncio.timeout(limits.SEND_SECONDS):
                await self._consumer.commit({partition: offset})
        except (KafkaError, TimeoutError) as error:
            # The events come again, here or elsewhere, and are known.
            log.info("an offset was not committed: %s", type(error).__name__)


class _Lane:
    """One partition, while it is this process's."""

    def __init__(self, membership: _Membership, partition: TopicPartition) -> None:
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(membership.follow(partition, self.stop), name=f"{partition}")
        self.task.add_done_callback(membership.ended)


async def _set(stop: asyncio.Event) -> None:
    await stop.wait()


async def _end(consumer: AIOKafkaConsumer) -> None:
    """Leaves the group, so that the others get its partitions at once."""
    with contextlib.suppress(*NOT_CONNECTED):
        async with asyncio.timeout(limits.SEND_SECONDS):
            await consumer.stop()
