"""A connection that is lost while a transaction is being committed: the effect is there once, or the client is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chassis.database import limits
from chassis.database.database import Database
from chassis.database.failures import OutcomeUnknown
from chassis.database.idempotency import create_once
from chassis.database.transaction import Transaction
from chassis.documents import Document
from tests.chassis.database.library import BookBody, add, call
from tests.chassis.database.sites import Site
from tests.chassis.database.wire import Fault, Wire, wire_to

BOOK = BookBody(reader="r-1", pages=7)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'book_events'::regclass"


@pytest.fixture
async def wire(site: Site) -> AsyncIterator[Wire]:
    async with wire_to(site.port(), site.tls) as made:
        yield made


@pytest.fixture
async def db(site: Site, wire: Wire) -> AsyncIterator[Database]:
    async with site.opened(site.settings(ports=[wire.port]), tls=False) as database:
        yield database


@pytest.mark.parametrize(("fault", "tries"), [("answer", 1), ("request", 2)])
async def test_what_is_recorded_takes_place_once(
    site: Site, db: Database, wire: Wire, fault: Fault, tries: int
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
    assert await site.values("SELECT id FROM books") == [document.id]
    assert await site.values("SELECT aggregate_id FROM book_events") == [document.id]
    assert await site.values("SELECT aggregate_id FROM outbox") == [document.id]


async def test_a_commit_may_be_lost_again_and_again(site: Site, db: Database, wire: Wire) -> None:
    wire.faults += ["request", "request", "answer"]
    document = await db.write(lambda transaction: add(transaction, BOOK), shard=0)
    assert await site.values("SELECT id FROM books") == [document.id]
    assert wire.commits == 3


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_what_is_not_recorded_is_not_repeated(site: Site, db: Database, wire: Wire, fault: Fault) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO books (reader, status, pages) VALUES ('r-1', 'lost', 1)")

    wire.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await db.write(work, shard=0)
    assert await site.values("SELECT count(*) FROM books") == [1 if fault == "answer" else 0]


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_what_may_be_repeated_is(site: Site, db: Database, wire: Wire, fault: Fault) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(
            "INSERT INTO books (id, reader, status, pages) VALUES ($1, 'r-1', 'lost', 1) ON CONFLICT DO NOTHING",
            identifier,
        )

    identifier = uuid4()
    wire.faults.append(fault)
    await db.write(work, shard=0, idempotent=True)
    assert await site.values("SELECT id FROM books") == [identifier]


@pytest.mark.parametrize("fault", ["answer", "request"])
async def test_a_create_with_a_key_takes_place_once(site: Site, db: Database, wire: Wire, fault: Fault) -> None:
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
    assert await site.values("SELECT id FROM books") == [first.id]


async def test_a_time_out_of_the_look_at_the_outcome_is_told_and_a_retry_has_no_second_effect(
    site: Site, db: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody locks the history as soon as it is committed: PostgreSQL ends each look at it after the lock's time."""
    monkeypatch.setattr(limits, "OUTCOME_SECONDS", 1.0)
    locker = await site.connect()
    locking: list[asyncio.Task[str]] = []

    async def create(transaction: Transaction) -> Document:
        document = await add(transaction, BOOK)
        if not locking:
            await locker.execute("BEGIN")
            lock = "LOCK TABLE book_events IN ACCESS EXCLUSIVE MODE"
            locking.append(asyncio.create_task(locker.execute(lock)))
            while await site.values(WAITING) == [0]:
                await asyncio.sleep(0.01)
        return document

    request = call(BOOK)
    wire.faults.append("answer")
    try:
        # The connection with which the look is taken begins when the first one is lost.
        async with site.hurried("lock_timeout"):
            with pytest.raises(OutcomeUnknown) as caught:
                await create_once(db, request, create)
            await locking[0]
    finally:
        await locker.close()
    assert (caught.value.status, caught.value.code) == (503, "SERVICE_UNAVAILABLE")
    assert int(caught.value.headers["retry-after"]) >= 1
    document = await create_once(db, request, create)
    assert await site.values("SELECT id FROM books") == [document.id]
    assert await site.values("SELECT aggregate_id FROM outbox") == [document.id]


async def test_a_primary_that_answers_nothing_is_not_waited_for_for_ever(
    site: Site, db: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch
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
    assert await site.values("SELECT count(*) FROM books") == [1]
