"""Re-drive of a dead-letter topic, in order; its own consumer group stores the progress."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import BrokerAway, Stopped
from groundplan_chassis.events.kafka.connection import NOT_CONNECTED, Connection, away
from groundplan_chassis.events.kafka.dead_letters import BODY, TOPIC, DeadLetterTopic
from groundplan_chassis.events.kafka.records import next_records
from groundplan_chassis.events.kafka.watchdog import STUCK_SECONDS
from groundplan_chassis.events.port import Delivery, Processor, Redriven, Refusal, Verdict
from groundplan_chassis.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

GROUP_SUFFIX: Final = ".redrive"

log = logging.getLogger(__name__)


class DeadLetterReader:
    """The unhandled messages of the reader's dead-letter topic."""

    def __init__(self, connection: Connection, dead_letters: DeadLetterTopic) -> None:
        self._connection = connection
        self._dead_letters = dead_letters
        self._events = {topic: event for event, topic in connection.settings.sources.items()}

    async def redrive(self, processor: Processor, stop: asyncio.Event) -> Redriven:
        """See `port.DeadLetters`. What is refused again goes to the topic's end, for another time."""
        try:
            partitions = await self._partitions()
            consumer = AIOKafkaConsumer(
                **self._connection.options,
                group_id=self._connection.settings.group + GROUP_SUFFIX,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            try:
                async with asyncio.timeout(limits.SEND_SECONDS):
                    await consumer.start()
                return await self._all(consumer, partitions, processor, stop)
            finally:
                await consumer.stop()
        except (TopicAuthorizationFailedError, GroupAuthorizationFailedError) as error:
            raise self._unable(error) from error
        except NOT_CONNECTED as error:
            raise away(error) from error
        finally:
            await self._dead_letters.close()

    async def _partitions(self) -> list[TopicPartition]:
        topic = self._connection.settings.dead_letters
        consumer = AIOKafkaConsumer(topic, **self._connection.options)
        try:
            async with asyncio.timeout(limits.SEND_SECONDS):
                await consumer.start()
            return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        finally:
            await consumer.stop()

    async def _all(
        self,
        consumer: AIOKafkaConsumer,
        partitions: list[TopicPartition],
        processor: Processor,
        stop: asyncio.Event,
    ) -> Redriven:
        # Assigned by hand, not as a member of a group: there is no other reader, and no rebalance to wait for.
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        handled = refused = left = 0
        clock = asyncio.get_running_loop()
        for partition in partitions:
            read_at = clock.time()
            while not stop.is_set() and not left and await consumer.position(partition) < ends[partition]:
                found = await next_records(consumer, partition, timeout_ms=1000, most=limits.BATCH)
                records = [each for each in found if each.offset < ends[partition]]
                if not records:
                    if clock.time() - read_at > STUCK_SECONDS:
                        raise BrokerAway(
                            f"{partition.topic}, partition {partition.partition}: nothing is read of what is there"
                        )
                    continue
                read_at = clock.time()
                outcomes = await processor.process([self._delivery(each) for each in records], stop)
                for record, outcome in zip(records, outcomes, strict=True):
                    if outcome is Verdict.LEFT:
                        left += 1
                        break
                    if isinstance(outcome, Refusal):
                        try:
                            await self._dead_letters.put(record, outcome.reason, stop)
                        except Stopped:
                            left += 1
                            break
                        refused += 1
                    else:
                        handled += 1
                    await consumer.commit({partition: record.offset + 1})
        return Redriven(handled, refused, left)

    def _delivery(self, record: ConsumerRecord[bytes, bytes]) -> Delivery:
        # Any sender may have set a header without a value.
        headers: Mapping[str, bytes | None] = dict(record.headers)
        event = self._events.get((headers.get(TOPIC) or b"").decode("utf-8", "replace"))
        body = b"" if BODY in headers else record.value or b""
        return Delivery(body, event, record.topic, record.partition, record.offset)

    def _unable(self, error: BaseException) -> ProblemsFound:
        settings = self._connection.settings
        return ProblemsFound(
            "redrive",
            [
                Problem(
                    settings.dead_letters,
                    type(error).__name__,
                    f"a role that may read this topic as the group {settings.group}{GROUP_SUFFIX}",
                    "grant it in groundplan_components.events.kafka (`consumer_statements`), and deploy",
                )
            ],
        )
