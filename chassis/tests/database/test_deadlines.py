"""Rows that stay too long in one state, on a real server (h10)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from chassis.tests.database.databases import TemporaryDatabase
from chassis.tests.database.library import BookBody, add
from groundplan_chassis.database import deadlines
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.deadlines import Deadline, Deadlines
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.http.errors import Conflict

BOOK = BookBody(reader="r-1", pages=7)
LATE = "UPDATE books SET updated_at = now() - interval '1 hour' WHERE id IN ({})"
TAKE_ON = "UPDATE books SET pages = pages + 100, updated_at = now() WHERE id = $1 AND pages < 100 RETURNING 2"


async def test_late_rows_are_taken_on_once_by_any_number_of_processes(
    target: TemporaryDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "LOOK_SECONDS", 0.02)
    documents = [await db.write(lambda transaction: add(transaction, BOOK), shard=0) for _ in range(6)]
    late, refused = [document.id for document in documents[:3]], documents[3].id
    monkeypatch.setattr(deadlines, "MOST_ROWS", 2)
    await target.execute(LATE.format(", ".join(f"'{each}'" for each in [*late, refused])))
    state = (await target.values("SELECT status FROM books LIMIT 1"))[0]
    changed: list[tuple[str, UUID, int]] = []

    async def told(resource: str, identifier: UUID, version: int) -> None:
        changed.append((resource, identifier, version))

    async def handle(transaction: Transaction, identifier: UUID) -> int | None:
        if identifier == refused:
            raise Conflict
        found: int | None = await transaction.fetchval(TAKE_ON, identifier)
        return found

    deadline = Deadline(
        resource="book", table="books", field="status", value=state, after=timedelta(minutes=30), handle=handle
    )
    context: Any = SimpleNamespace(database=db, changed=told)
    workers = [Deadlines(context, [deadline]) for _ in range(3)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(10):
        while len(changed) < len(late):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)
    assert sorted(changed) == sorted(("book", identifier, 2) for identifier in late), "each once; one is refused"
    assert await target.values("SELECT count(*) FROM books WHERE pages = 7") == [3]


async def test_rows_that_are_kept_no_longer_are_taken_on_whatever_their_state(
    target: TemporaryDatabase, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest first, a page at a time, past those that stay; those that are deleted are left alone (S8)."""
    monkeypatch.setattr(deadlines, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(deadlines, "MOST_ROWS", 2)
    documents = [await db.write(lambda transaction: add(transaction, BOOK), shard=0) for _ in range(7)]
    old, held, gone, young = documents[:4], documents[4].id, documents[5].id, documents[6].id
    age = "UPDATE books SET updated_at = now() - $2::interval, status = $3 WHERE id = $1 RETURNING id"
    for number, document in enumerate(documents[:6]):
        await target.values(age, document.id, timedelta(days=20 - number), ("lent", "lost")[number % 2])
    await target.values("UPDATE books SET deleted_at = now() WHERE id = $1 RETURNING id", gone)
    asked: list[UUID] = []

    async def handle(transaction: Transaction, identifier: UUID) -> int | None:
        asked.append(identifier)
        if identifier == held:
            return None
        expire = "UPDATE books SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING 2"
        found: int | None = await transaction.fetchval(expire, identifier)
        return found

    deadline = Deadline(resource="book", table="books", after=timedelta(days=10), handle=handle, deletes=True)
    context: Any = SimpleNamespace(database=db, changed=None)
    worker = Deadlines(context, [deadline])
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while asked.count(held) < 2:
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    assert asked[:5] == [*(document.id for document in old), held]
    assert set(asked[5:]) == {held}
    assert await target.values("SELECT id FROM books WHERE deleted_at IS NULL ORDER BY id") == sorted([held, young])


async def test_a_row_that_is_not_there_yet_is_waited_for(target: TemporaryDatabase, db: Database) -> None:
    """Of two transactions on one key the second sees what the first has written."""
    key, begun, go = UUID(int=5), asyncio.Event(), asyncio.Event()

    async def first(transaction: Transaction) -> None:
        await transaction.serialise(key)
        begun.set()
        await go.wait()
        await add(transaction, BOOK)

    async def second(transaction: Transaction) -> int:
        await transaction.serialise(key)
        return int(await transaction.fetchval("SELECT count(*) FROM books"))

    one = asyncio.create_task(db.write(first, shard=0))
    await begun.wait()
    two = asyncio.create_task(db.write(second, shard=0))
    await asyncio.sleep(0.05)
    go.set()
    await one
    assert await two == 1
