"""Dead letters in Kafka: a topic with the events that a reader gave up, with origin and reason in their headers."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from groundplan_chassis.backoff import Backoff, pause
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import BrokerAway, Stopped
from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.publisher import end, start
from groundplan_chassis.observe import names

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

    from groundplan_chassis.observe.metrics import Metrics

REASON: Final = "dead-letter-reason"
GROUP: Final = "dead-letter-group"
TOPIC: Final = "dead-letter-topic"
PARTITION: Final = "dead-letter-partition"
OFFSET: Final = "dead-letter-offset"
FAILED_AT: Final = "dead-letter-failed-at"
BODY: Final = "dead-letter-body"
"""`left out` where the message was too large to be sent on: it is still at its topic, partition and offset."""

log = logging.getLogger(__name__)


class DeadLetterTopic:
    """Writes refused events to the dead-letter topic before the offset is committed."""

    def __init__(self, connection: Connection, metrics: Metrics) -> None:
        self._connection = connection
        self._topic = connection.settings.dead_letters
        self._group = connection.settings.group
        self._metrics = metrics
        self._producer: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()

    async def put(self, record: ConsumerRecord[bytes, bytes], reason: str, stop: asyncio.Event) -> None:
        """Returns once the broker has it, however often that is tried; raises Stopped if ``stop`` is set."""
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        while True:
            try:
                async with self._turn:
                    await self._put(record, reason)
            except (BrokerAway, KafkaError, TimeoutError, OSError) as error:
                log.warning(
                    "a dead letter could not be put aside, and its partition waits: %s",
                    error,
                    extra={"error": type(error).__name__, "topic": record.topic, "partition": record.partition},
                )
                if await pause(between.next(), stop):
                    raise Stopped from error
            else:
                self._metrics.count(names.EVENTS_DEAD_LETTERED)
                log.error(
                    "an event was put aside: %s",
                    reason,
                    extra={
                        "error": "DeadLetter",
                        "topic": record.topic,
                        "partition": record.partition,
                        "offset": record.offset,
                    },
                )
                return

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await end(producer)

    async def _put(self, record: ConsumerRecord[bytes, bytes], reason: str) -> None:
        if self._producer is None:
            self._producer = await start(self._connection)
        headers = self._headers(record, reason)
        # aiokafka sends nothing that has neither.
        value = b"" if record.key is None and record.value is None else record.value
        try:
            async with asyncio.timeout(limits.SEND_SECONDS):
                try:
                    await self._producer.send_and_wait(self._topic, value, key=record.key, headers=headers)
                except MessageSizeTooLargeError:
                    headers.append((BODY, b"left out"))
                    await self._producer.send_and_wait(self._topic, b"", key=record.key, headers=headers)
        except (KafkaError, TimeoutError, OSError):
            await self.close()
            raise

    def _headers(self, record: ConsumerRecord[bytes, bytes], reason: str) -> list[tuple[str, bytes]]:
        """The headers; a dead letter that fails again keeps its first origin."""
        origin = {
            TOPIC: record.topic.encode(),
            PARTITION: str(record.partition).encode(),
            OFFSET: str(record.offset).encode(),
        }
        if record.topic == self._topic:
            origin |= {name: value for name, value in record.headers if name in origin and value is not None}
        return [
            *origin.items(),
            (REASON, reason[: limits.LONGEST_REASON].encode()),
            (GROUP, self._group.encode()),
            (FAILED_AT, datetime.now(UTC).isoformat().encode()),
        ]
