"""The handler of another service's event that a person is erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundplan_chassis.erasure.requests import request_for_event
from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.schema import AnyPayload

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ErasureHandler(Handler):
    """Erases here who is erased in another service."""

    owner: str = ""
    """The payload's field with the person's subject."""


def erasure_handler(owner: str) -> ErasureHandler:
    """The handler of such an event. ``owner``: the payload's field with the person's subject.

    The field has one name in every version of the payload, so no version keeps an erasure from being done.
    """

    async def handle(transaction: Transaction, event: Event, context: Context) -> None:
        del context
        subject = subject_of(event, owner)
        if subject is not None:
            await request_for_event(transaction, subject, event)

    return ErasureHandler(handle, schema=AnyPayload(), owner=owner)


def subject_of(event: Event, owner: str) -> str | None:
    """Whom the event says is erased; None for a person without a subject, who has rows nowhere. Raises Unreadable."""
    subject = event.data().get(owner)
    if subject is None or (isinstance(subject, str) and subject):
        return subject
    raise Unreadable(f"payload of {event.event_type}: expected `{owner}` to be the subject of a token")
