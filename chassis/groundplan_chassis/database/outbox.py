"""The relay's view of the outbox: unsent messages, their order, and marks of sent ones (A3).

The statements keep the order of each aggregate's messages, however many relays there are. Messages of one aggregate are
written under its row's lock, so their positions rise with its versions; those of different aggregates may be committed
in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from groundplan_chassis.database.transaction import Transaction

if TYPE_CHECKING:
    from groundplan_chassis.database.database import Database


class OutboxRow(msgspec.Struct, frozen=True):
    """A message that is committed and not sent."""

    event_id: UUID
    position: int
    topic: str
    """The event's name, not yet the broker's topic."""
    aggregate_id: UUID
    payload: Mapping[str, Any]
    """The envelope."""


# A row that another relay holds is passed over, and so is every later one of its aggregate: the first condition of the
# outer statement finds rows that are before it, unsent, and not among those that this claim has locked.
_CLAIM = """
    WITH held AS MATERIALIZED (
        SELECT event_id, position, topic, aggregate_id, payload
        FROM outbox
        WHERE sent_at IS NULL
        ORDER BY position
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    )
    SELECT event_id, position, topic, aggregate_id, payload
    FROM held
    WHERE NOT EXISTS (
        SELECT
        FROM outbox AS earlier
        WHERE earlier.aggregate_id = held.aggregate_id
            AND earlier.position < held.position
            AND earlier.sent_at IS NULL
            AND NOT EXISTS (SELECT FROM held AS own WHERE own.event_id = earlier.event_id)
    )
    ORDER BY position
"""

_MARK = """
    UPDATE outbox
    SET sent_at = now()
    WHERE event_id = ANY($1::uuid[])
"""

# Of the oldest ones, those that were sent long enough ago. Asked for directly, the last ones of them would be looked
# for among all that were sent since, a day's messages.
_PRUNE = """
    DELETE FROM outbox
    WHERE sent_at < now() - $1::interval
        AND event_id IN (
            SELECT event_id
            FROM outbox
            WHERE sent_at IS NOT NULL
            ORDER BY position
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
"""

_OLDEST_AGE = """
    SELECT coalesce(extract(epoch FROM now() - created_at), 0)::float8
    FROM outbox
    WHERE sent_at IS NULL
    ORDER BY position
    LIMIT 1
"""


async def claim(transaction: Transaction, limit: int) -> list[OutboxRow]:
    """Unsent messages, ``limit`` at most, which no other relay gets before the transaction ends.

    In order; all earlier messages of their aggregates are among them, or have been sent.
    """
    rows = await transaction.fetch(_CLAIM, limit)
    return [
        OutboxRow(row["event_id"], row["position"], row["topic"], row["aggregate_id"], row["payload"]) for row in rows
    ]


async def mark_sent(transaction: Transaction, event_ids: Sequence[UUID]) -> None:
    await transaction.execute(_MARK, list(event_ids))


async def prune(transaction: Transaction, older_than: timedelta, limit: int) -> int:
    """Deletes messages that were sent before this time, ``limit`` at most; returns how many."""
    return _affected(await transaction.execute(_PRUNE, older_than, limit))


async def oldest_age(database: Database, shard: int) -> float:
    """Seconds since the oldest unsent message was written; 0 when there is none. Raises Unavailable."""
    return float(await database.fetchval(_OLDEST_AGE, shard=shard, fresh=True) or 0.0)


def _affected(word: str) -> int:
    """`DELETE 12` is 12."""
    return int(word.rpartition(" ")[2])
