"""Processes are killed, brokers and databases go away: no event is lost and no effect is there twice (A3, A4, T4)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.tests.events import shop
from chassis.tests.events.processes import Stage, ended
from chassis.tests.events.program import EFFECTS
from chassis.tests.events.shop import PLACED, STREAM
from chassis.tests.waiting import until
from groundplan_chassis.database.database import Database
from groundplan_chassis.http.errors import ApiError
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names
from groundplan_chassis.settings import DatabaseSettings
from groundplan_devkit.provision import topics
from groundplan_devkit.provision.installation import REGION
from groundplan_devkit.provision.queues import Queues
from groundplan_devkit.servers import Servers
from groundplan_devkit.testing import FreshDatabase, PrivateServers, label

PARTITIONS = 3
KILLS = int(os.environ.get("EVENT_KILLS", "24"))
SEED = int(os.environ.get("EVENT_SEED", "13"))


def on_kafka(servers: Servers, prefix: str) -> dict[str, dict[str, str]]:
    """Topics as the Kafka component declares them, and what processes are told of them."""
    assert servers.kafka is not None
    by_event = {event: f"{prefix}.{event}" for event in (PLACED, STREAM)}
    letters = {role: f"{prefix}.{role}.dead-letter" for role in ("consumer", "projector")}
    made = [topics.Topic(each, PARTITIONS, 1) for each in (*by_event.values(), *letters.values())]
    topics.create(servers.kafka.bootstrap, made)
    broker = {
        "EVENTS_BROKER": "kafka",
        "KAFKA_BOOTSTRAP": servers.kafka.bootstrap,
        "KAFKA_SECURITY": "plaintext",
        "EVENT_TOPICS": json.dumps(by_event),
    }

    def reader(role: str, event: str) -> dict[str, str]:
        own = {"EVENT_SOURCES": json.dumps({event: by_event[event]}), "EVENT_GROUP": f"{prefix}.{role}"}
        return {**broker, **own, "EVENT_DEAD_LETTERS": letters[role]}

    return {"relay": broker, "consumer": reader("consumer", PLACED), "projector": reader("projector", STREAM)}


def on_queues(servers: Servers, prefix: str) -> dict[str, dict[str, str]]:
    """The same with SNS and SQS. Messages of a killed reader are visible again after some seconds."""
    assert servers.aws is not None
    made = Queues(
        servers.aws,
        REGION,
        prefix,
        {PLACED: ["consumer"], STREAM: ["projector"]},
        retention_hours=1,
        visibility_seconds=6,
    )
    sqs = servers.aws.client("sqs", REGION)
    for url in made.queue_urls.values():
        # Readers are killed more often here than a message may be received.
        letters = json.loads(_redrive(sqs, url))
        policy = json.dumps(letters | {"maxReceiveCount": 1000})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    broker = {"EVENTS_BROKER": "sqs", "EVENT_TOPICS": json.dumps(made.topic_arns)}

    def reader(role: str, event: str) -> dict[str, str]:
        own = {"EVENT_SOURCES": json.dumps([event]), "EVENT_QUEUE_URL": made.queue_urls[role]}
        return {**broker, **own, "EVENT_DEAD_LETTERS": made.dead_letter_urls[role]}

    return {"relay": broker, "consumer": reader("consumer", PLACED), "projector": reader("projector", STREAM)}


def _redrive(sqs: object, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])  # type: ignore[attr-defined]
    return str(answer["Attributes"]["RedrivePolicy"])


@pytest.fixture(params=[on_kafka, on_queues], ids=["kafka", "queues"])
def stage(
    request: pytest.FixtureRequest,
    servers: Servers,
    tables: FreshDatabase,
    credentials: shop.Credentials,
    tmp_path: Path,
) -> Iterator[Stage]:
    tables.execute(f"SET ROLE {tables.user}; {EFFECTS}")
    with ended(Stage(servers, tables.name, credentials, tmp_path, request.param(servers, label()))) as made:
        yield made


class Customers:
    """Place, change and delete orders until they are told to stop; what was acknowledged must never be lost."""

    def __init__(self, database: Database, pause: float = 0.004) -> None:
        """``pause``: seconds between two of them."""
        self._database = database
        self._pause = pause
        self._chance = random.Random(3)  # noqa: S311 - the same each time
        self._stop = asyncio.Event()
        self.placed: list[UUID] = []
        self.failed = 0

    async def run(self) -> None:
        while not self._stop.is_set():
            try:
                await self._one()
            except ApiError:
                self.failed += 1
            await asyncio.sleep(self._pause)

    def stop(self) -> None:
        self._stop.set()

    async def _one(self) -> None:
        what = self._chance.random()
        if what < 0.5 or not self.placed:
            identifier = new_id()
            await self._database.write(partial(shop.place, identifier=identifier), shard=0)
            self.placed.append(identifier)
            return
        identifier = self._chance.choice(self.placed)
        if what < 0.9:
            total = str(self._chance.randrange(1000))
            await self._database.write(partial(shop.change, identifier=identifier, total=total), shard=0)
        else:
            await self._database.write(partial(shop.delete, identifier=identifier), shard=0)
            self.placed.remove(identifier)


async def caught_up(database: Database) -> bool:
    """Everything is sent, handled and shown."""
    return bool(
        await database.fetchval(
            """
            SELECT NOT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)
                AND (SELECT count(DISTINCT event_id) FROM effects) = (SELECT count(*) FROM outbox WHERE topic = $1)
                AND NOT EXISTS (
                    SELECT FROM orders LEFT JOIN order_read_model AS shown USING (id)
                    WHERE shown.version IS DISTINCT FROM orders.version
                )
            """,
            PLACED,
            shard=0,
            fresh=True,
        )
    )


async def assert_whole(database: Database, placed: list[UUID]) -> None:
    """Each event had its effect once, and the read model is what the tables are."""
    twice = await database.fetch(
        "SELECT event_id FROM effects GROUP BY event_id HAVING count(*) > 1", shard=0, fresh=True
    )
    assert twice == []
    lost = await database.fetch(
        "SELECT event_id FROM outbox WHERE topic = $1 AND event_id NOT IN (SELECT event_id FROM effects)",
        PLACED,
        shard=0,
        fresh=True,
    )
    assert lost == []
    differing = await database.fetch(
        """
        SELECT id FROM orders FULL JOIN order_read_model AS shown USING (id)
        WHERE (orders.version, orders.deleted_at IS NULL) IS DISTINCT FROM (shown.version, shown.deleted_at IS NULL)
            OR orders.deleted_at IS NULL AND (orders.total, orders.status) IS DISTINCT FROM (shown.total, shown.status)
        """,
        shard=0,
        fresh=True,
    )
    assert differing == []
    there = await database.fetch("SELECT id FROM orders WHERE deleted_at IS NULL", shard=0, fresh=True)
    assert {row["id"] for row in there} == set(placed)


async def test_relays_consumers_and_projectors_killed_at_any_moment(stage: Stage, db: Database) -> None:
    everybody = ["relay", "relay-2", "consumer", "consumer-2", "projector"]
    for name in everybody:
        stage.start(name)
    # moto is one process that answers one request at a time.
    customers = Customers(db, 0.004 if "KAFKA_BOOTSTRAP" in stage.events["relay"] else 0.04)
    ordering = asyncio.create_task(customers.run())
    chance = random.Random(SEED)  # noqa: S311 - the same each time
    await asyncio.sleep(3)
    for _ in range(KILLS):
        name = chance.choice(everybody)
        stage.kill(name)
        stage.start(name)
        await asyncio.sleep(chance.uniform(0.1, 1.5))
    customers.stop()
    await ordering
    stage.check()
    await until(lambda: caught_up(db))
    await assert_whole(db, customers.placed)
    assert customers.failed == 0
    assert len(customers.placed) > 50
    for name in everybody:
        assert stage.stop(name) == 0, stage.said(name)[-3000:]
        assert "DeadLetter" not in stage.said(name)


@pytest.fixture
async def hurt(private_servers: PrivateServers, tmp_path: Path) -> AsyncIterator[tuple[Stage, Database]]:
    """Servers of the test's own, with Kafka between the processes."""
    servers = private_servers("postgres", "kafka", "aws", replicas=0)
    assert servers.postgres is not None
    name = label()
    postgres = servers.postgres
    postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    postgres.execute(f"GRANT {name} TO CURRENT_USER")
    postgres.execute(f"CREATE DATABASE {name} OWNER {name}")
    where: DatabaseSettings = shop.database_settings(name, [postgres.shards[0].primary.port])
    credentials = shop.Credentials(name, name)
    tls = ssl.create_default_context(cafile=postgres.authority) if postgres.shards[0].tls else None
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=postgres.shards[0].primary.port,
        user=name,
        password=name,
        database=name,
        ssl=tls or False,
    )
    await connection.execute(f"{shop.tables()}; {EFFECTS}")
    await connection.close()
    database = await Database.open(where, credentials, shop.NoStatements(), tls)
    with ended(Stage(servers, name, credentials, tmp_path, on_kafka(servers, name))) as stage:
        yield stage, database
    await database.close()


async def test_the_broker_killed_and_started_again(hurt: tuple[Stage, Database]) -> None:
    stage, database = hurt
    for name in ("relay", "consumer", "projector"):
        stage.start(name)
    customers = Customers(database)
    ordering = asyncio.create_task(customers.run())
    await until(lambda: _some_effects(database))
    for absence in (2, 25):
        stage.servers.kill("kafka")
        await asyncio.sleep(absence)
        await asyncio.to_thread(stage.servers.start, "kafka")
        await asyncio.sleep(3)
    customers.stop()
    await ordering
    stage.check()
    await until(lambda: caught_up(database))
    await assert_whole(database, customers.placed)
    assert customers.failed == 0, "requests don't notice the broker's absence"
    for name in ("relay", "consumer", "projector"):
        assert stage.stop(name) == 0
        assert "DeadLetter" not in stage.said(name)
    ages = [each["Max"] for each in stage.metric("relay", names.OUTBOX_AGE_SECONDS)]
    assert max(ages) > 10, "the outbox's age tells of the absence"


async def _some_effects(database: Database) -> bool:
    return bool(await database.fetchval("SELECT count(*) > 20 FROM effects", shard=0, fresh=True))


async def test_the_database_stopped_and_started_again(hurt: tuple[Stage, Database]) -> None:
    stage, database = hurt
    for name in ("relay", "consumer", "projector"):
        stage.start(name)
    customers = Customers(database)
    ordering = asyncio.create_task(customers.run())
    await until(lambda: _some_effects(database))
    for absence in (1, 15):
        await asyncio.to_thread(stage.servers.stop, "postgres-1")
        await asyncio.sleep(absence)
        await asyncio.to_thread(stage.servers.start, "postgres-1")
        await asyncio.sleep(3)
    customers.stop()
    await ordering
    stage.check()
    await until(lambda: caught_up(database))
    await assert_whole(database, customers.placed)
    assert customers.failed > 0
    for name in ("relay", "consumer", "projector"):
        assert stage.stop(name) == 0
        assert "DeadLetter" not in stage.said(name)


async def test_events_of_each_order_are_in_the_topic_in_order_after_all_faults(
    hurt: tuple[Stage, Database],
) -> None:
    """First occurrences, that is: what a relay that was killed had sent already is there again."""
    stage, database = hurt
    everybody = ["relay", "relay-2", "relay-3"]
    for name in everybody:
        stage.start(name)
    customers = Customers(database)
    ordering = asyncio.create_task(customers.run())
    chance = random.Random(17)  # noqa: S311 - the same each time
    for _ in range(KILLS // 2):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        name = chance.choice(everybody)
        stage.kill(name)
        stage.start(name)
    customers.stop()
    await ordering
    unsent = "SELECT NOT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)"
    await until(lambda: database.fetchval(unsent, shard=0, fresh=True))
    assert stage.servers.kafka is not None
    topic = json.loads(stage.events["relay"]["EVENT_TOPICS"])[STREAM]
    first: dict[str, list[int]] = {}
    for body in await everything(stage.servers.kafka.bootstrap, topic):
        event = json.loads(body)
        versions = first.setdefault(event["aggregate_id"], [])
        if event["version"] not in versions:
            versions.append(event["version"])
    rows = await database.fetch("SELECT id, version FROM orders", shard=0, fresh=True)
    assert first == {str(row["id"]): list(range(1, row["version"] + 1)) for row in rows}


async def everything(bootstrap: str, topic: str) -> list[bytes]:
    """The bodies of all records, each partition's in its order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        bodies: list[bytes] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                found = await consumer.getmany(partition, timeout_ms=500)
                bodies += [record.value for record in found.get(partition, ())]
        return bodies
    finally:
        await consumer.stop()
