"""The inbox: each event takes effect once, for any number of deliveries (A3)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from groundplan_chassis.database.transaction import Transaction, Witness

_MARK = """
    INSERT INTO inbox (event_id, topic)
    VALUES ($1, $2)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING pg_current_xact_id()::text
"""
_FOUND = "SELECT EXISTS (SELECT FROM inbox WHERE event_id = $1)"

_PRUNE = """
    DELETE FROM inbox
    WHERE event_id IN (
        SELECT event_id
        FROM inbox
        WHERE handled_at < now() - $1::interval
        ORDER BY handled_at
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
"""


async def first_time(transaction: Transaction, event_id: UUID, topic: str) -> bool:
    """Marks the event as handled by this transaction; False: another one has handled it. A concurrent transaction on
    the same event is waited for.

    While another transaction is at it, this one waits for its end.
    """
    number = await transaction.fetchval(_MARK, event_id, topic)
    if number is None:
        return False
    transaction.witness = Witness(_FOUND, event_id, int(number))
    return True


async def prune(transaction: Transaction, older_than: timedelta, limit: int) -> int:
    """Deletes marks of events that were handled before this time, ``limit`` at most; returns how many."""
    return int((await transaction.execute(_PRUNE, older_than, limit)).rpartition(" ")[2])
