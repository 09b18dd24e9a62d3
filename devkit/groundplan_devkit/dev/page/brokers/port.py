"""What the page asks a broker, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from groundplan_devkit import names
from groundplan_devkit.provision import Installation

MOST_LETTERS = 50
"""Dead letters that are shown of one reader: the newest."""
LONGEST_BODY = 20_000
"""Characters of a dead letter that are shown."""
SECONDS = 10.0
"""How long a broker may take to answer."""


@dataclass(frozen=True)
class Reader:
    name: str
    """`payment`, or `order-projector`."""
    service: str
    role: str
    waiting: int | None
    """Events that it has not read yet; None where the broker does not say."""
    dead_letters: int
    """That wait to be handled again."""


@dataclass(frozen=True)
class Topic:
    event: str
    publisher: str
    messages: int | None
    """That it holds; None where the broker keeps none."""
    readers: Sequence[str]


@dataclass(frozen=True)
class Letter:
    event: str
    reason: str
    failed_at: str
    """As the consumer wrote it; empty where it wrote none."""
    origin: str
    """Topic, partition and offset, or the queue."""
    body: str


class Broker(Protocol):
    async def state(self) -> tuple[list[Topic], list[Reader]]:
        """All topics and readers. Raises Unavailable when the broker does not answer; so does `letters`."""

    async def letters(self, reader: str) -> list[Letter]:
        """Dead letters that wait, the newest first; they stay where they are."""


def readers_of(installation: Installation) -> dict[str, tuple[str, str]]:
    """By reader its service and role, in the order of the declaration."""
    planned = installation.plan.events
    if planned is None:
        return {}
    consuming = {consumer for topic in planned.topics for consumer in topic.consumers}
    projecting = {service for topic in planned.topics for service in topic.projectors}
    found: dict[str, tuple[str, str]] = {}
    for service in installation.system.services:
        if service in consuming:
            found[service] = service, "consumer"
        if service in projecting:
            found[names.projector(service)] = service, "projector"
    return found


def topics_of(installation: Installation, held: Callable[[str], int | None]) -> list[Topic]:
    """All topics with their readers; ``held``: how many messages that of an event holds."""
    planned = installation.plan.events
    assert planned is not None
    events = {reader: followed(installation, reader) for reader in readers_of(installation)}
    return [
        Topic(
            event=topic.event,
            publisher=topic.publisher,
            messages=held(topic.event),
            readers=[reader for reader, its in events.items() if topic.event in its],
        )
        for topic in planned.topics
    ]


def shown(body: bytes) -> str:
    """As much of a dead letter's body as is shown."""
    return body.decode(errors="replace")[:LONGEST_BODY]


def followed(installation: Installation, reader: str) -> list[str]:
    """The events that a reader follows."""
    planned = installation.plan.events
    assert planned is not None
    service, role = readers_of(installation)[reader]
    return [
        topic.event
        for topic in planned.topics
        if service in (topic.consumers if role == "consumer" else topic.projectors)
    ]
