"""SQS: how many messages queues hold, and what lies in those for dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from groundplan_chassis.events.queues.message import delivery_of
from groundplan_chassis.events.queues.subscription import REASON, SOURCE
from groundplan_devkit.dev.page.brokers.port import (
    MOST_LETTERS,
    SECONDS,
    Letter,
    Reader,
    Topic,
    readers_of,
    shown,
    topics_of,
)
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation

MOST_LOOKS = 20
"""Requests for dead letters: each answers with ten at most, or with none although there are some."""
BATCH = 10
"""Messages that one request takes, or shows again."""
HIDDEN_SECONDS = 20
"""From the others of a look: what it meets comes again at its end, or by itself when this process dies meanwhile."""
WAITING, HIDDEN = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"

T = TypeVar("T")


class QueueTopics:
    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        aws = installation.servers.aws
        assert aws is not None
        self._sqs = aws.client("sqs", installation.stack.region)

    async def state(self) -> tuple[list[Topic], list[Reader]]:
        return topics_of(self._installation, lambda _: None), await self._readers()

    async def _readers(self) -> list[Reader]:
        queues = self._installation.queues
        return [
            Reader(
                name=reader,
                service=service,
                role=role,
                waiting=await _ask(self._held, queues.queue_urls[reader]),
                dead_letters=await _ask(self._held_or_looked_at, queues.dead_letter_urls[reader]),
            )
            for reader, (service, role) in readers_of(self._installation).items()
        ]

    async def letters(self, reader: str) -> list[Letter]:
        return await _ask(self._letters, self._installation.queues.dead_letter_urls[reader])

    def _held(self, url: str) -> int:
        return self._count(url, WAITING)

    def _held_or_looked_at(self, url: str) -> int:
        return self._count(url, WAITING, HIDDEN)

    def _count(self, url: str, *names: str) -> int:
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
        return sum(int(found["Attributes"][name]) for name in names)

    def _letters(self, url: str) -> list[Letter]:
        held = min(self._held(url), MOST_LETTERS)
        found: dict[str, Letter] = {}
        handles: list[str] = []
        try:
            for _ in range(MOST_LOOKS):
                if len(found) >= held:
                    break
                answer = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=BATCH,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=0,
                    MessageAttributeNames=["All"],
                )
                messages = answer.get("Messages", [])
                found |= {each["MessageId"]: _letter(each, url) for each in messages}
                handles += [each["ReceiptHandle"] for each in messages]
        finally:
            self._show_again(url, handles)
        return list(found.values())

    def _show_again(self, url: str, handles: Sequence[str]) -> None:
        for start in range(0, len(handles), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(handles[start : start + BATCH])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _letter(message: dict[str, Any], url: str) -> Letter:
    said = {name: each.get("StringValue", "") for name, each in message.get("MessageAttributes", {}).items()}
    delivery = delivery_of(message, url)
    return Letter(
        event=delivery.event or "",
        reason=said.get(REASON, ""),
        failed_at="",
        origin=said.get(SOURCE, url).rsplit("/", 1)[-1],
        body=shown(delivery.body),
    )


async def _ask(ask: Callable[[str], T], url: str) -> T:
    try:
        async with asyncio.timeout(SECONDS):
            return await asyncio.to_thread(ask, url)
    except (BotoCoreError, ClientError, TimeoutError) as error:
        raise Unavailable(
            "SQS",
            f"no answer within {SECONDS:.0f} s" if isinstance(error, TimeoutError) else str(error),
            "queues that answer",
            "look at build/local/aws.log; `make dev` starts it anew",
        ) from None
