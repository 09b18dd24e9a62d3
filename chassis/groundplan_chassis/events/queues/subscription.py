"""Reads a queue: several polls in parallel; messages stay hidden while in work and are deleted when done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from groundplan_chassis.backoff import Backoff, pause
from groundplan_chassis.events import limits
from groundplan_chassis.events.port import Outcome, Processor, Refusal, Verdict
from groundplan_chassis.events.queues.clients import FAILED, POLL_SECONDS, Clients, code_of, refused_access
from groundplan_chassis.events.queues.message import delivery_of
from groundplan_chassis.observe import names
from groundplan_chassis.settings import QueueSettings

if TYPE_CHECKING:
    from groundplan_chassis.observe.metrics import Metrics

MOST_MESSAGES: Final = 10
"""Most messages of one poll: SQS's limit."""
POLLS: Final = 4
"""At once: while some messages are in work, others are on their way."""
DEFAULT_VISIBILITY_SECONDS: Final = 180
"""How long a message stays hidden, where the queue can't be asked (`groundplan_components.events.queues`)."""
REASON: Final = "dead-letter-reason"
SOURCE: Final = "dead-letter-source"
RECEIVES: Final = "ApproximateReceiveCount"
MOST_RECEIVES: Final = 5
"""Then the queue's own redrive puts a message aside (`MAX_RECEIVES` of `groundplan_components.events.queues`)."""

_REFUSED: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that SQS takes in no attribute
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html)."""

Message = dict[str, Any]

log = logging.getLogger(__name__)


class QueueSubscription:
    """Reads the queue that the settings name."""

    def __init__(self, settings: QueueSettings, clients: Clients, metrics: Metrics, polls: int = POLLS) -> None:
        self._queue = settings.queue_url
        self._dead_letters = settings.dead_letters
        self._clients = clients
        self._metrics = metrics
        self._polls = polls
        self._may_put_aside = True
        self._known_visibility: int | None = None
        self._away = False

    async def run(self, processor: Processor, stop: asyncio.Event) -> None:
        """See `port.Subscription`."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._polls):
                tasks.create_task(self._poll(processor, stop))

    async def _poll(self, processor: Processor, stop: asyncio.Event) -> None:
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        while not stop.is_set():
            try:
                client = await self._clients.get("sqs")
                visibility = await self._visibility(client)
                answer = await client.receive_message(
                    QueueUrl=self._queue,
                    MaxNumberOfMessages=MOST_MESSAGES,
                    WaitTimeSeconds=POLL_SECONDS,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=[RECEIVES],
                )
            except FAILED as error:
                if not self._away:
                    self._away = True
                    log.warning("the queue can't be read: %s", code_of(error), extra={"error": code_of(error)})
                await pause(between.next(), stop)
                continue
            if self._away:
                self._away = False
                log.info("the queue is read again")
            between.reset()
            messages: list[Message] = answer.get("Messages", [])
            if messages:
                await self._work(client, messages, visibility, processor, stop)

    async def _visibility(self, client: Any) -> int:  # noqa: ANN401
        """Seconds; asked once."""
        if self._known_visibility is None:
            try:
                answer = await client.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["VisibilityTimeout"])
                self._known_visibility = int(answer["Attributes"]["VisibilityTimeout"])
            except FAILED as error:
                if not refused_access(error):
                    raise
                self._known_visibility = DEFAULT_VISIBILITY_SECONDS
        return self._known_visibility

    async def _work(
        self,
        client: Any,  # noqa: ANN401
        messages: Sequence[Message],
        visibility: int,
        processor: Processor,
        stop: asyncio.Event,
    ) -> None:
        hiding = asyncio.create_task(self._keep_hidden(client, messages, visibility))
        try:
            outcomes = await processor.process([delivery_of(each, self._queue) for each in messages], stop)
        finally:
            hiding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hiding
        await self._acknowledge(client, messages, outcomes)

    async def _keep_hidden(self, client: Any, messages: Sequence[Message], visibility: int) -> None:  # noqa: ANN401
        """Extends the visibility time-out, so that no other reader gets messages that are in work."""
        while True:
            await asyncio.sleep(max(1.0, visibility / 3))
            await self._show_after(client, messages, visibility)

    async def _acknowledge(self, client: Any, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> None:  # noqa: ANN401
        done: list[Message] = []
        left: list[Message] = []
        for message, outcome in zip(messages, outcomes, strict=True):
            if outcome is Verdict.HANDLED:
                done.append(message)
            elif isinstance(outcome, Refusal):
                put = await self._put_aside(client, message, outcome.reason)
                (done if put else left).append(message)
            else:
                left.append(message)
        if done:
            await self._delete(client, done)
        if left:
            # At once to another reader; a refused message reaches its last delivery, and SQS dead-letters it.
            await self._show_after(client, left, 0)

    async def _put_aside(self, client: Any, message: Message, reason: str) -> bool:  # noqa: ANN401
        """Whether it is where dead letters are."""
        log.error(
            "an event is put aside: %s", reason, extra={"error": "DeadLetter", "message_id": message["MessageId"]}
        )
        if self._may_put_aside:
            try:
                await client.send_message(
                    QueueUrl=self._dead_letters,
                    MessageBody=message["Body"],
                    MessageAttributes=_attributes(message, reason, self._queue),
                )
            except FAILED as error:
                if refused_access(error):
                    self._may_put_aside = False
                    log.info("this process may not write dead letters: the queue's own redrive puts them aside")
                else:
                    log.warning("a dead letter could not be put aside: %s", code_of(error))
                return False
            self._metrics.count(names.EVENTS_DEAD_LETTERED)
            return True
        if int(message.get("Attributes", {}).get(RECEIVES, 1)) >= MOST_RECEIVES:
            self._metrics.count(names.EVENTS_DEAD_LETTERED)
        return False

    async def _delete(self, client: Any, messages: Sequence[Message]) -> None:  # noqa: ANN401
        try:
            await client.delete_message_batch(QueueUrl=self._queue, Entries=_entries(messages))
        except FAILED as error:
            # They come again, and are known.
            log.info("messages were not deleted: %s", code_of(error))

    async def _show_after(self, client: Any, messages: Sequence[Message], seconds: int) -> None:  # noqa: ANN401
        try:
            await client.change_message_visibility_batch(
                QueueUrl=self._queue, Entries=_entries(messages, VisibilityTimeout=seconds)
            )
        except FAILED as error:
            log.info("messages' visibility was not changed: %s", code_of(error))


def _entries(messages: Sequence[Message], **more: int) -> list[Mapping[str, Any]]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], **more}
        for number, message in enumerate(messages)
    ]


def _attributes(message: Message, reason: str, queue: str) -> dict[str, Any]:
    """The message's own, the reason, and where it first came from. SQS takes ten."""
    known = {
        name: {key: value for key, value in attribute.items() if key in ("DataType", "StringValue", "BinaryValue")}
        for name, attribute in message.get("MessageAttributes", {}).items()
        if name not in (REASON, SOURCE)
    }
    source = message.get("MessageAttributes", {}).get(SOURCE, {}).get("StringValue", queue)
    return dict(list(known.items())[:8]) | {
        REASON: {"DataType": "String", "StringValue": _REFUSED.sub("?", reason[: limits.LONGEST_REASON]) or "unknown"},
        SOURCE: {"DataType": "String", "StringValue": source},
    }
