"""What one transaction holds together, and what is done again when PostgreSQL has undone it."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

import asyncpg
import pytest

from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase
from chassis.tests.database.library import ADDED, BookBody, add
from groundplan_chassis.database import limits
from groundplan_chassis.database.changes import Change
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.failures import REPEATABLE
from groundplan_chassis.database.retries import MOST_CONFLICTS
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.documents import Document
from groundplan_chassis.http.errors import PayloadTooLarge, Unavailable
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.statements import StatementLog

BOOK = BookBody(reader="r-1", pages=7)
PAGES = "UPDATE books SET pages = pages + $2 WHERE id = $1"
TABLES = ("books", "book_events", "outbox")


async def added(db: Database) -> UUID:
    document = await db.write(lambda transaction: add(transaction, BOOK), shard=0)
    return document.id


async def counts(target: TemporaryDatabase) -> list[int]:
    return [(await target.values(f"SELECT count(*) FROM {table}"))[0] for table in TABLES]  # noqa: S608 - of this file


async def test_a_row_its_history_and_its_event_are_one_transaction(target: TemporaryDatabase, db: Database) -> None:
    async def work(transaction: Transaction) -> set[str]:
        document = await add(transaction, BOOK)
        # `xmin` is the transaction that wrote a row.
        return {
            str(await transaction.fetchval("SELECT xmin::text FROM books WHERE id = $1", document.id)),
            str(await transaction.fetchval("SELECT xmin::text FROM book_events WHERE aggregate_id = $1", document.id)),
            str(await transaction.fetchval("SELECT xmin::text FROM outbox WHERE aggregate_id = $1", document.id)),
        }

    assert len(await db.write(work, shard=0)) == 1
    assert await counts(target) == [1, 1, 1]
    assert await target.values("SELECT event_type FROM book_events") == [ADDED]
    assert await target.values("SELECT topic FROM outbox WHERE sent_at IS NULL") == [ADDED]


async def test_what_is_undone_leaves_nothing(target: TemporaryDatabase, db: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await add(transaction, BOOK)
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(work, shard=0)
    assert await counts(target) == [0, 0, 0]


async def test_what_is_ambiguous_is_not_done(target: TemporaryDatabase, db: Database) -> None:
    async def work(transaction: Transaction) -> None:
        document = await add(transaction, BOOK)
        await transaction.record(
            Change(
                event_type="book.changed",
                aggregate_type="book",
                aggregate_id=document.id,
                version=2,
                actor="r-1",
                correlation_id="request-1",
                payload={"text": "x" * 300_000},
                topics=(ADDED,),
            )
        )

    with pytest.raises(PayloadTooLarge):
        await db.write(work, shard=0)
    assert await counts(target) == [0, 0, 0]


async def test_a_savepoint_undoes_its_own_part(target: TemporaryDatabase, db: Database) -> None:
    async def work(transaction: Transaction) -> Document:
        with pytest.raises(asyncpg.CheckViolationError):
            async with transaction.savepoint():
                await transaction.execute("INSERT INTO books (reader, status, pages) VALUES ('r', 'lost', 0)")
        return await add(transaction, BOOK)

    await db.write(work, shard=0)
    assert await counts(target) == [1, 1, 1]


async def test_going_on_after_a_failure_is_an_error_that_is_reported(target: TemporaryDatabase, db: Database) -> None:
    """PostgreSQL would answer the COMMIT with a rollback, and call it a success."""

    async def work(transaction: Transaction) -> None:
        await add(transaction, BOOK)
        with pytest.raises(asyncpg.CheckViolationError):
            await transaction.execute("UPDATE books SET pages = 0")

    with pytest.raises(RuntimeError, match="savepoint"):
        await db.write(work, shard=0)
    assert await counts(target) == [0, 0, 0]


async def test_of_two_transactions_that_wait_for_each_other_one_is_done_again(
    target: TemporaryDatabase, db: Database
) -> None:
    one, other = await added(db), await added(db)
    tries: list[int] = []
    locked = {1: asyncio.Event(), 2: asyncio.Event()}

    async def crossing(number: int, first: UUID, second: UUID) -> None:
        async def work(transaction: Transaction) -> None:
            tries.append(number)
            await transaction.execute(PAGES, first, 1)
            locked[number].set()
            await locked[3 - number].wait()
            await transaction.execute(PAGES, second, 1)

        await db.write(work, shard=0)

    await asyncio.gather(crossing(1, one, other), crossing(2, other, one))
    assert sorted(tries) in ([1, 1, 2], [1, 2, 2])
    assert await target.values("SELECT pages FROM books") == [9, 9]


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_of_two_transactions_that_contradict_each_other_one_is_done_again(
    target: TemporaryDatabase, db: Database, isolation: str
) -> None:
    """Both have read the same value; none of the two additions may get lost."""
    identifier = await added(db)
    tries: list[int] = []
    both = asyncio.Event()

    async def adding(amount: int) -> None:
        async def work(transaction: Transaction) -> None:
            pages = await transaction.fetchval("SELECT pages FROM books WHERE id = $1", identifier)
            tries.append(amount)
            if len(tries) == 2:
                both.set()
            await both.wait()
            await transaction.execute("UPDATE books SET pages = $2 WHERE id = $1", identifier, pages + amount)

        await db.write(work, shard=0, isolation=isolation)  # type: ignore[arg-type]

    await asyncio.gather(adding(10), adding(100))
    assert len(tries) == 3
    assert await target.values("SELECT pages FROM books") == [117]


async def test_what_always_contradicts_gives_up(db: Database) -> None:
    tries = 0

    async def work(transaction: Transaction) -> None:
        nonlocal tries
        tries += 1
        await transaction.execute("DO $$ BEGIN RAISE serialization_failure; END $$")

    with pytest.raises(Unavailable) as caught:
        await db.write(work, shard=0)
    assert caught.value.headers["retry-after"] == "1"
    assert tries == MOST_CONFLICTS + 1
    assert isinstance(caught.value.__cause__, REPEATABLE)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(target: TemporaryDatabase) -> None:
    async with target.hurried("statement_timeout"), target.opened() as hurried:
        for asking in (
            hurried.fetchval("SELECT pg_sleep(30)", shard=0),
            hurried.write(lambda transaction: transaction.execute("SELECT pg_sleep(30)"), shard=0),
        ):
            with pytest.raises(Unavailable) as caught:
                await asking
            assert (caught.value.status, caught.value.headers["retry-after"]) == (503, "1")
            assert isinstance(caught.value.__cause__, asyncpg.QueryCanceledError)
        assert await hurried.fetchval("SELECT 1", shard=0) == 1


async def test_a_row_that_another_one_holds_is_not_waited_for_for_long(target: TemporaryDatabase, db: Database) -> None:
    identifier = await added(db)
    holder = await target.connect()
    async with target.hurried("lock_timeout"), target.opened() as hurried:
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM books FOR UPDATE")
        with pytest.raises(Unavailable) as caught:
            await hurried.write(lambda transaction: transaction.execute(PAGES, identifier, 1), shard=0)
    await holder.close()
    assert isinstance(caught.value.__cause__, asyncpg.LockNotAvailableError)
    assert await target.values("SELECT pages FROM books") == [7]


async def test_a_server_that_falls_silent_is_left(target: TemporaryDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMAND_SECONDS", 0.1)
    tries = 0

    async def work(transaction: Transaction) -> None:
        nonlocal tries
        tries += 1
        async with transaction.savepoint():
            await transaction.execute("SELECT pg_sleep(30)")

    async with target.opened() as hurried:
        for asking in (
            hurried.fetchval("SELECT pg_sleep(30)", shard=0),
            hurried.write(lambda transaction: transaction.execute("SELECT pg_sleep(30)"), shard=0),
            hurried.write(work, shard=0),
        ):
            with pytest.raises(Unavailable):
                await asking
        assert tries == 1, "what took too long once is not done again"
        assert await hurried.fetchval("SELECT 1", shard=0) == 1


async def test_statements_over_the_limit_are_logged_without_their_values(
    target: TemporaryDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    limit = target.settings().slow_query_ms
    metrics = Metrics("tests", "library", lambda _: None)
    with caplog.at_level(logging.WARNING, "groundplan_chassis.observe.statements"):
        async with target.opened(statements=StatementLog(metrics, limit)) as db:
            assert await db.fetchval("SELECT 1", shard=0) == 1
            # The first use of a connection pays for its types, and may be slow itself.
            caplog.clear()
            await db.fetchval("SELECT $1::text, 2", "personal", shard=0)
            assert caplog.records == []
            await db.fetchval("SELECT $1::text, pg_sleep($2)", "personal", limit / 1000 * 2, shard=0)
    (record,) = caplog.records
    assert getattr(record, names.LOG_EVENT) == names.LOG_SLOW_QUERY
    assert vars(record)["statement"] == "SELECT $1::text, pg_sleep($2)"
    assert vars(record)["duration_ms"] >= limit * 2
    assert "personal" not in str(vars(record))


async def test_every_statement_is_reported_once(
    target: TemporaryDatabase, recorded: StatementRecorder, db: Database
) -> None:
    del target
    recorded.statements.clear()
    await added(db)
    kinds = [statement.partition(" ")[0] for statement in recorded.statements]
    assert kinds == ["BEGIN", "INSERT", "WITH", "COMMIT"]


async def test_a_process_that_reads_alone_writes_nothing(target: TemporaryDatabase) -> None:
    async with target.opened(target.settings(writers=0)) as reader:
        with pytest.raises(RuntimeError, match="can't write"):
            await reader.write(lambda transaction: add(transaction, BOOK), shard=0)


async def test_ids_that_are_taken_are_conflicts_of_the_program(target: TemporaryDatabase, db: Database) -> None:
    """A change that is recorded twice under one id stays one."""
    identifier = new_id()
    await db.write(lambda transaction: add(transaction, BOOK, identifier), shard=0)
    assert await target.values("SELECT id FROM books") == [identifier]
