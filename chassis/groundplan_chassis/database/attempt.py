"""One attempt of a transaction, and the outcome of one whose connection was lost during its commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Literal, TypeVar

import asyncpg

from groundplan_chassis.database import limits
from groundplan_chassis.database.failures import Away, OutcomeUnknown, describe
from groundplan_chassis.database.place import Place, Pooled, is_gone
from groundplan_chassis.database.transaction import Transaction, Witness
from groundplan_chassis.http.errors import Unavailable

T = TypeVar("T")
Block = asyncpg.transaction.Transaction
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

OUTCOME_PAUSE_SECONDS: Final = 0.1

log = logging.getLogger(__name__)


class Attempt(Generic[T]):
    """A transaction on a connection of its own."""

    result: T
    """The result of the work."""

    def __init__(self, primary: Place, shard: int, isolation: Isolation) -> None:
        self.committing = False
        """COMMIT was sent and has no answer yet."""
        self.witness: Witness | None = None
        self._primary = primary
        self._shard = shard
        self._isolation = isolation

    async def run(self, work: Callable[[Transaction], Awaitable[T]], within: float) -> T:
        """``within``: seconds for a connection. Raises Away when the connection was lost (before or during the commit,
        see ``committing``), and what the work raises; then everything is undone."""
        connection = await self._primary.acquire(within)
        try:
            block = connection.transaction(isolation=self._isolation)
            await self._primary.run(connection, "BEGIN", block.start())
            transaction = Transaction(self._primary, connection, self._shard)
            try:
                self.result = await work(transaction)
                if transaction.broken:
                    raise RuntimeError("the work went on after a statement that failed; use `savepoint` around such")
            except BaseException:
                await self._undo(connection, block)
                raise
            self.witness = transaction.witness
            await self._commit(connection, block)
            return self.result
        except asyncpg.InterfaceError as error:
            # It was lost between two statements: the next one was not even sent.
            if is_gone(connection):
                raise Away(self._primary.name, describe(error)) from error
            raise
        finally:
            await self._primary.release(connection)

    async def _commit(self, connection: Pooled, block: Block) -> None:
        self.committing = True
        try:
            await self._primary.run(connection, "COMMIT", block.commit())
        except Unavailable as error:
            raise Away(self._primary.name, "no answer to COMMIT") from error
        except asyncpg.PostgresError:
            # PostgreSQL's answer: it has rolled back.
            self.committing = False
            raise
        self.committing = False

    async def _undo(self, connection: Pooled, block: Block) -> None:
        if is_gone(connection):
            return
        try:
            await self._primary.run(connection, "ROLLBACK", block.rollback())
        except (Away, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Without a connection there is no transaction; and one that is left open isn't taken back by the pool.
            log.info("a transaction was undone by its connection's end: %s", describe(error))


async def took_place(primary: Place, witness: Witness | None, away: Away) -> bool:
    """Whether a transaction was committed whose connection was lost meanwhile.

    Its number may belong to none or to another one after a crash, when PostgreSQL had not yet written anything of it to
    disk. So the number only tells how long to wait for a server that has not noticed the loss; the witness decides.
    Raises OutcomeUnknown without a witness, or when the primary does not answer within `limits.OUTCOME_SECONDS`.
    """
    if witness is None:
        raise OutcomeUnknown from away
    reason = "the transaction still runs"
    try:
        async with asyncio.timeout(limits.OUTCOME_SECONDS):
            while True:
                try:
                    if not await _runs(primary, witness.transaction):
                        found = bool(await _value(primary, witness.statement, witness.key))
                        told = "took place" if found else "did not take place"
                        log.info("a commit whose connection was lost %s", told)
                        return found
                except (Away, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    # A failure of this query, a time-out of a busy server too, says nothing about the commit.
                    reason = describe(error)
                await asyncio.sleep(OUTCOME_PAUSE_SECONDS)
    except TimeoutError:
        log.warning("the outcome of a commit could not be seen in %.0f s: %s", limits.OUTCOME_SECONDS, reason)
        raise OutcomeUnknown from away


async def _runs(primary: Place, transaction: int) -> bool:
    try:
        status = await _value(primary, "SELECT pg_xact_status($1::text::xid8)", str(transaction))
    except asyncpg.InvalidParameterValueError:
        # It is in the future: the crash took the number back.
        return False
    return bool(status == "in progress")


async def _value(primary: Place, statement: str, argument: object) -> object:
    return await primary.ask(statement, lambda connection: connection.fetchval(statement, argument))
