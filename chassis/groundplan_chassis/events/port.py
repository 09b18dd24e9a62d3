"""The port to the broker: Kafka, or SNS and SQS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way to the broker."""

    event_id: UUID
    event: str
    """The event's name, for which the settings have a topic: `order.placed`."""
    key: UUID
    """Its aggregate; messages of one topic and key are in order."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of a batch. Events in none of its fields have not been tried yet, without an error."""

    acknowledged: frozenset[UUID]
    """Events that the broker has acknowledged."""
    failed: Mapping[UUID, str] = field(default_factory=dict)
    """Events that must be sent again, with the reason."""
    unsendable: Mapping[UUID, str] = field(default_factory=dict)
    """Events that can never be sent, with the reason."""


class Publisher(Protocol):
    """Sends events. Connects at first use, and again when necessary."""

    async def send(self, batch: Sequence[Outgoing]) -> Sent:
        """Sends the batch; an event whose elder of the same topic and key was not acknowledged is not sent.

        Raises BrokerAway when nothing could be.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the broker gave it."""

    body: bytes
    event: str | None
    """By its source, for example `order.placed`; None where only the message itself can tell."""
    stream: str
    """Topic or queue."""
    partition: int
    position: int | None
    """In the partition; None where messages have no order."""


class Verdict(Enum):
    """The outcome of a delivery."""

    HANDLED = "handled"
    """It is done: acknowledge it."""
    LEFT = "left"
    """It was not handled, for no fault of the event: it must be delivered again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The delivery must become a dead letter."""

    reason: str


Outcome = Verdict | Refusal


class Processor(Protocol):
    """Handles deliveries: a consumer or a projector."""

    async def process(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> Sequence[Outcome]:
        """The outcome of each delivery, in their order. Once ``stop`` is set it ends soon, and leaves the rest.

        Raises nothing but what is a mistake in the program.
        """
        ...


class Subscription(Protocol):
    """A reader's subscription at the broker."""

    async def run(self, processor: Processor, stop: asyncio.Event) -> None:
        """Receives and has processed, acknowledges, and puts refusals aside, until ``stop`` is set.

        An absent broker is waited for. Each message is delivered at least once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Redriven:
    """The outcome of a re-drive."""

    handled: int
    refused: int
    left: int


class DeadLetters(Protocol):
    """The dead letters of a reader."""

    async def redrive(self, processor: Processor, stop: asyncio.Event) -> Redriven:
        """Has everything processed that is there now. What is refused again stays a dead letter.

        Raises BrokerAway, or ProblemsFound where this process may not read them.
        """
        ...
