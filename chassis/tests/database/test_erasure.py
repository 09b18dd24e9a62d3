"""Erasure of a person, on real servers: nothing of theirs is left in tables, cache and answers (S8)."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from chassis.tests.caching.clients import connected
from chassis.tests.database.databases import TemporaryDatabase
from chassis.tests.database.library import ADDED, Book, BookBody, add, call
from groundplan_chassis.caching import CachedResource, Valkey
from groundplan_chassis.database.changes import Change
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.idempotency import create_once
from groundplan_chassis.database.transaction import Record, Transaction
from groundplan_chassis.documents import Document
from groundplan_chassis.erasure import Erasable, commands, erasure_handler, requests, work, worker
from groundplan_chassis.erasure import again as erase_again
from groundplan_chassis.erasure.requests import ErasureRequest, request_erasure
from groundplan_chassis.events.errors import Refused
from groundplan_chassis.events.event import Event, encode
from groundplan_chassis.http.errors import Conflict, Unavailable
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.service import Service
from groundplan_devkit.testing import CacheUser

PERSON, OTHER = "person-1", "person-2"
CANARY = "canary7f3a"
BOOK = CachedResource("book", Book, invalidation="expiry", seconds=3600)
TABLES = ("books", "book_events", "outbox", "idempotency_keys")


async def _record(transaction: Transaction, before: Record, after: Record, *, actor: str, correlation_id: str) -> None:
    await transaction.record(
        Change(
            event_type="book.deleted",
            aggregate_type="book",
            aggregate_id=before["id"],
            version=after["version"],
            actor=actor,
            correlation_id=correlation_id,
            payload={"pages": before["pages"]},
            topics=(ADDED,),
        )
    )


BOOKS = Erasable(resource="book", table="books", owner="reader", kind="delete", erased={"isbn": "NULL"}, record=_record)
SERVICE = Service(name="library", package="library", title="library", erasables=[BOOKS], caches=[BOOK])


@pytest.fixture
async def valkey(cache_user: CacheUser) -> AsyncIterator[Valkey]:
    async with connected(cache_user) as client:
        yield client


def counted(name: str, n: int = 1) -> None:
    del name, n


@pytest.fixture
def context(db: Database, valkey: Valkey) -> Any:
    return SimpleNamespace(database=db, cache=valkey, metrics=SimpleNamespace(count=counted))


def request(subject: str = PERSON) -> ErasureRequest:
    return ErasureRequest(id=uuid4(), subject=subject, actor="admin-1", correlation_id="request-9")


async def made(db: Database, reader: str, caller: str, isbn: str) -> Document:
    """A book that is created with a key, by its reader or someone else."""
    body = BookBody(reader=reader, isbn=isbn)
    return await create_once(db, call(body, subject=caller), lambda transaction: add(transaction, body))


async def stored(target: TemporaryDatabase, needle: str) -> dict[str, int]:
    """Rows by table whose text, or decoded answer, has the value."""
    found = {}
    for table in TABLES:
        rows = await target.values(f"SELECT to_jsonb(each) FROM {table} AS each")  # noqa: S608
        answers = (
            await target.values(
                "SELECT encode(decode(response ->> 'document', 'base64'), 'escape') FROM idempotency_keys"
            )
            if table == "idempotency_keys"
            else []
        )
        found[table] = sum(needle in str(content) for content in [*rows, *answers])
    return {table: number for table, number in found.items() if number}


async def test_a_person_is_gone_from_tables_cache_and_answers(target: TemporaryDatabase, context: Any) -> None:
    db = context.database
    own = await made(db, PERSON, PERSON, f"{CANARY}a")
    by_admin = await made(db, PERSON, "admin-1", f"{CANARY}b")
    deleted = await made(db, PERSON, PERSON, f"{CANARY}c")
    others = await made(db, OTHER, OTHER, "not-theirs")
    await target.execute(f"UPDATE books SET deleted_at = now() WHERE id = '{deleted.id}'")  # noqa: S608
    for each in (own, by_admin, others):
        await BOOK(context).written(each)

        async def load(each: Document = each) -> Document:
            return each

        assert await BOOK(context).get(each.id, load) == each
    assert await stored(target, CANARY) == {"books": 3, "idempotency_keys": 3}, "the search finds nothing at all"
    assert (await work.remaining(SERVICE, context, PERSON)) == {"books": 3, "idempotency_keys": 3}

    done = await work.erase(SERVICE, context, request())

    assert (done.rows, done.keys) == (3, 3)
    assert await stored(target, CANARY) == {}
    assert set((await work.remaining(SERVICE, context, PERSON)).values()) == {0}
    for each in (own, by_admin):
        assert await BOOK(context).lookup(each.id) is None
    assert await BOOK(context).lookup(others.id) == others
    # What stays: rows and their history, by whom they were erased; and all of others.
    assert await target.values("SELECT DISTINCT version FROM books WHERE reader = $1", PERSON) == [2]
    assert await target.values("SELECT count(*) FROM books WHERE reader = $1 AND deleted_at IS NULL", PERSON) == [0]
    assert await target.values("SELECT DISTINCT actor FROM book_events WHERE event_type = 'book.deleted'") == [
        "admin-1"
    ]
    assert await stored(target, "not-theirs") == {"books": 1, "idempotency_keys": 1}

    # Again there is nothing to do, and nothing is done.
    assert await work.erase(SERVICE, context, request()) == work.Erased(0, 0)
    assert await target.values("SELECT DISTINCT version FROM books WHERE reader = $1", PERSON) == [2]


@pytest.mark.parametrize("keyed", [True, False])
async def test_what_is_being_written_when_the_erasure_begins_is_erased(
    target: TemporaryDatabase, context: Any, keyed: bool
) -> None:
    """It was not there yet for the erasure, which ended, and then it stayed for good."""
    db = context.database
    body = BookBody(reader=PERSON, isbn=f"{CANARY}d")
    written, ends = asyncio.Event(), asyncio.Event()

    async def create(transaction: Transaction) -> Document:
        document = await add(transaction, body)
        written.set()
        await ends.wait()
        return document

    asked = call(body, subject=PERSON)
    creating = asyncio.create_task(
        create_once(db, asked if keyed else msgspec.structs.replace(asked, idempotency_key=None), create)
    )
    await written.wait()
    erasing = asyncio.create_task(work.erase(SERVICE, context, request()))
    await asyncio.sleep(0.3)
    ends.set()
    await creating
    assert await erasing == work.Erased(1, int(keyed))
    assert await stored(target, CANARY) == {}
    assert not any((await work.remaining(SERVICE, context, PERSON)).values())


async def test_an_erasure_stays_open_while_a_transaction_does(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    db = context.database
    written, ends = asyncio.Event(), asyncio.Event()

    async def create(transaction: Transaction) -> Document:
        document = await add(transaction, BookBody(reader=OTHER))
        written.set()
        await ends.wait()
        return document

    creating = asyncio.create_task(db.write(create, shard=0))
    await written.wait()
    with monkeypatch.context() as short:
        short.setattr(work, "SETTLED_SECONDS", 0.1)
        with pytest.raises(Unavailable, match="still under way"):
            await work.erase(SERVICE, context, request())
    ends.set()
    await creating
    await work.erase(SERVICE, context, request())


async def test_a_request_that_is_repeated_after_the_erasure_creates_nothing(
    target: TemporaryDatabase, context: Any
) -> None:
    body = BookBody(reader=PERSON, isbn=CANARY)
    first = call(body, subject=PERSON)
    await create_once(context.database, first, lambda transaction: add(transaction, body))
    await work.erase(SERVICE, context, request())
    with pytest.raises(Conflict, match="erased"):
        await create_once(context.database, first, lambda transaction: add(transaction, body))
    assert await target.values("SELECT count(*) FROM books") == [1]


async def test_a_copy_that_an_attempt_has_left_behind_is_dropped_by_the_next(
    target: TemporaryDatabase, context: Any
) -> None:
    """The process ended between the commit and the cache."""
    book = await made(context.database, PERSON, PERSON, CANARY)
    await BOOK(context).written(book)
    assert await BOOK(context).get(book.id, lambda: asyncio.sleep(0, book)) == book
    await target.execute("UPDATE books SET isbn = NULL, deleted_at = now(), version = 2")
    assert await work.erase(SERVICE, context, request()) == work.Erased(0, 1)
    assert await BOOK(context).lookup(book.id) is None


async def test_requests_are_done_in_the_background_and_again_after_a_failure(
    target: TemporaryDatabase, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(requests, "LEASE", requests.LEASE / 600)
    for reader in (PERSON, OTHER):
        await made(context.database, reader, reader, f"{CANARY}{reader}")
    failures = [Unavailable("gone"), RuntimeError("mistaken")]

    async def failing(service: Service, context: Any, request: ErasureRequest) -> work.Erased:
        if failures:
            raise failures.pop()
        return await work.erase(service, context, request)

    monkeypatch.setattr(worker, "erase", failing)
    event_id = uuid4()

    async def ask(transaction: Transaction) -> None:
        for _ in range(2):
            await request_erasure(transaction, PERSON, actor="a", correlation_id="c", identifier=event_id)

    await context.database.write(ask, shard=0)
    workers = [worker.Erasures(SERVICE, context) for _ in range(2)]
    running = [asyncio.create_task(each.run()) for each in workers]
    async with asyncio.timeout(20):
        while not await target.values("SELECT 1 FROM erasures WHERE completed_at IS NOT NULL"):
            await asyncio.sleep(0.02)
    for each in workers:
        each.stop()
    await asyncio.gather(*running)
    assert failures == []
    assert await target.values("SELECT id FROM erasures") == [event_id]
    assert await stored(target, f"{CANARY}{PERSON}") == {}
    assert await stored(target, f"{CANARY}{OTHER}") == {"books": 1, "idempotency_keys": 1}
    assert await target.values("SELECT max(version) FROM books WHERE reader = $1", PERSON) == [2], "once"


async def test_an_event_of_another_service_asks_once_for_any_number_of_deliveries(
    target: TemporaryDatabase, db: Database
) -> None:
    handler = erasure_handler(owner="subject")
    handle = handler.handle
    context: Any = None

    def event(payload: dict[str, object], identifier: UUID) -> Event:
        return Event(
            event_id=identifier,
            event_type="user.erased",
            aggregate_type="user",
            aggregate_id=uuid4(),
            version=3,
            occurred_at=datetime.now(UTC),
            actor="admin-1",
            payload=json.dumps(payload),
            schema_version=7,
        )

    asked = handler.schema.current(event({"subject": PERSON}, uuid4()))
    for said in (asked, asked, event({"subject": None}, uuid4()), event({}, uuid4())):
        await db.write(lambda transaction, said=said: handle(transaction, said, context), shard=0, idempotent=True)  # type: ignore[misc]
    assert await target.values("SELECT subject FROM erasures") == [PERSON]
    wrong = event({"subject": 7}, uuid4())
    with pytest.raises(Refused, match="expected `subject` to be the subject of a token"):
        await db.write(lambda transaction: handle(transaction, wrong, context), shard=0)


async def test_the_command_erases_and_tells_what_is_left(target: TemporaryDatabase, context: Any) -> None:
    book = await made(context.database, PERSON, PERSON, CANARY)
    never = asyncio.Event()

    async def run(*, check: bool, service: Service = SERVICE) -> None:
        await commands.run(service, context, argparse.Namespace(subject=PERSON, check=check), never)

    with pytest.raises(ProblemsFound, match="1 in books; 1 in idempotency_keys") as left:
        await run(check=True)
    assert "run `erase` without --check" in str(left.value)
    await run(check=False)
    await run(check=True)
    assert await target.values("SELECT actor FROM erasures WHERE completed_at IS NOT NULL") == [commands.ACTOR]
    assert await target.values("SELECT isbn FROM books WHERE id = $1", book.id) == [None]
    await context.database.write(
        lambda transaction: request_erasure(transaction, PERSON, actor="a", correlation_id="c"),
        shard=0,
        idempotent=True,
    )
    with pytest.raises(ProblemsFound, match="is open"):
        await run(check=True)
    with pytest.raises(ProblemsFound, match="a service with `erasure` on a resource"):
        await run(check=False, service=Service(name="plain", package="plain", title="plain"))


async def test_who_was_erased_since_a_backup_is_erased_again(
    target: TemporaryDatabase, context: Any, tmp_path: Path
) -> None:
    """The log has events of this service's own persons and of another's, some twice, and a damaged line."""
    persons = Service(
        name="library",
        package="library",
        title="library",
        erasables=[replace(BOOKS, kind="person")],
        publishes=frozenset({"book.erased"}),
        consumers={"user.erased": erasure_handler(owner="subject")},
    )
    context.clock = SimpleNamespace(now=lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))
    context.settings = SimpleNamespace(region="eu-central-1", aws_endpoint_url=None)
    events = [
        Event(
            event_id=uuid4(),
            event_type=name,
            aggregate_type=name.partition(".")[0],
            aggregate_id=uuid4(),
            version=2,
            occurred_at=datetime(2026, 11, 20, tzinfo=UTC),
            payload=json.dumps({field: subject}),
        )
        for name, field, subject in (
            ("book.erased", "reader", PERSON),
            ("user.erased", "subject", OTHER),
            ("user.erased", "subject", None),
        )
    ]
    for day, event in [("2026-11-20", each) for each in events] + [("2026-11-21", events[0])]:
        folder = tmp_path / f"events/event={event.event_type}/day={day}/hour=07"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{event.event_id}.gz").write_bytes(gzip.compress(encode(event) + b"\n"))

    async def again(first: str, service: Service = persons) -> None:
        arguments = argparse.Namespace(log=str(tmp_path), first=date.fromisoformat(first))
        await erase_again.run(service, context, arguments, asyncio.Event())

    await again("2026-11-22")
    assert await target.values("SELECT subject FROM erasures") == []
    for _ in range(2):
        await again("2026-11-20")
    assert sorted(await target.values("SELECT subject FROM erasures")) == [PERSON, OTHER]
    (tmp_path / "events/event=user.erased/day=2026-11-20/hour=07/damaged").write_bytes(b"{}\n")
    with pytest.raises(ProblemsFound, match="1 lines unreadable"):
        await again("2026-11-20")
    with pytest.raises(ProblemsFound, match="a day that is not after 2026-11-30"):
        await again("2026-12-01")
    with pytest.raises(ProblemsFound, match="publishes or consumes an event"):
        await again("2026-11-20", SERVICE)


def test_a_subject_that_is_no_uuid_owns_no_row_of_a_uuid_column() -> None:
    owned = Erasable(
        resource="b", table="b", owner="o", kind="anonymise", erased={"x": "NULL"}, record=_record, owner_is_uuid=True
    )
    assert owned.owned_by("person-1") is None
    assert owned.owned_by(str(UUID(int=7))) == UUID(int=7)
    assert "deleted_at" not in owned.remains + owned.erase
