"""The handler of another service's event that a person is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundplan_chassis.erasure.requests import request_erasure
from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handler

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction


def erasure_handler(owner: str) -> Handler:
    """Erases here who is erased there. ``owner``: the payload's field with the person's subject."""

    async def handle(transaction: Transaction, event: Event, context: Context) -> None:
        del context
        subject = event.data().get(owner)
        if subject is None:
            # A person without a subject has no rows here.
            return
        if not isinstance(subject, str) or not subject:
            raise Unreadable(f"payload of {event.event_type}: expected `{owner}` to be the subject of a token")
        await request_erasure(
            transaction,
            subject,
            actor=event.actor or "",
            correlation_id=event.correlation_id or "",
            identifier=event.event_id,
        )

    return Handler(handle)
