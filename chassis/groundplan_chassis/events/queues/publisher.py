"""Publishes events to SNS, ten in a request, with attributes that subscriptions may filter by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.port import Outgoing, Sent
from groundplan_chassis.events.queues.clients import FAILED, Clients, away, code_of
from groundplan_chassis.events.waves import WaveSent, send_in_waves
from groundplan_chassis.settings import QueueSettings

MOST_ENTRIES: Final = 10
MOST_BYTES: Final = 262_144
"""Of one request, attributes included (https://docs.aws.amazon.com/sns/latest/dg/sns-batch-api-actions.html)."""
ATTRIBUTE_BYTES: Final = 512
"""What a message's attributes take at most, by a generous count."""
AT_ONCE: Final = 8
"""Requests that are under way at once."""
EVENT_ATTRIBUTE: Final = "event"
"""The event's name beside the message."""


class SnsPublisher:
    """Publishes to the topics that the settings name."""

    def __init__(self, settings: QueueSettings, clients: Clients) -> None:
        self._topics = settings.topics
        self._clients = clients
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def send(self, batch: Sequence[Outgoing]) -> Sent:
        """See `port.Publisher`. An event waits for its elder's acknowledgement, though SNS promises no order: those
        who read it then rarely see them swapped."""
        try:
            client = await self._clients.get("sns")
        except FAILED as error:
            raise away(error) from error
        return await send_in_waves(batch, self._topics, partial(self._send, client))

    async def close(self) -> None:
        """The clients stay open: their creator closes them."""

    async def _send(self, client: Any, wave: Sequence[Outgoing], deadline: float) -> WaveSent:  # noqa: ANN401
        by_topic = sorted(wave, key=lambda message: message.event)
        requests = [
            request
            for event, messages in groupby(by_topic, key=lambda message: message.event)
            for request in _requests(list(messages))
        ]
        parts = await asyncio.gather(*(self._publish(client, request, deadline) for request in requests))
        sent = WaveSent()
        for part in parts:
            sent.acknowledged.update(part.acknowledged)
            sent.failed.update(part.failed)
        if wave and len(sent.failed) == len(wave):
            raise BrokerAway(next(iter(sent.failed.values())))
        return sent

    async def _publish(self, client: Any, request: Sequence[Outgoing], deadline: float) -> WaveSent:  # noqa: ANN401
        entries = [
            {
                "Id": str(number),
                "Message": message.body.decode(),
                "MessageAttributes": {EVENT_ATTRIBUTE: {"DataType": "String", "StringValue": message.event}},
            }
            for number, message in enumerate(request)
        ]
        event = request[0].event
        ids = {message.event_id for message in request}
        async with self._slots:
            if asyncio.get_running_loop().time() > deadline:
                return WaveSent()
            try:
                answer = await client.publish_batch(TopicArn=self._topics[event], PublishBatchRequestEntries=entries)
            except FAILED as error:
                return WaveSent(failed=dict.fromkeys(ids, f"{event}: {code_of(error)}"))
        failed = {
            request[int(each["Id"])].event_id: f"{event}: {each.get('Code', 'unknown')}"
            for each in answer.get("Failed", ())
        }
        return WaveSent(ids - failed.keys(), failed)


def _requests(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Splits the events into requests that SNS accepts."""
    part: list[Outgoing] = []
    size = 0
    for message in messages:
        own = len(message.body) + ATTRIBUTE_BYTES
        if part and (len(part) == MOST_ENTRIES or size + own > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += own
    if part:
        yield part
