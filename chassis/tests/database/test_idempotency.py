"""Idempotency keys on a real server: one effect for any number of equal requests, concurrent ones included."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chassis.tests.database.databases import TemporaryDatabase
from chassis.tests.database.library import API, Book, BookBody, add, call
from groundplan_chassis import assembly
from groundplan_chassis.access import ANONYMOUS, Access, Caller
from groundplan_chassis.database import idempotency, pruning
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.idempotency import create_once
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.documents import Document
from groundplan_chassis.http.errors import ApiError, Conflict, ValidationFailed, error_body
from groundplan_chassis.http.operations import Call, Operation, OperationKind, ResourceApi
from groundplan_chassis.http.versions import EarlierVersion
from groundplan_chassis.service import Service
from groundplan_chassis.settings import Role

BOOK = BookBody(reader="r-1", pages=7)
KEYS = "SELECT count(*) FROM idempotency_keys"
AGED = "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'"


async def create(transaction: Transaction) -> Document:
    return await add(transaction, BOOK)


async def slowly(transaction: Transaction) -> Document:
    await transaction.execute("SELECT pg_sleep(0.2)")
    return await add(transaction, BOOK)


async def test_twenty_requests_at_once_have_one_effect(target: TemporaryDatabase, db: Database) -> None:
    request = call(BOOK)
    answers = await asyncio.gather(*(create_once(db, request, slowly) for _ in range(20)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, Document)]
    assert made
    assert all(answer == made[0] for answer in made)
    assert all(isinstance(answer, Conflict) for answer in answers if not isinstance(answer, Document))
    assert await target.values("SELECT id FROM books") == [made[0].id]
    assert await target.values("SELECT aggregate_id FROM book_events") == [made[0].id]
    assert await target.values("SELECT aggregate_id FROM outbox") == [made[0].id]
    assert await create_once(db, request, create) == made[0]


async def test_a_replay_does_nothing_after_the_commit(db: Database) -> None:
    done: list[Document] = []

    async def after(document: Document) -> None:
        done.append(document)

    request = call(BOOK)
    answers = await asyncio.gather(
        *(create_once(db, request, slowly, after_commit=after) for _ in range(5)), return_exceptions=True
    )
    first = next(answer for answer in answers if isinstance(answer, Document))
    for _ in range(3):
        assert await create_once(db, request, create, after_commit=after) == first
    assert done == [first]
    # Without a key every request is one of its own.
    other = await create_once(db, replace(request, idempotency_key=None), create, after_commit=after)
    assert done == [first, other]


async def test_while_the_first_is_under_way_others_are_refused_at_once(target: TemporaryDatabase) -> None:
    """The first one ends only after the second has been answered."""
    request, begun, answered = call(BOOK), asyncio.Event(), asyncio.Event()

    async def held(transaction: Transaction) -> Document:
        document = await add(transaction, BOOK)
        begun.set()
        await answered.wait()
        return document

    # A request that waited for a row or lock of the first one would fail with another error.
    async with target.hurried("lock_timeout"), target.opened() as db:
        first = asyncio.create_task(create_once(db, request, held))
        await begun.wait()
        with pytest.raises(ApiError) as caught:
            await create_once(db, request, create)
        with pytest.raises(ApiError) as other:
            await create_once(db, call(BookBody(reader="r-1", pages=8), request.idempotency_key), create)
        answered.set()
        document = await first
        assert await create_once(db, request, create) == document
    assert await target.values("SELECT id FROM books") == [document.id]
    error = json.loads(error_body(caught.value))["error"]
    assert (caught.value.status, error["code"], other.value.status) == (409, "CONFLICT", 409)
    assert "still under way" in error["message"]
    assert [detail["field"] for detail in error["details"]] == ["Idempotency-Key"]
    assert "try again" in error["details"][0]["message"]
    assert caught.value.headers["retry-after"] == "1"


async def test_other_keys_and_other_people_do_not_wait_for_each_other(target: TemporaryDatabase, db: Database) -> None:
    request, begun, answered = call(BOOK), asyncio.Event(), asyncio.Event()

    async def held(transaction: Transaction) -> Document:
        begun.set()
        await answered.wait()
        return await add(transaction, BOOK)

    first = asyncio.create_task(create_once(db, request, held))
    await begun.wait()
    await create_once(db, call(BOOK), create)
    await create_once(db, call(BOOK, request.idempotency_key, subject="r-2"), create)
    answered.set()
    await first
    assert await target.values("SELECT count(*) FROM books") == [3]


async def test_a_key_belongs_to_one_body(target: TemporaryDatabase, db: Database) -> None:
    request = call(BOOK)
    await create_once(db, request, create)
    with pytest.raises(ValidationFailed) as caught:
        await create_once(db, call(BookBody(reader="r-1", pages=8), request.idempotency_key), create)
    assert caught.value.status == 422
    assert [detail.field for detail in caught.value.details] == ["Idempotency-Key"]
    assert await target.values("SELECT count(*) FROM books") == [1]


class NextBookBody(BookBody, kw_only=True):
    """Of the next release, which knows more."""

    shelf: str | None = None
    language: str | None = "de"
    copies: int | None = None
    tags: list[str] = msgspec.field(default_factory=list)


class RenamedBookBody(msgspec.Struct, kw_only=True):
    """Of a release whose newest version of the API calls things otherwise."""

    borrower: str
    leaves: int = 1
    format: str = "paper"


@pytest.mark.parametrize("caller", [ANONYMOUS, call(BOOK).caller], ids=["anonymous", "with a token"])
async def test_a_repetition_to_the_next_release_is_one(target: TemporaryDatabase, db: Database, caller: Caller) -> None:
    """It was refused, or without a token had a second effect: during each deployment that adds a field (h1)."""
    first = replace(call(BOOK), resource="book", caller=caller, client="192.0.2.7")
    made = await create_once(db, first, create)
    again = replace(first, body=NextBookBody(reader="r-1", pages=7))
    assert await create_once(db, again, create) == made
    seen: list[Call] = []

    async def handle(request: Call) -> Document:
        seen.append(request)
        return made

    newest = ResourceApi(name="book", path="/api/v2/books", body=RenamedBookBody, item=Book)
    earlier: EarlierVersion[Any, Any, Any, Any] = EarlierVersion(
        version=1,
        body=BookBody,
        item=Book,
        newest=lambda body, _: RenamedBookBody(borrower=body.reader, leaves=body.pages),
        earlier=lambda item: item,
        renamed={"reader": "borrower", "pages": "leaves"},
    )
    [operation] = earlier.operations(
        [Operation(kind="create", resource=newest, handler=handle, access=Access.of("reader"))]
    )
    await operation.handler(first)
    assert isinstance(seen[0].body, RenamedBookBody)
    assert await create_once(db, seen[0], create) == made
    assert await target.values("SELECT id FROM books") == [made.id]
    # What it says beyond that, or of another kind of item, is another request.
    for other in (
        replace(first, body=NextBookBody(reader="r-1", pages=7, shelf="a")),
        replace(first, body=NextBookBody(reader="r-1", pages=7, language="en")),
        replace(first, body=NextBookBody(reader="r-1", pages=7, language=None)),
        replace(first, resource="loan"),
    ):
        if caller is ANONYMOUS:
            assert idempotency._digest(other) != idempotency._digest(first)
        else:
            with pytest.raises(ValidationFailed):
                await create_once(db, other, create)


async def test_a_first_request_that_fails_leaves_its_key_free(target: TemporaryDatabase, db: Database) -> None:
    request = call(BOOK)

    async def failing(transaction: Transaction) -> Document:
        await add(transaction, BOOK)
        raise ValidationFailed

    with pytest.raises(ValidationFailed):
        await create_once(db, request, failing)
    assert await target.values(KEYS) == [0]
    document = await create_once(db, request, create)
    assert await target.values("SELECT id FROM books") == [document.id]


async def test_callers_without_a_token_share_no_keys(target: TemporaryDatabase, db: Database) -> None:
    """h14: neither another's item nor word of it, whichever of address and body they have in common."""
    key = call(BOOK).idempotency_key
    made = []
    for client in ("192.0.2.1", "192.0.2.2"):
        for pages in (7, 8):
            request = replace(call(BookBody(reader="r-1", pages=pages), key, subject=""), client=client)
            document = await create_once(db, request, create)
            assert await create_once(db, request, create) == document, "one's own request is one"
            made.append(document.id)
    assert len(set(made)) == 4
    assert await target.values("SELECT count(*) FROM books") == [4]
    kept = await target.values("SELECT subject FROM idempotency_keys")
    assert not [subject for subject in kept if "192" in subject], "an address is nowhere in clear"


async def test_a_key_is_good_for_a_day(target: TemporaryDatabase, db: Database) -> None:
    request = call(BOOK)
    first = await create_once(db, request, create)
    await target.execute(AGED)
    second = await create_once(db, request, create)
    assert second.id != first.id
    assert await create_once(db, request, create) == second
    assert await target.values(KEYS) == [1]


async def test_old_keys_are_taken_away_a_part_at_a_time(target: TemporaryDatabase, db: Database) -> None:
    for _ in range(5):
        await create_once(db, call(BOOK), create)
    await target.execute(AGED)
    kept = call(BOOK)
    document = await create_once(db, kept, create)
    parts = [await db.write(lambda transaction: idempotency.prune(transaction, 2), shard=0) for _ in range(4)]
    assert parts == [2, 2, 1, 0]
    assert await target.values(KEYS) == [1]
    assert await create_once(db, kept, create) == document


async def test_old_keys_go_in_the_background(
    target: TemporaryDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PRUNE_SECONDS", 0.01)
    monkeypatch.setattr(pruning, "PRUNE_ROWS", 2)
    for _ in range(5):
        await create_once(db, call(BOOK), create)
    await target.execute(AGED)
    worker = pruning.KeyPruning(db)
    running = asyncio.create_task(worker.run())
    until = time.monotonic() + 30
    while await target.values(KEYS) != [0]:
        assert time.monotonic() < until, "keys of the day before are still there"
        await asyncio.sleep(0.02)
    worker.stop()
    await running


async def test_pruning_goes_on_after_what_goes_wrong(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pruning, "PRUNE_SECONDS", 0.01)
    stop, rounds = asyncio.Event(), 0

    async def failing(transaction: Transaction) -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            stop.set()
            return 0
        return int(await transaction.execute("DELETE FROM no_such_table"))

    await pruning.prune(db, "nothing", failing, stop)
    assert rounds == 3
    assert [record.getMessage() for record in caplog.records] == ["nothing of shard 0 can't be pruned"] * 2


@pytest.mark.parametrize(("role", "prunes"), [("api", True), ("command", True), ("query", False)])
def test_keys_are_pruned_by_who_takes_them(db: Database, role: Role, prunes: bool) -> None:
    async def handler(_: Call) -> None: ...

    def service(kind: OperationKind) -> Service:
        operation = Operation(kind=kind, resource=API, handler=handler, access=Access.of("reader"))
        return Service(name="library", package="library_service", title="Library", operations=[operation])

    context: Any = SimpleNamespace(settings=SimpleNamespace(role=role), database=db)
    workers = assembly.workers(service("create"), context)
    assert [type(worker) for worker in workers] == ([pruning.KeyPruning] if prunes else [])
    assert assembly.workers(service("get"), context) == []
