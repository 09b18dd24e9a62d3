"""What the rest of the chassis asks of a broker, whichever it is."""

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
    """What the settings have a topic for: `order.placed`."""
    key: UUID
    """Its aggregate; messages of one topic and key are in order."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch. What is named nowhere has not been tried yet, and nothing is wrong with it."""

    acknowledged: frozenset[UUID]
    """Events that the broker has, on as many machines as it promises."""
    failed: Mapping[UUID, str] = field(default_factory=dict)
    """Events that are to be sent again, and why they were not."""
    unsendable: Mapping[UUID, str] = field(default_factory=dict)
    """Events that no trying again can send, and why."""


class Publisher(Protocol):
    """Sends events. Connects when it is first used, and again whenever it must."""

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
    """What became of a delivery."""

    HANDLED = "handled"
    """It may be forgotten."""
    LEFT = "left"
    """It was not handled, for no fault of the event: it must be delivered again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The delivery is to be put aside for a person."""

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
    """A reader's place at the broker."""

    async def run(self, processor: Processor, stop: asyncio.Event) -> None:
        """Receives and has processed, acknowledges, and puts refusals aside, until ``stop`` is set.

        An absent broker is waited for. Each message is delivered at least once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of dead letters that were handled again."""

    handled: int
    refused: int
    left: int


class DeadLetters(Protocol):
    """What a reader has put aside."""

    async def redrive(self, processor: Processor, stop: asyncio.Event) -> Redriven:
        """Has everything processed that is there now. What is refused again stays a dead letter.

        Raises BrokerAway, or ProblemsFound where this process may not read them.
        """
        ...
