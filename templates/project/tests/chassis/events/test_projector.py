"""The read model is what the newest change says, in whatever order and however often changes come (A4)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest

from chassis.context import Context
from chassis.database.changes import Change, ReadModelChange
from chassis.database.database import Database
from chassis.database.transaction import Record, Transaction
from chassis.events import limits
from chassis.events.port import Refusal, Verdict
from chassis.events.projector import Projector
from chassis.events.rebuild import rebuild
from chassis.identifiers import new_id
from chassis.observe import names
from chassis.settings import DatabaseSettings
from tests.chassis.events import shop
from tests.chassis.events.shop import ORDERS, STREAM, delivery, stream_event
from tests.chassis.plans import plan_of, rows_read


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def context(db: Database, where: DatabaseSettings, told: shop.Told) -> Context:
    return shop.context(shop.settings("projector", where, None), db, told)


@pytest.fixture
def projector(context: Context) -> Projector:
    return Projector(context, [ORDERS])


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(limits, "LONGEST_PAUSE_SECONDS", 0.005)


async def read_model(db: Database) -> list[dict[str, Any]]:
    rows = await db.fetch("SELECT * FROM order_read_model ORDER BY id", shard=0, fresh=True)
    return [dict(row) for row in rows]


async def version_of(db: Database, identifier: UUID) -> tuple[int, bool]:
    """Version, and whether it is deleted."""
    row = await db.fetchrow("SELECT * FROM order_read_model WHERE id = $1", identifier, shard=0, fresh=True)
    assert row is not None
    return row["version"], row["deleted_at"] is not None


async def streamed(db: Database) -> list[bytes]:
    """What the outbox has for the read model, in its order."""
    rows = await db.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY position", STREAM, shard=0, fresh=True)
    return [msgspec.json.encode(row["payload"]) for row in rows]


async def busy_orders(db: Database, count: int = 30) -> list[UUID]:
    """Orders that were placed, changed, and some of them deleted."""
    chance = random.Random(7)  # noqa: S311 - the same each time
    made: list[UUID] = []
    for _ in range(count):
        made.append(await db.write(lambda transaction: shop.place(transaction), shard=0))
        for _ in range(chance.randrange(4)):
            await db.write(partial(shop.change, identifier=made[-1], total=str(chance.randrange(1000))), shard=0)
        if chance.random() < 0.3:
            await db.write(lambda transaction: shop.delete(transaction, made[-1]), shard=0)
    return made


async def test_a_document_becomes_a_row_with_typed_columns(
    db: Database, projector: Projector, stop: asyncio.Event
) -> None:
    identifier = await db.write(lambda transaction: shop.place(transaction, total="12.30"), shard=0)
    (body,) = await streamed(db)
    assert await projector.process([delivery(body, 41, STREAM, partition=3)], stop) == [Verdict.HANDLED]
    (row,) = await read_model(db)
    written = await db.fetchrow("SELECT * FROM orders", shard=0, fresh=True)
    assert written is not None
    for column in ("id", "customer_id", "status", "total", "due", "version", "created_at", "updated_at"):
        assert row[column] == written[column], column
    assert row["document"]["id"] == str(identifier)
    assert row["document"]["total"] == "12.30"
    assert row["deleted_at"] is None
    position = await db.fetchrow("SELECT * FROM read_model_positions", shard=0, fresh=True)
    assert position is not None
    assert (position["stream"], position["partition"], position["position"]) == ("topic", 3, 42)


@pytest.mark.parametrize("batched", [True, False])
async def test_an_older_change_that_comes_late_changes_nothing(
    db: Database, projector: Projector, stop: asyncio.Event, batched: bool
) -> None:
    order = await db.write(lambda transaction: shop.place(transaction, total="1.00"), shard=0)
    for version in (2, 3):
        await db.write(partial(shop.change, identifier=order, total=f"{version}.00"), shard=0)
    events = [stream_event(order, version) for version in (3, 1, 2, 3)]
    batches = [events] if batched else [[event] for event in events]
    for batch in batches:
        outcomes = await projector.process([delivery(each, None) for each in batch], stop)
        assert outcomes == [Verdict.HANDLED] * len(batch)
    (row,) = await read_model(db)
    assert (row["version"], str(row["total"])) == (3, "3.00")


@pytest.mark.parametrize("versions", [(1, 2, 3), (3, 2, 1), (3, 1, 2), (2, 3, 1)])
@pytest.mark.parametrize("batched", [True, False])
async def test_what_is_deleted_is_not_brought_back(
    db: Database, projector: Projector, stop: asyncio.Event, versions: tuple[int, ...], batched: bool
) -> None:
    order = await db.write(lambda transaction: shop.place(transaction), shard=0)
    await db.write(partial(shop.change, identifier=order, total="2.00"), shard=0)
    await db.write(partial(shop.delete, identifier=order), shard=0)
    events = [stream_event(order, each, "delete" if each == 3 else "update") for each in versions]
    for batch in [events] if batched else [[event] for event in events]:
        await projector.process([delivery(each, None) for each in batch], stop)
    (row,) = await read_model(db)
    assert row["version"] == 3
    assert row["deleted_at"] is not None
    assert row["document"] == {}
    assert [row[column] for column in ORDERS.columns] == [None] * 4


async def test_a_bad_event_is_refused_alone(db: Database, context: Context, stop: asyncio.Event) -> None:
    *good_ones, unreadable = [await db.write(lambda transaction: shop.place(transaction), shard=0) for _ in range(4)]

    def document(row: Record) -> bytes:
        if row["id"] == unreadable:
            raise ValueError("a row that this release can't read")
        return shop.document(row)

    projector = Projector(context, [replace(ORDERS, document=document)])
    good = [stream_event(each, 1) for each in good_ones]
    bad = [
        stream_event(unreadable, 1),
        stream_event(new_id(), 1, payload="7"),
        stream_event(new_id(), 1, payload='{"resource": "order"}'),
        stream_event(new_id(), 1, payload='{"resource": "order", "operation": "merge"}'),
        stream_event(new_id(), 1, payload='{"resource": "lamp", "operation": "update"}'),
        stream_event(new_id(shard=9), 1),
    ]
    batch = [good[0], *bad[:3], good[1], *bad[3:], good[2]]
    outcomes = await projector.process([delivery(each, number) for number, each in enumerate(batch)], stop)
    assert [isinstance(each, Refusal) for each in outcomes] == [each in bad for each in batch]
    assert sorted(row["id"] for row in await read_model(db)) == sorted(each.aggregate_id for each in good)


async def test_caches_are_told_of_what_was_written_and_of_nothing_else(
    db: Database, context: Context, told: shop.Told, stop: asyncio.Event
) -> None:
    heard: list[tuple[str, UUID, int]] = []

    async def changed(resource: str, identifier: UUID, version: int) -> None:
        heard.append((resource, identifier, version))

    projector = Projector(context, [ORDERS], changed)
    order, gone = [await db.write(lambda transaction: shop.place(transaction), shard=0) for _ in range(2)]
    await db.write(partial(shop.change, identifier=order, total="2.00"), shard=0)
    await db.write(partial(shop.delete, identifier=gone), shard=0)
    await projector.process([delivery(stream_event(order, 2)), delivery(stream_event(gone, 2, "delete"))], stop)
    await projector.process([delivery(stream_event(order, 1)), delivery(stream_event(gone, 1))], stop)
    assert sorted(heard) == sorted([("order", order, 2), ("order", gone, 2)])
    assert told.total("events_consumed") == 4


async def test_a_row_that_is_gone_leaves_a_tombstone(db: Database, projector: Projector, stop: asyncio.Event) -> None:
    order = await db.write(lambda transaction: shop.place(transaction), shard=0)
    await projector.process([delivery(stream_event(order, 1))], stop)

    async def remove(transaction: Transaction) -> None:
        await transaction.execute("DELETE FROM order_events WHERE aggregate_id = $1", order)
        await transaction.execute("DELETE FROM orders WHERE id = $1", order)

    await db.write(remove, shard=0)
    await projector.process([delivery(stream_event(order, 2))], stop)
    assert await version_of(db, order) == (2, True)


async def test_messages_of_an_earlier_chassis_are_understood(
    db: Database, projector: Projector, stop: asyncio.Event
) -> None:
    """They carried the document, which the row is newer than."""
    order = await db.write(lambda transaction: shop.place(transaction, total="9.90"), shard=0)
    payload = '{"resource": "order", "operation": "create", "document": {"total": "1.00"}}'
    outcomes = await projector.process([delivery(stream_event(order, 1, payload=payload))], stop)
    assert outcomes == [Verdict.HANDLED]
    (row,) = await read_model(db)
    assert str(row["total"]) == "9.90"


async def test_the_stream_says_that_something_changed_and_not_what(db: Database) -> None:
    """Also where a service that was written for an earlier chassis gives the document."""

    async def work(transaction: Transaction) -> None:
        await transaction.record(
            Change(
                event_type="order.created",
                aggregate_type="order",
                aggregate_id=await shop.place(transaction),
                version=2,
                actor="c-1",
                correlation_id="request-1",
                payload={},
                read_model=ReadModelChange(stream=STREAM, operation="create", document=b'{"email": "canary"}'),
            )
        )

    await db.write(work, shard=0)
    said = [msgspec.json.decode(msgspec.json.decode(body)["payload"]) for body in await streamed(db)]
    assert said == [{"resource": "order", "operation": "create"}] * 2


async def test_the_lag_is_told(projector: Projector, told: shop.Told, stop: asyncio.Event) -> None:
    changed_at = datetime.now(UTC) - timedelta(seconds=100)
    await projector.process([delivery(stream_event(new_id(), 1, occurred_at=changed_at))], stop)
    (lag,) = told.values(names.READ_MODEL_LAG_SECONDS)
    assert 99 < lag < 200


async def test_any_order_with_repetitions_gives_the_same_read_model(
    db: Database, projector: Projector, stop: asyncio.Event
) -> None:
    await busy_orders(db)
    stream = await streamed(db)
    await projector.process([delivery(body, number, STREAM) for number, body in enumerate(stream)], stop)
    expected = await read_model(db)
    assert len(expected) == 30
    chance = random.Random(11)  # noqa: S311 - the same each time
    for _ in range(5):
        await db.write(lambda transaction: transaction.execute("TRUNCATE order_read_model"), shard=0)
        shuffled = stream * 2
        chance.shuffle(shuffled)
        while shuffled:
            batch = [shuffled.pop() for _ in range(min(len(shuffled), chance.randrange(1, 12)))]
            await projector.process([delivery(body, None, STREAM) for body in batch], stop)
        assert await read_model(db) == expected


async def test_several_projectors_at_once_give_the_same_read_model(
    db: Database, context: Context, projector: Projector, stop: asyncio.Event
) -> None:
    await busy_orders(db)
    stream = await streamed(db)
    await projector.process([delivery(body, number, STREAM) for number, body in enumerate(stream)], stop)
    expected = await read_model(db)
    await db.write(lambda transaction: transaction.execute("TRUNCATE order_read_model"), shard=0)

    async def one(seed: int) -> None:
        own = Projector(context, [ORDERS])
        shuffled = stream[:]
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - the same each time
        for start in range(0, len(shuffled), 7):
            part = shuffled[start : start + 7]
            outcomes = await own.process([delivery(body, None, STREAM) for body in part], stop)
            assert outcomes == [Verdict.HANDLED] * len(part)

    await asyncio.gather(*(one(seed) for seed in range(4)))
    assert await read_model(db) == expected


def living(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["deleted_at"] is None]


async def test_a_rebuild_gives_what_the_stream_gives(db: Database, projector: Projector, stop: asyncio.Event) -> None:
    await busy_orders(db)
    stream = await streamed(db)
    await projector.process([delivery(body, number, STREAM) for number, body in enumerate(stream)], stop)
    expected = await read_model(db)
    await db.write(lambda transaction: transaction.execute("TRUNCATE order_read_model"), shard=0)
    assert await rebuild(db, [ORDERS], stop) == {"order": 30}
    rebuilt = await read_model(db)
    assert living(rebuilt) == living(expected)
    assert [(row["id"], row["version"]) for row in rebuilt] == [(row["id"], row["version"]) for row in expected]


async def test_a_rebuild_mends_rows_of_the_same_version(db: Database, stop: asyncio.Event) -> None:
    await busy_orders(db)
    await rebuild(db, [ORDERS], stop)
    expected = await read_model(db)
    await db.write(lambda transaction: transaction.execute("UPDATE order_read_model SET status = 'lost'"), shard=0)
    await rebuild(db, [ORDERS], stop)
    assert living(await read_model(db)) == living(expected)


async def test_a_rebuild_in_pages_misses_nothing(
    db: Database, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.events.rebuild.PAGE", 4)
    made = await busy_orders(db)
    assert await rebuild(db, [ORDERS], stop) == {"order": 30}
    assert [row["id"] for row in await read_model(db)] == sorted(made)


async def test_a_rebuild_while_orders_change_and_the_projector_follows_ends_with_the_newest(
    db: Database, projector: Projector, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.events.rebuild.PAGE", 5)
    made = await busy_orders(db)
    alive = [row["id"] for row in await db.fetch("SELECT id FROM orders WHERE deleted_at IS NULL", shard=0, fresh=True)]
    assert len(made) > len(alive) > 10
    writing = True

    async def change() -> None:
        for number in range(60):
            changing = partial(shop.change, identifier=alive[number % 10], total=f"{number}.50")
            await db.write(changing, shard=0)
        await db.write(lambda transaction: shop.delete(transaction, alive[0]), shard=0)

    async def follow() -> None:
        done = 0
        while writing or done < len(await streamed(db)):
            stream = (await streamed(db))[done : done + 9]
            await projector.process([delivery(body, done + n, STREAM) for n, body in enumerate(stream)], stop)
            done += len(stream)

    following = asyncio.create_task(follow())
    changing = asyncio.create_task(change())
    while not changing.done():
        await rebuild(db, [ORDERS], stop)
    await changing
    writing = False
    await following
    kept = await db.fetch(
        "SELECT id, version, total FROM orders WHERE deleted_at IS NULL ORDER BY id", shard=0, fresh=True
    )
    shown = living(await read_model(db))
    assert [(row["id"], row["version"], row["total"]) for row in shown] == [tuple(row) for row in kept]


async def test_tombstones_go_when_nothing_can_come_late_any_more(
    db: Database, projector: Projector, stop: asyncio.Event
) -> None:
    old, new = new_id(), new_id()
    living_one = await db.write(lambda transaction: shop.place(transaction), shard=0)
    long_ago = datetime.now(UTC) - timedelta(days=limits.KEPT_TOMBSTONE_DAYS, hours=1)
    batch = [
        stream_event(old, 2, "delete", occurred_at=long_ago),
        stream_event(new, 2, "delete"),
        stream_event(living_one, 1),
    ]
    await projector.process([delivery(each) for each in batch], stop)
    assert await db.write(projector.prune, shard=0) == 1
    assert {row["id"] for row in await read_model(db)} == {new, living_one}


async def test_a_read_model_is_not_read_for_its_few_tombstones(db: Database) -> None:
    fill = """
        INSERT INTO order_read_model (id, document, version, created_at, updated_at, deleted_at)
        SELECT gen_random_uuid(), '{}', 1, now(), now(),
            CASE WHEN number <= 10 THEN now() - interval '1 year' WHEN number <= 1000 THEN now() END
        FROM generate_series(1, 20000) AS number
    """
    await db.write(lambda transaction: transaction.execute(fill), shard=0)
    await db.write(lambda transaction: transaction.execute("ANALYZE order_read_model"), shard=0)

    async def explain(transaction: Transaction) -> str:
        statement = f"EXPLAIN (ANALYZE, FORMAT JSON) {ORDERS.prune}"
        return str(await transaction.fetchval(statement, timedelta(days=limits.KEPT_TOMBSTONE_DAYS), 100))

    assert rows_read(plan_of(await db.write(explain, shard=0))) <= 10
    assert len(await read_model(db)) == 19_990
