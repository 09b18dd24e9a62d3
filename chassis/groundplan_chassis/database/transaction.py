"""One transaction on one shard: its statements, and the record of its changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from groundplan_chassis.database.changes import Change, messages
from groundplan_chassis.database.names import joined, quoted
from groundplan_chassis.database.place import Place, Pooled, is_gone

T = TypeVar("T")
Record = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Witness:
    """A row that exists if, and only if, the transaction was committed."""

    statement: str
    """Finds it by its one parameter."""
    key: UUID
    transaction: int
    """PostgreSQL's own number of the transaction."""


class Transaction:
    """The transaction that `Database.write` gives to its work. Not for use by several tasks at once, nor after the work
    is done.

    Errors are asyncpg's, except for a lost connection (`failures.Away`) and a silent server (Unavailable). An error
    that the work catches leaves the transaction of no use, unless it came out of a `savepoint`.
    """

    def __init__(self, place: Place, connection: Pooled, shard: int) -> None:
        self.shard = shard
        self.witness: Witness | None = None
        """Set by `record` and by the inbox."""
        self.broken = False
        """A statement has failed: PostgreSQL would answer COMMIT with a rollback, and call it a success."""
        self._place = place
        self._connection = connection

    async def fetch(self, statement: str, *arguments: object) -> list[Record]:
        return await self._run(statement, self._connection.fetch(statement, *arguments))

    async def fetchrow(self, statement: str, *arguments: object) -> Record | None:
        return await self._run(statement, self._connection.fetchrow(statement, *arguments))

    async def fetchval(self, statement: str, *arguments: object) -> Any:  # noqa: ANN401 - a column of any type
        """The first column of the first row, None where there is none."""
        return await self._run(statement, self._connection.fetchval(statement, *arguments))

    async def execute(self, statement: str, *arguments: object) -> str:
        """Returns PostgreSQL's command tag: `UPDATE 1`."""
        return await self._run(statement, self._connection.execute(statement, *arguments))

    async def executemany(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """The statement for each row of arguments, in one go."""
        await self._run(statement, self._connection.executemany(statement, rows))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A failure inside undoes the block only; the transaction goes on."""
        broken = self.broken
        block = self._connection.transaction()
        await self._run("SAVEPOINT", block.start())
        try:
            yield
        except BaseException:
            if not is_gone(self._connection):
                await self._run("ROLLBACK TO SAVEPOINT", block.rollback())
                self.broken = broken
            raise
        await self._run("RELEASE SAVEPOINT", block.commit())

    async def serialise(self, key: UUID) -> None:
        """Waits until no other transaction works on the key, and has others wait until this one ends: also for a row
        that is not there yet, which nothing else could lock."""
        await self.execute("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", str(key))

    async def record(self, change: Change) -> None:
        """Writes the change into its aggregate's history, and its messages into the outbox.

        Call it after the aggregate's row has been written: its lock is what puts the changes of one aggregate, and
        their messages, into the order of their versions.
        """
        history = quoted(joined(change.aggregate_type, "events"))
        columns = "event_id, aggregate_id, event_type, payload, occurred_at, version, actor, correlation_id"
        insert = f"INSERT INTO {history} ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608 - quoted
        arguments: list[object] = [
            change.event_id,
            change.aggregate_id,
            change.event_type,
            change.payload,
            change.occurred_at,
            change.version,
            change.actor,
            change.correlation_id,
        ]
        told = list(messages(change))
        if told:
            insert = f"WITH history AS ({insert})\n{_OUTBOX}"
            arguments += [
                [each.event_id for each in told],
                [each.topic for each in told],
                [each.envelope for each in told],
            ]
        number = await self.fetchval(f"{insert}\nRETURNING pg_current_xact_id()::text", *arguments)
        self.witness = Witness(
            f"SELECT EXISTS (SELECT FROM {history} WHERE event_id = $1)",  # noqa: S608 - quoted
            change.event_id,
            int(number),
        )

    async def _run(self, statement: str, running: Awaitable[T]) -> T:
        try:
            return await self._place.run(self._connection, statement, running)
        except BaseException:
            self.broken = True
            raise


# In the order of the arrays: positions are given out in it.
_OUTBOX = """INSERT INTO outbox (event_id, topic, aggregate_id, payload)
SELECT message.event_id, message.topic, $2, message.envelope
FROM unnest($9::uuid[], $10::text[], $11::jsonb[]) WITH ORDINALITY AS message (event_id, topic, envelope, number)
ORDER BY message.number"""
