"""Events of a service whose database is in shards: each effect is in one of them, the same one each time (D3, A3)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from chassis.tests.events import shop
from chassis.tests.events.shop import ORDERS, SETTLED, STREAM, delivery, event_of, stream_event
from groundplan_chassis.context import Context
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.port import Verdict
from groundplan_chassis.events.projector import Projector
from groundplan_chassis.events.rebuild import rebuild
from groundplan_chassis.identifiers import derived_id, new_id, shard_of
from groundplan_chassis.settings import ShardGeneration
from groundplan_devkit.testing import PrivateServers, label

SECOND_SHARD = date(2026, 10, 1)
"""From this day on there are two."""
BEFORE = datetime(2026, 9, 30, 23, 59, tzinfo=UTC)


@pytest.fixture
async def db(private_servers: PrivateServers) -> AsyncIterator[Database]:
    servers = private_servers("postgres", shards=2, replicas=0)
    assert servers.postgres is not None
    name, ports = label(), [shard.primary.port for shard in servers.postgres.shards[:2]]
    tls = ssl.create_default_context(cafile=servers.authority) if servers.postgres.shards[0].tls else None
    for number, port in enumerate(ports):
        servers.postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'", shard=number)
        servers.postgres.execute(f"GRANT {name} TO CURRENT_USER", shard=number)
        servers.postgres.execute(f"CREATE DATABASE {name} OWNER {name}", shard=number)
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user=name, password=name, database=name, ssl=tls or False
        )
        await connection.execute(shop.tables())
        await connection.close()
    generations = (ShardGeneration(date(2026, 1, 1), 1), ShardGeneration(SECOND_SHARD, 2))
    where = replace(shop.database_settings(name, ports), shard_map=generations)
    opened = await Database.open(where, shop.Credentials(name, name), shop.NoStatements(), tls)
    yield opened
    await opened.close()


@pytest.fixture
def context(db: Database, recorded: shop.MetricRecorder) -> Context:
    return shop.context(shop.settings("consumer", shop.database_settings("none", [1, 2]), None), db, recorded)


async def order_of(transaction: Transaction, event: Event, _context: Context) -> None:
    await shop.place(transaction, derived_id(event.event_id, "order", transaction.shard))


async def counts(db: Database, table: str) -> list[int]:
    return [rows[0][0] for rows in await db.each_shard(f"SELECT count(*) FROM {table}", fresh=True)]  # noqa: S608


async def test_effects_spread_and_are_there_once(db: Database, context: Context) -> None:
    stop = asyncio.Event()
    events = [event_of() for _ in range(40)]
    consumer = Consumer(context, {SETTLED: Handler(order_of)})
    for _ in range(2):
        assert await consumer.process([delivery(each) for each in events], stop) == [Verdict.HANDLED] * 40
    orders = await counts(db, "orders")
    assert sum(orders) == 40
    assert min(orders) > 0
    assert await counts(db, "inbox") == orders
    for shard, rows in enumerate(await db.each_shard("SELECT id FROM orders", fresh=True)):
        assert {shard_of(row["id"]) for row in rows} == {shard}


async def test_an_event_that_comes_again_after_a_new_shard_began_meets_its_first_effect(
    db: Database, context: Context
) -> None:
    stop = asyncio.Event()
    events = [event_of(occurred_at=BEFORE - timedelta(days=number)) for number in range(20)]
    consumer = Consumer(context, {SETTLED: Handler(order_of)})
    # Today both shards take new rows; these events are of a time when there was one.
    assert {db.place(str(each.aggregate_id)) for each in events} == {0, 1}
    await consumer.process([delivery(each) for each in events], stop)
    assert await counts(db, "orders") == [20, 0]


async def test_what_an_event_says_of_a_row_is_done_where_the_row_is(db: Database, context: Context) -> None:
    stop = asyncio.Event()
    placed = {shard: new_id(shard) for shard in db.shards}
    for shard, identifier in placed.items():
        await db.write(partial(shop.place, identifier=identifier), shard=shard)

    async def pay(transaction: Transaction, event: Event, _context: Context) -> None:
        await shop.change(transaction, UUID(event.data()["order_id"]), "7.00")

    handler = Handler(pay, shard=lambda event: UUID(event.data()["order_id"]))
    batch = [event_of(payload=f'{{"order_id": "{identifier}"}}') for identifier in placed.values()]
    outcomes = await Consumer(context, {SETTLED: handler}).process([delivery(each) for each in batch], stop)
    assert outcomes == [Verdict.HANDLED] * 2
    for rows in await db.each_shard("SELECT version FROM orders", fresh=True):
        assert [row["version"] for row in rows] == [2]


async def test_read_models_are_on_the_shards_of_their_rows(db: Database, context: Context) -> None:
    stop = asyncio.Event()
    batch = [stream_event(new_id(shard), 1) for shard in (0, 1, 0, 1, 1)]
    projector = Projector(context, [ORDERS])
    deliveries = [delivery(each, number, STREAM) for number, each in enumerate(batch)]
    assert await projector.process(deliveries, stop) == [Verdict.HANDLED] * 5
    assert await counts(db, "order_read_model") == [2, 3]
    positions = await db.each_shard("SELECT position FROM read_model_positions", fresh=True)
    assert [[row["position"] for row in rows] for rows in positions] == [[3], [5]]


async def test_a_rebuild_looks_at_every_shard(db: Database) -> None:
    for shard in (0, 1, 1):
        await db.write(partial(shop.place, identifier=new_id(shard)), shard=shard)
    assert await rebuild(db, [ORDERS], asyncio.Event()) == {"order": 3}
    assert await counts(db, "order_read_model") == [1, 2]
