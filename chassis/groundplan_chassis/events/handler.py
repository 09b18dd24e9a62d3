"""Handlers of other services' events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from groundplan_chassis.events.event import Event
from groundplan_chassis.events.schema import PayloadSchema

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that a handler has changed: caches with event invalidation drop it after the commit (C3)."""

    resource: str
    id: UUID
    version: int


Handle = Callable[["Transaction", Event, "Context"], Awaitable[Iterable[Changed] | None]]
"""Does what the event asks for, in the transaction that also notes that it was done.

It may be called again after a failure, when all that it wrote has been undone; so it does nothing but write, or what it
does outside is idempotent by an id that it derives from the event's (`groundplan_chassis.identifiers.derived_id`).
Raises Refused for what can never be handled, Postponed while something that it needs is away; anything else is tried
again a few times.

Over SQS events arrive in no order: a handler for which it matters compares ``event.version``.
"""


def aggregate(event: Event) -> str:
    """Effects of one aggregate's events lie together."""
    return str(event.aggregate_id)


@dataclass(frozen=True, slots=True)
class Handler:
    """The handler of one kind of event."""

    handle: Handle
    shard: Callable[[Event], UUID | str] = aggregate
    """Where the effect is: the id of a row that is there, or, of what is new, a key that is the same for each delivery
    of the event. It may read the payload."""
    schema: PayloadSchema = field(default_factory=PayloadSchema)
    reads: type[Struct] | None = None
    """What it reads of the payload: the project's tests hold it to what the publisher declares."""

    @classmethod
    def of(cls, declared: Handler | Handle) -> Handler:
        """Accepts a bare function as a handler."""
        return declared if isinstance(declared, Handler) else cls(declared)
