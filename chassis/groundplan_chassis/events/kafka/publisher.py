"""Sends events to Kafka: acknowledged by all replicas in sync, and written once by one producer (idempotent)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from groundplan_chassis.events import limits
from groundplan_chassis.events.kafka.connection import NOT_CONNECTED, Connection, away
from groundplan_chassis.events.port import Outgoing, Sent
from groundplan_chassis.events.waves import WaveSent, send_in_waves

CLOSE_SECONDS: Final = 3.0
"""Time for a producer to send its remaining batch."""
LINGER_MS: Final = 2
"""Linger time: a batch is available as a whole, and this gathers it into few requests."""
REQUEST_BYTES: Final = 256 * 1024
"""Largest batch of one partition in bytes."""
STUCK_SECONDS: Final = 60.0
"""Time in which a producer that has events acknowledges none: it is replaced then."""

log = logging.getLogger(__name__)


class KafkaPublisher:
    """One producer, created at first use.

    An idempotent producer goes on trying for as long as a broker is away, and so keeps the order of what it was given.
    What a time-out has left with it is therefore waited for again, and not given to it a second time. Once it reports
    an error it is replaced: its count of what it wrote may no longer be the broker's. So is one that looks healthy and
    acknowledges nothing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._topics: Mapping[str, str] = connection.settings.topics
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._with_producer: dict[UUID, asyncio.Future[Any]] = {}
        """Events that it has not acknowledged: no more than it is given within STUCK_SECONDS."""
        self._moved = 0.0
        """When it was given the first of them, or last acknowledged one, by the event loop's clock."""

    async def send(self, batch: Sequence[Outgoing]) -> Sent:
        """See `port.Publisher`."""
        producer = await self._started()
        asked = {message.event_id for message in batch}
        self._with_producer = {
            event_id: future
            for event_id, future in self._with_producer.items()
            if event_id in asked or not future.done()
        }
        return await send_in_waves(batch, self._topics, partial(self._send, producer))

    async def close(self) -> None:
        """Ends the connection; what is not acknowledged by then is sent again by another process."""
        producer, self._producer = self._producer, None
        self._with_producer.clear()
        if producer is not None:
            await end(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await start(self._connection)
            return self._producer

    async def _send(self, producer: AIOKafkaProducer, wave: Sequence[Outgoing], deadline: float) -> WaveSent:
        failed: dict[UUID, str] = {}
        if not self._with_producer:
            self._moved = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                await self._hand_over(producer, wave, failed)
                waited = [self._with_producer[each.event_id] for each in wave if each.event_id in self._with_producer]
                if waited:
                    await asyncio.wait(waited)
        except TimeoutError:
            log.debug("the broker did not acknowledge in time")
        broken = self._complete(wave, failed)
        acknowledged = {message.event_id for message in wave} - failed.keys()
        if broken or self._is_stuck(moved=bool(acknowledged)):
            await self._replace(producer)
        return WaveSent(acknowledged, failed)

    async def _hand_over(self, producer: AIOKafkaProducer, wave: Sequence[Outgoing], failed: dict[UUID, str]) -> None:
        unknown: dict[str, str] = {}
        for message in wave:
            topic = self._topics[message.event]
            if message.event_id in self._with_producer:
                continue
            if topic in unknown:
                failed[message.event_id] = unknown[topic]
                continue
            try:
                self._with_producer[message.event_id] = await producer.send(
                    topic, message.body, key=str(message.key).encode()
                )
            except KafkaError as error:
                unknown[topic] = failed[message.event_id] = f"{topic}: {type(error).__name__}"

    def _complete(self, wave: Sequence[Outgoing], failed: dict[UUID, str]) -> bool:
        """Removes completed sends; returns whether the producer has reported an error."""
        broken = False
        for message in wave:
            future = self._with_producer.get(message.event_id)
            if future is None or not future.done():
                failed.setdefault(message.event_id, "no acknowledgement in time")
                continue
            del self._with_producer[message.event_id]
            error = asyncio.CancelledError() if future.cancelled() else future.exception()
            if error is not None:
                broken = True
                failed[message.event_id] = f"{self._topics[message.event]}: {type(error).__name__}"
        return broken

    def _is_stuck(self, *, moved: bool) -> bool:
        """Whether the producer has had events for too long and acknowledged none; ``moved``: it just has."""
        now = asyncio.get_running_loop().time()
        if moved:
            self._moved = now
        stuck = bool(self._with_producer) and now - self._moved > STUCK_SECONDS
        if stuck:
            log.error(
                "the producer is stuck, and another takes its place: %d events have no acknowledgement in %.0f s",
                len(self._with_producer),
                STUCK_SECONDS,
                extra={"error": "Stuck"},
            )
        return stuck

    async def _replace(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            self._with_producer.clear()
            await end(producer)


async def start(connection: Connection) -> AIOKafkaProducer:
    """A producer that is connected. Raises BrokerAway."""
    producer = AIOKafkaProducer(
        **connection.options,
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=REQUEST_BYTES,
    )
    try:
        async with asyncio.timeout(limits.SEND_SECONDS):
            await producer.start()
    except NOT_CONNECTED as error:
        await end(producer)
        raise away(error) from error
    return producer


async def end(producer: AIOKafkaProducer) -> None:
    """Closes a producer, also one that would retry forever."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.stop()
            return
    except NOT_CONNECTED as error:
        log.debug("a producer did not end in time: %s", type(error).__name__)
    # aiokafka has no other way to make it give up.
    sender = producer._sender
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            if sender is not None and sender.sender_task is not None:
                await sender.close()
            await producer.client.close()
    except NOT_CONNECTED as error:
        log.debug("a producer's connection did not end in time: %s", type(error).__name__)
