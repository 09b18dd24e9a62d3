"""Re-drive of a dead-letter queue: handled messages are deleted, the others stay."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.port import Processor, Redriven, Refusal, Verdict
from groundplan_chassis.events.queues.clients import FAILED, Clients, away, code_of, refused_access
from groundplan_chassis.events.queues.message import delivery_of
from groundplan_chassis.events.queues.subscription import MOST_MESSAGES
from groundplan_chassis.problems import Problem, ProblemsFound
from groundplan_chassis.settings import QueueSettings

HIDDEN_SECONDS: Final = 300
"""Visibility time-out of a dead letter, so that one pass meets each of them once."""

log = logging.getLogger(__name__)


class DeadLetterQueue:
    """What the reader's dead-letter queue holds."""

    def __init__(self, settings: QueueSettings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients

    async def redrive(self, processor: Processor, stop: asyncio.Event) -> Redriven:
        """See `port.DeadLetters`."""
        queue = self._settings.dead_letters
        seen: set[str] = set()
        shown_again: list[str] = []
        handled = refused = left = 0
        try:
            client = await self._clients.get("sqs")
            while not stop.is_set():
                messages = await self._receive(client, queue)
                fresh = [each for each in messages if each["MessageId"] not in seen]
                if not fresh:
                    break
                seen |= {each["MessageId"] for each in fresh}
                outcomes = await processor.process([delivery_of(each, queue) for each in fresh], stop)
                for message, outcome in zip(fresh, outcomes, strict=True):
                    if outcome is Verdict.HANDLED:
                        await client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                        handled += 1
                        continue
                    shown_again.append(message["ReceiptHandle"])
                    if isinstance(outcome, Refusal):
                        refused += 1
                        log.error("a dead letter is refused again: %s", outcome.reason, extra={"error": "DeadLetter"})
                    else:
                        left += 1
            for handle in shown_again:
                await client.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
        except FAILED as error:
            raise _unable(error, queue) from error
        return Redriven(handled, refused, left)

    async def _receive(self, client: Any, queue: str) -> list[dict[str, Any]]:  # noqa: ANN401
        answer = await client.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=MOST_MESSAGES,
            # Long enough for SQS to ask all its servers.
            WaitTimeSeconds=1,
            VisibilityTimeout=HIDDEN_SECONDS,
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages


def _unable(error: BaseException, queue: str) -> BrokerAway | ProblemsFound:
    if not refused_access(error):
        return away(error)
    return ProblemsFound(
        "redrive",
        [
            Problem(
                queue,
                code_of(error),
                "a role that may receive, delete and show again the messages of its dead-letter queue",
                "grant it in groundplan_components.events.queues, or use SQS's own redrive (StartMessageMoveTask)",
            )
        ],
    )
