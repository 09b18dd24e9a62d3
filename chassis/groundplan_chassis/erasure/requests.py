"""Erasure requests: rows that are written with what asks for the erasure, and closed when it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from groundplan_chassis.identifiers import new_id

if TYPE_CHECKING:
    from groundplan_chassis.database.database import Database
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.events.event import Event

LEASE: Final = timedelta(minutes=1)
"""Time for which one process has a request to itself; two at the same one do no harm."""
MOST_REQUESTS: Final = 100
"""Requests that are read at once."""

_REQUEST = """
    INSERT INTO erasures (id, subject, actor, correlation_id)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO NOTHING
"""
_CLAIM = """
    UPDATE erasures
    SET tried_at = now()
    WHERE id IN (
        SELECT id
        FROM erasures
        WHERE completed_at IS NULL AND (tried_at IS NULL OR tried_at < now() - $1::interval)
        ORDER BY requested_at
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, subject, actor, correlation_id, requested_at
"""
_COMPLETE = "UPDATE erasures SET completed_at = now() WHERE id = $1 AND completed_at IS NULL"
_OF_SUBJECT = """
    SELECT id, requested_at, completed_at
    FROM erasures
    WHERE subject = $1
    ORDER BY requested_at
"""


class ErasureRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request for one person."""

    id: UUID
    """An event's own id where one asked."""
    subject: str
    """The person, as tokens name them. A pseudonym: it stays as the record that they were erased."""
    actor: str
    """Subject of the user or service that asked."""
    correlation_id: str


class ErasureState(msgspec.Struct, frozen=True):
    """What became of a request."""

    id: UUID
    requested_at: datetime
    completed_at: datetime | None


async def request_erasure(
    transaction: Transaction, subject: str, *, actor: str, correlation_id: str, identifier: UUID | None = None
) -> UUID:
    """Asks for the erasure of a person, in the transaction that is the reason for it; returns the request's id.

    ``identifier``: the same for each repetition of the reason, such as an event's id. The work is done after the
    commit, by the processes that take writes.
    """
    request = identifier or new_id(transaction.shard)
    await transaction.execute(_REQUEST, request, subject, actor, correlation_id)
    return request


async def request_for_event(transaction: Transaction, subject: str, event: Event) -> None:
    """Asks for the erasure of a person because of an event; once, however often it is delivered."""
    await request_erasure(
        transaction,
        subject,
        actor=event.actor or "",
        correlation_id=event.correlation_id or "",
        identifier=event.event_id,
    )


async def claim(transaction: Transaction) -> list[ErasureRequest]:
    """Open requests of this shard that no other process is at."""
    rows = await transaction.fetch(_CLAIM, LEASE, MOST_REQUESTS)
    return [
        ErasureRequest(id=row["id"], subject=row["subject"], actor=row["actor"], correlation_id=row["correlation_id"])
        for row in sorted(rows, key=lambda row: row["requested_at"])
    ]


async def complete(transaction: Transaction, request: UUID) -> None:
    """Closes a request; does nothing to one that is closed."""
    await transaction.execute(_COMPLETE, request)


async def requests_for(database: Database, subject: str) -> list[ErasureState]:
    """Every request for the person, on all shards. Raises Unavailable."""
    shards = await database.each_shard(_OF_SUBJECT, subject, fresh=True)
    found = [ErasureState(row["id"], row["requested_at"], row["completed_at"]) for rows in shards for row in rows]
    return sorted(found, key=lambda state: state.requested_at)
