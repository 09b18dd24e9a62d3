"""A connection lost during a commit: the effect takes place once, or the client learns that the outcome is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chassis.tests.database.databases import TemporaryDatabase
from chassis.tests.database.library import BookBody, add, call
from chassis.tests.database.wire import Fault, Wire, wire_to
from groundplan_chassis.database import limits
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.failures import OutcomeUnknown
from groundplan_chassis.database.idempotency import create_once
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.documents import Document

BOOK = BookBody(reader="r-1", pages=7)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'book_events'::regclass"


@pytest.fixture
async def wire(target: TemporaryDatabase) -> AsyncIterator[Wire]:
    async with wire_to(target.port(), target.tls) as made:
        yield made


@pytest.fixture
async def db(target: TemporaryDatabase, wire: Wire) -> AsyncIterator[Database]:
    async with target.opened(target.settings(ports=[wire.port]), tls=False) as database:
        yield database


@pytest.mark.parametrize(("fault", "tries"), [("answer", 1), ("request", 2)])
async def test_what_is_recorded_takes_place_once(
    target: TemporaryDatabase, db: Database, wire: Wire, fault: Fault, tries: int
) -> None:
    done = 0

    async def work(transaction: Transaction) -> Document:
        nonlocal done
        done += 1
        return await add(transaction, BOOK)

    wire.faults.append(fault)
    document = await db.write(work, shard=0)
    assert wire.faults == []
    assert done == tries
    assert await target.values("SELECT id FROM books") == [document.id]
    assert await target.values("SELECT aggregate_id FROM book_events") == [document.id]
    assert await target.values("SELECT aggregate_id FROM outbox") == [document.id]


async def test_a_commit_may_be_lost_again_and_again(target: TemporaryDatabase, db: Database, wire: Wire) -> None:
    wire.faults += ["request", "request", "answer"]
    document = await db.write(lambda transaction: add(transaction, BOOK), shard=0)
    assert await target.values("SELECT id FROM books") == [document.id]
    assert wire.commits == 3


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_what_is_not_recorded_is_not_repeated(
    target: TemporaryDatabase, db: Database, wire: Wire, fault: Fault
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO books (reader, status, pages) VALUES ('r-1', 'lost', 1)")

    wire.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await db.write(work, shard=0)
    assert await target.values("SELECT count(*) FROM books") == [1 if fault == "answer" else 0]


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_what_may_be_repeated_is(target: TemporaryDatabase, db: Database, wire: Wire, fault: Fault) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(
            "INSERT INTO books (id, reader, status, pages) VALUES ($1, 'r-1', 'lost', 1) ON CONFLICT DO NOTHING",
            identifier,
        )

    identifier = uuid4()
    wire.faults.append(fault)
    await db.write(work, shard=0, idempotent=True)
    assert await target.values("SELECT id FROM books") == [identifier]


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_a_create_with_a_key_takes_place_once(
    target: TemporaryDatabase, db: Database, wire: Wire, fault: Fault
) -> None:
    request = call(BOOK)
    wire.faults.append(fault)
    done: list[Document] = []

    async def after(document: Document) -> None:
        done.append(document)

    first = await create_once(db, request, lambda transaction: add(transaction, BOOK), after_commit=after)
    again = await create_once(db, request, lambda transaction: add(transaction, BOOK), after_commit=after)
    assert again == first
    # Also where the item was found to be this call's own by asking again.
    assert done == [first]
    assert await target.values("SELECT id FROM books") == [first.id]


async def test_a_time_out_of_the_look_at_the_outcome_is_reported_and_a_retry_has_no_second_effect(
    target: TemporaryDatabase, db: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session locks the history after the commit: PostgreSQL ends each query of it after `lock_timeout`."""
    monkeypatch.setattr(limits, "OUTCOME_SECONDS", 1.0)
    locker = await target.connect()
    locking: list[asyncio.Task[str]] = []

    async def create(transaction: Transaction) -> Document:
        document = await add(transaction, BOOK)
        if not locking:
            await locker.execute("BEGIN")
            lock = "LOCK TABLE book_events IN ACCESS EXCLUSIVE MODE"
            locking.append(asyncio.create_task(locker.execute(lock)))
            while await target.values(WAITING) == [0]:
                await asyncio.sleep(0.01)
        return document

    request = call(BOOK)
    wire.faults.append("answer")
    try:
        # The connection with which the look is taken begins when the first one is lost.
        async with target.hurried("lock_timeout"):
            with pytest.raises(OutcomeUnknown) as caught:
                await create_once(db, request, create)
            await locking[0]
    finally:
        await locker.close()
    assert (caught.value.status, caught.value.code) == (503, "SERVICE_UNAVAILABLE")
    assert int(caught.value.headers["retry-after"]) >= 1
    document = await create_once(db, request, create)
    assert await target.values("SELECT id FROM books") == [document.id]
    assert await target.values("SELECT aggregate_id FROM outbox") == [document.id]


async def test_a_primary_that_answers_nothing_is_not_waited_for_for_ever(
    target: TemporaryDatabase, db: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTCOME_SECONDS", 0.3)
    ended = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.transport.abort()

    async def work(transaction: Transaction) -> Document:
        document = await add(transaction, BOOK)
        # Connections from now on meet a server that takes them, and says nothing.
        monkeypatch.setattr(wire, "_connect", unanswering)
        return document

    server = await asyncio.start_server(silent, "127.0.0.1", 0)

    async def unanswering() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])

    wire.faults.append("answer")
    try:
        with pytest.raises(OutcomeUnknown):
            await db.write(work, shard=0)
    finally:
        ended.set()
        server.close()
    assert await target.values("SELECT count(*) FROM books") == [1]
