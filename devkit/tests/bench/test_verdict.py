"""The verdict sees what is lost and what is done twice: each in tables where exactly that is wrong."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from groundplan.declaration.model import System
from groundplan_devkit import names
from groundplan_devkit.bench.faults import verdict as judging
from groundplan_devkit.bench.faults.ledger import Ledger
from groundplan_devkit.bench.faults.verdict import verdict
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.testing import FreshDatabase

SYSTEM = System.model_validate(
    {
        "name": "shop",
        "identity": {"roles": ["customer"]},
        "services": {
            "order": {
                "cqrs": True,
                "resources": {
                    "order": {
                        "fields": {"name": {"type": "string", "required": True}},
                        "operations": {"list": ["customer"], "get": ["customer"], "create": ["customer"]},
                    }
                },
                "publishes": ["order.placed"],
                "consumes": ["order.placed"],
            }
        },
    }
)
TABLES = """
    CREATE TABLE orders (id uuid PRIMARY KEY, version integer NOT NULL);
    CREATE TABLE order_events (aggregate_id uuid, version integer, correlation_id text, event_type text);
    CREATE TABLE order_read_model (id uuid PRIMARY KEY, version integer NOT NULL);
    CREATE TABLE outbox (event_id uuid PRIMARY KEY, topic text, sent_at timestamptz);
    CREATE TABLE inbox (event_id uuid PRIMARY KEY, topic text);
"""
WRITES = 5


@dataclasses.dataclass
class Installation:
    events_scope: str = "shop"

    def topic(self, event: str) -> str:
        return event

    def roles(self, service: str) -> tuple[str, ...]:
        del service
        return ("command", "query", "consumer", "projector")


class Records:
    """Everything that a run leaves behind, all of it as it should be."""

    def __init__(self, connection: Any, log: Path) -> None:
        self.connection = connection
        self.log = log
        self.system = SYSTEM
        self.installation = Installation()
        self.ledger = Ledger()
        self.topics: dict[str, list[str]] = {}
        self.first = uuid4()

    async def query(self, service: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
        del service
        return cast(list[asyncpg.Record], await self.connection.fetch(statement, *arguments))

    async def fill(self) -> None:
        await self.connection.execute(TABLES)
        events = []
        for number in range(WRITES):
            row, event = (self.first if number == 0 else uuid4()), uuid4()
            self.ledger.acknowledged[uuid4()] = row
            events.append(str(event))
            await self.run("INSERT INTO orders VALUES ($1, 1)", row)
            await self.run("INSERT INTO order_events VALUES ($1, 1, $2, 'order.placed')", row, f"request {number}")
            await self.run("INSERT INTO order_read_model VALUES ($1, 1)", row)
            await self.run("INSERT INTO outbox VALUES ($1, 'order.placed', now())", event)
            await self.run("INSERT INTO inbox VALUES ($1, 'order.placed')", event)
        self.topics["order.placed"] = events
        self.write_log(events)

    def write_log(self, events: list[str]) -> None:
        lines = "".join(json.dumps({"event_id": each}) + "\n" for each in events)
        (self.log / "events.gz").write_bytes(gzip.compress(lines.encode()))

    async def run(self, statement: str, *arguments: object) -> None:
        await self.connection.execute(statement, *arguments)

    async def wrong(self) -> set[str]:
        target = Target("order", SYSTEM.services["order"].resources["order"], "/api/v1/orders", ())
        found = await verdict(cast(Stage, self), "order", target, self.ledger, self.log)
        assert len(found) > 10
        return {each.what for each in found if not each.holds}


@pytest.fixture
async def records(database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Records]:
    connection = await asyncpg.connect(database.dsn)
    made = Records(connection, tmp_path)
    await made.fill()

    async def on_topics(_: Stage, topics: list[str]) -> list[str]:
        return [id_ for topic in topics for id_ in made.topics.get(topic, [])]

    monkeypatch.setattr(judging, "_on_topics", on_topics)
    yield made
    await connection.close()


async def test_nothing_is_wrong(records: Records) -> None:
    assert await records.wrong() == set()


BROKEN = {
    "DELETE FROM orders WHERE id = $1": "acknowledged writes with a row",
    "INSERT INTO orders SELECT gen_random_uuid(), 1 WHERE $1::uuid IS NOT NULL": "rows that no client was told of",
    "DELETE FROM order_events WHERE aggregate_id = $1": "order: each `order` with a history without gaps or doubles",
    "UPDATE orders SET version = 2 WHERE id = $1": "order: each `order` with a history without gaps or doubles",
    "INSERT INTO order_events SELECT * FROM order_events WHERE aggregate_id = $1": (
        "order: changes of `order`, each kind once a request"
    ),
    "DELETE FROM order_read_model WHERE id = $1": "order: read model of `order` at the last version",
    "UPDATE order_read_model SET version = 7 WHERE id = $1": "order: read model of `order` at the last version",
    "DELETE FROM inbox WHERE event_id = (SELECT min(event_id::text)::uuid FROM inbox) AND $1::uuid IS NOT NULL": (
        "order: `order.placed` handled"
    ),
    "UPDATE outbox SET sent_at = NULL WHERE event_id = (SELECT min(event_id::text)::uuid FROM outbox) "
    "AND $1::uuid IS NOT NULL": "order: events not sent",
}


@pytest.mark.parametrize("statement", BROKEN)
async def test_what_is_wrong_in_a_table_is_found(records: Records, statement: str) -> None:
    await records.run(statement, records.first)
    assert BROKEN[statement] in await records.wrong()


async def test_an_event_that_is_not_on_its_topic(records: Records) -> None:
    records.topics["order.placed"].pop()
    assert await records.wrong() == {"order: events on their topics"}


async def test_an_event_that_is_not_in_the_log(records: Records) -> None:
    records.write_log(records.topics["order.placed"][1:])
    assert await records.wrong() == {"order: events in the event log"}


async def test_a_dead_letter(records: Records) -> None:
    records.topics[names.dead_letter_topic_name("shop", "order")] = [str(uuid4())]
    assert await records.wrong() == {"order: dead letters"}


async def test_clients_know_more_than_the_service(records: Records) -> None:
    records.ledger.acknowledged[uuid4()] = uuid4()
    assert await records.wrong() == {"acknowledged writes with a row"}


async def test_one_row_acknowledged_for_two_writes(records: Records) -> None:
    records.ledger.acknowledged[uuid4()] = records.first
    assert await records.wrong() == {"different ids acknowledged"}


async def test_a_write_that_was_given_up(records: Records) -> None:
    records.ledger.given_up.append(UUID(int=1))
    assert await records.wrong() == {"writes given up by their clients"}
