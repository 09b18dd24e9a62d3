"""Changes of aggregates: the row of their history (D2) and the messages that are published (A3, A4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from groundplan_chassis.http.errors import PayloadTooLarge
from groundplan_chassis.identifiers import derived_id, new_id, shard_of

SCHEMA_VERSION: Final = 1
LARGEST_MESSAGE: Final = 240_000
"""Bytes of an event as it is sent. SNS and SQS take 262,144 with the message's attributes
(https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html), Kafka 1,048,588 with headers
(`message.max.bytes`). The smaller one counts for both, so that a system may change its broker."""
_ESCAPED: Final = 2
"""Bytes in the envelope for one byte of a payload that is text: quotation marks and backslashes are escaped."""
_ENVELOPE_BYTES: Final = 16_384
"""Largest envelope without its payload."""


class ReadModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """The message for the projector (A4): it names a changed item and holds no content.

    The stream is kept by the broker for days, by the event log for years, and there nothing can be taken out again.
    So the projector reads the row itself (`groundplan_chassis.events.projector`).
    """

    stream: str
    """`<service_>.read_model`."""
    operation: Literal["create", "update", "delete"]
    document: bytes | None = None
    """Not sent. Services written for an earlier chassis set it."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one aggregate, to be recorded in the transaction that makes it."""

    event_type: str
    """`order.placed`; also where it is not published."""
    aggregate_type: str
    """The resource: `order`."""
    aggregate_id: UUID
    version: int
    """The aggregate's version that the change led to."""
    actor: str
    """Subject of the user or service that caused it."""
    correlation_id: str
    """The request that caused it, across services."""
    payload: Mapping[str, Any]
    """The aggregate's data, without personal fields: it is kept for years, and published unless ``sent_payload`` is."""
    topics: tuple[str, ...] = ()
    """Names of the events to publish; empty: the change is internal."""
    read_model: ReadModelChange | None = None
    schema_version: int = SCHEMA_VERSION
    """Of the payload that is published."""
    sent_payload: Mapping[str, Any] | None = None
    """What is published instead of ``payload``: an earlier version, while consumers are taught the newest (ADR 24)."""
    event_id: UUID = msgspec.field(default_factory=new_id)
    occurred_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class Message(msgspec.Struct, frozen=True):
    """A row of the outbox, not yet written."""

    event_id: UUID
    topic: str
    aggregate_id: UUID
    envelope: Mapping[str, Any]
    """The message: the columns of the event log (`groundplan_components.events.log_query`) and the payload's schema
    version."""


def messages(change: Change) -> Iterator[Message]:
    """The messages that the relay will send for a change, in this order.

    Each message has an id of its own. The first is the change's; the others are derived from it, so that a change that
    is recorded again (after a lost connection) is the same messages. Raises PayloadTooLarge for one that no broker
    would take: it would wait in the outbox for ever, and all later ones of its aggregate with it.
    """
    sent = change.payload if change.sent_payload is None else change.sent_payload
    for number, topic in enumerate(change.topics):
        event_id = change.event_id if number == 0 else derived_id(change.event_id, topic, shard_of(change.event_id))
        yield _message(change, event_id, topic, sent, change.schema_version)
    if change.read_model is not None:
        model = change.read_model
        payload = {"resource": change.aggregate_type, "operation": model.operation}
        event_id = derived_id(change.event_id, model.stream, shard_of(change.event_id))
        yield _message(change, event_id, model.stream, payload, SCHEMA_VERSION)


def _message(change: Change, event_id: UUID, topic: str, payload: Mapping[str, Any], schema_version: int) -> Message:
    encoded = msgspec.json.encode(payload)
    envelope = {
        "event_id": event_id,
        # What consumers go by, also where the history calls the change by another name.
        "event_type": topic,
        "aggregate_type": change.aggregate_type,
        "aggregate_id": change.aggregate_id,
        "version": change.version,
        "occurred_at": change.occurred_at,
        "actor": change.actor,
        "correlation_id": change.correlation_id,
        "schema_version": schema_version,
        # Text, as the event log's table has it.
        "payload": encoded.decode(),
    }
    # Counted exactly only where it may matter.
    if len(encoded) * _ESCAPED + _ENVELOPE_BYTES > LARGEST_MESSAGE:
        size = len(msgspec.json.encode(envelope))
        if size > LARGEST_MESSAGE:
            raise PayloadTooLarge(
                f"Others are told of this change in {size} bytes, of which {LARGEST_MESSAGE} can be sent"
            )
    return Message(event_id, topic, change.aggregate_id, envelope)
