"""Splits a batch so that each aggregate's events stay in order, also when some of them fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from groundplan_chassis.events import limits
from groundplan_chassis.events.port import Outgoing, Sent


@dataclass(frozen=True, slots=True)
class WaveSent:
    """The outcome of one part of a batch; events in neither field were not tried, for lack of time."""

    acknowledged: set[UUID] = field(default_factory=set)
    failed: dict[UUID, str] = field(default_factory=dict)
    """And why."""


Send = Callable[[Sequence[Outgoing], float], Awaitable[WaveSent]]
"""Sends messages of which no two share topic and key. What has not begun by the given time is left."""


async def send_in_waves(batch: Sequence[Outgoing], topics: Mapping[str, str], send: Send) -> Sent:
    """Sends what can be sent; what follows a message that failed, or never can be sent, waits with it.

    Nothing is begun once SEND_SECONDS have passed: with a slow broker a part of the batch is better than nothing.
    """
    deadline = asyncio.get_running_loop().time() + limits.SEND_SECONDS
    acknowledged: set[UUID] = set()
    failed: dict[UUID, str] = {}
    unsendable: dict[UUID, str] = {}
    stuck: set[tuple[str, UUID]] = set()
    for wave in _waves(batch):
        ready = []
        for message in wave:
            reason = _unsendable(message, topics)
            line = (message.event, message.key)
            if line in stuck:
                unsendable[message.event_id] = "an earlier event of its aggregate can't be sent"
            elif reason is not None:
                unsendable[message.event_id] = reason
                stuck.add(line)
            else:
                ready.append(message)
        if not ready:
            continue
        sent = await send(ready, deadline)
        failed |= sent.failed
        acknowledged |= sent.acknowledged
        if len(sent.acknowledged) < len(ready) or asyncio.get_running_loop().time() > deadline:
            break
    return Sent(frozenset(acknowledged), failed, unsendable)


def _unsendable(message: Outgoing, topics: Mapping[str, str]) -> str | None:
    if message.event not in topics:
        return f"{message.event} has no topic in EVENT_TOPICS: declare it under `publishes` in system.yaml, and deploy"
    if len(message.body) > limits.LARGEST_MESSAGE:
        return f"{len(message.body)} bytes are more than the {limits.LARGEST_MESSAGE} that brokers take"
    return None


def _waves(batch: Sequence[Outgoing]) -> list[list[Outgoing]]:
    """Parts in which no two messages share topic and key. The first has the eldest message of each."""
    parts: list[list[Outgoing]] = []
    depth: dict[tuple[str, UUID], int] = {}
    for message in batch:
        line = (message.event, message.key)
        number = depth.get(line, 0)
        depth[line] = number + 1
        if number == len(parts):
            parts.append([])
        parts[number].append(message)
    return parts
