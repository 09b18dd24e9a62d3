"""The envelope of an event, as it is on topics, in queues and, one a line, in the event log.

Its fields are the columns of `groundplan_components.events.log_query`, and the version of the payload's schema.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.limits import LARGEST_RECEIVED

T = TypeVar("T")

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=1024)]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. Unknown fields of a newer sender are ignored."""

    event_id: UUID
    """Equal for each delivery of the event."""
    event_type: Name
    """`order.placed`."""
    aggregate_type: Name
    """`order`."""
    aggregate_id: UUID
    """The aggregate's id; events of one aggregate are in order."""
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    """The aggregate's version that the event led to."""
    occurred_at: Annotated[datetime, Meta(tz=True)]
    actor: Text | None = None
    """Subject of the user or service that caused it."""
    correlation_id: Text | None = None
    """The request that caused it, across services."""
    payload: str
    """The event's own data: a JSON object as text."""
    schema_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1
    """Of the payload."""

    def data(self) -> dict[str, Any]:
        """The payload. Raises Unreadable."""
        return self.payload_as(dict[str, Any])

    def payload_as(self, kind: type[T]) -> T:
        """The payload as a Struct of the reader's own; raises Unreadable where it isn't one."""
        try:
            return msgspec.json.decode(self.payload, type=kind)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Unreadable(f"payload of {self.event_type}: {_said(error)}") from None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The message: a JSON object in UTF-8, without line feeds."""
    return _encoder.encode(event)


def decode(body: bytes) -> Event:
    """The event from `encode`'s output, of this or another version; raises Unreadable for anything else."""
    if len(body) > LARGEST_RECEIVED:
        raise Unreadable(f"{len(body)} bytes are more than {LARGEST_RECEIVED}")
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"no event: {_said(error)}") from None


def _said(error: Exception) -> str:
    """msgspec's message names the expected type and the place, and no value."""
    return str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
