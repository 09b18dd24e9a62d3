"""No record of a topic, a queue or the event log ends its reader: each is handled, refused or left out (h17).

The records are generated: without key or value, broken, of wrong types, extreme, too large, of unknown versions, with
headers of any kind. What is refused is in dead letters, with a reason that the broker takes.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chassis.tests.events import records, shop
from chassis.tests.events.shop import ORDERS, SETTLED, STREAM
from chassis.tests.waiting import until
from groundplan_chassis.context import Context
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.environment import Address
from groundplan_chassis.erasure import again, erasure_handler
from groundplan_chassis.events import limits
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.event_log import Days, FolderLog
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.kafka import dead_letters
from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.dead_letters import DeadLetterTopic
from groundplan_chassis.events.kafka.redrive import DeadLetterReader
from groundplan_chassis.events.kafka.subscription import KafkaSubscription
from groundplan_chassis.events.port import Processor
from groundplan_chassis.events.projector import Projector
from groundplan_chassis.events.queues.subscription import QueueSubscription
from groundplan_chassis.events.replay import replay
from groundplan_chassis.events.schema import PayloadSchema
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import DatabaseSettings, KafkaSettings, QueueSettings
from groundplan_devkit.testing import FreshDatabase

T = TypeVar("T")
TOPIC = "shop.topic"
SEND_BYTES = 1_048_576
"""aiokafka's own limit for a request."""


def samples(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """The same in each run of the same tests."""
    found: list[T] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr(limits, "LONGEST_PAUSE_SECONDS", 0.0005)


@pytest.fixture
def context(db: Database, where: DatabaseSettings, recorded: shop.MetricRecorder) -> Context:
    return shop.context(shop.settings("consumer", where, None), db, recorded)


async def note(transaction: Transaction, event: Event, _: Context) -> None:
    """Writes what the event brings, as a service's handler may."""
    await transaction.fetchval(
        "SELECT $1::text || $2::text || $3::text", event.actor, event.correlation_id, event.payload
    )
    await transaction.fetchval("SELECT $1::timestamptz", event.occurred_at)
    event.data()["amount"]


@pytest.fixture(params=["consumer", "projector"])
def processor(request: pytest.FixtureRequest, context: Context) -> Processor:
    if request.param == "projector":
        return Projector(context, [ORDERS])
    schema = PayloadSchema(2, {1: lambda old: {"amount": old["total"]}})
    return Consumer(context, {SETTLED: Handler(note, schema=schema)})


class Producer:
    """Stands for aiokafka's: it takes what that takes."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes | None, Mapping[str, bytes | None]]] = []

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> None:
        assert topic == "dead"
        assert not (value is None and key is None), "Need at least one: key or value"
        if len(value or b"") + len(key or b"") > SEND_BYTES:
            raise MessageSizeTooLargeError
        for name, content in headers:
            assert isinstance(name.encode(), bytes)
            assert content is None or isinstance(content, bytes)
        self.sent.append((value, dict(headers)))


class Client:
    """Stands for aiokafka's consumer of one partition; it can't read records whose headers' names are no text."""

    def __init__(self, given: Sequence[ConsumerRecord[Any, Any]]) -> None:
        self.given = given
        self.at = self.committed = 0

    def __call__(self, **options: object) -> Client:
        del options
        return self

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.assigning = asyncio.create_task(listener.on_partitions_assigned([TopicPartition(topics[0], 0)]))

    async def getmany(self, partition: TopicPartition, *, timeout_ms: int, max_records: int) -> Mapping[Any, Any]:
        del timeout_ms
        part = self.given[self.at : self.at + max_records]
        if not part:
            await asyncio.sleep(0.01)
            return {}
        for record in part:
            for name, _ in record.headers:
                name.encode()
        self.at += len(part)
        return {partition: list(part)}

    async def position(self, _: TopicPartition) -> int:
        return self.at

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.given))

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.at = offset

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed = max(self.committed, *offsets.values())


unreadable = st.just([("\udcff", b"")])
"""Headers with a name that is no UTF-8."""


def kafka_records(count: int) -> list[ConsumerRecord[Any, Any]]:
    found = samples(st.tuples(records.keys, records.values, st.one_of(records.headers, unreadable)), count)
    return [
        ConsumerRecord(TOPIC, 0, offset, 0, 0, key, value, None, 0, 0, tuple(headers))
        for offset, (key, value, headers) in enumerate(found)
    ]


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Producer:
    made = Producer()

    async def started(_: object) -> Producer:
        return made

    async def ended(_: object) -> None: ...

    monkeypatch.setattr(dead_letters, "start", started)
    monkeypatch.setattr(dead_letters, "end", ended)
    return made


def connection(event: str) -> Connection:
    where = (Address("127.0.0.1", 1),)
    return Connection(KafkaSettings(where, "plaintext", None, {}, {event: TOPIC}, "group", "dead"), {})


@pytest.mark.parametrize("event", [SETTLED, STREAM])
async def test_no_record_of_a_topic_ends_its_reader(
    event: str, processor: Processor, producer: Producer, recorded: shop.MetricRecorder
) -> None:
    given = kafka_records(250)
    client = Client(given)
    way = connection(event)
    subscription = KafkaSubscription(way, DeadLetterTopic(way, recorded.metrics), client=cast(Any, client))
    stop = asyncio.Event()
    running = asyncio.create_task(subscription.run(processor, stop))
    await until(lambda: running.done() or client.committed == len(given))
    stop.set()
    await running
    assert client.committed == len(given)
    refused = {int(headers["dead-letter-offset"] or b"-1") for _, headers in producer.sent}
    assert refused
    assert all(headers["dead-letter-reason"] for _, headers in producer.sent)


async def test_no_dead_letter_ends_a_redrive(
    processor: Processor, producer: Producer, recorded: shop.MetricRecorder
) -> None:
    given = kafka_records(200)
    client = Client(given)
    way = connection(SETTLED)
    reader = DeadLetterReader(way, DeadLetterTopic(way, recorded.metrics))
    partition = TopicPartition(TOPIC, 0)
    client.assign = lambda _: None  # type: ignore[attr-defined]
    done = await reader._all(client, [partition], processor, asyncio.Event())
    assert (done.handled + done.refused, done.left) == (len(given), 0)
    assert done.refused == len(producer.sent)


class Sqs:
    """Stands for the client of SQS: it takes the characters that SQS takes."""

    _OTHERS = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.letters: list[dict[str, Any]] = []

    async def send_message(self, **message: Any) -> None:
        attributes = message["MessageAttributes"]
        for text in (message["MessageBody"], *(each.get("StringValue", "x") for each in attributes.values())):
            if not text or self._OTHERS.search(text):
                raise ClientError({"Error": {"Code": "InvalidMessageContents"}}, "SendMessage")
        assert len(attributes) <= 10
        self.letters.append(message)

    async def delete_message_batch(self, **request: Any) -> None:
        self.deleted += [each["ReceiptHandle"] for each in request["Entries"]]

    async def change_message_visibility_batch(self, **request: Any) -> None:
        raise AssertionError(f"it comes again, for ever: {request}")


def messages(count: int) -> Iterator[dict[str, Any]]:
    """Of characters that SQS takes, which is text."""
    attributes = st.dictionaries(
        st.sampled_from(["event", "x", "dead-letter-source"]),
        st.fixed_dictionaries({"DataType": st.just("String"), "StringValue": st.sampled_from(["a", SETTLED, STREAM])}),
    )
    for number, (body, known) in enumerate(samples(st.tuples(records.bodies, attributes), count)):
        text = Sqs._OTHERS.sub("?", body.decode(errors="replace")) or "?"
        yield {"MessageId": str(number), "ReceiptHandle": str(number), "Body": text, "MessageAttributes": known}


async def test_no_message_of_a_queue_ends_its_reader(processor: Processor, recorded: shop.MetricRecorder) -> None:
    client = Sqs()
    absent: Any = None
    subscription = QueueSubscription(QueueSettings({}, frozenset(), "queue", "dead"), absent, recorded.metrics)
    given = list(messages(250))
    for start in range(0, len(given), 10):
        await subscription._work(client, given[start : start + 10], 30, processor, asyncio.Event())
    assert sorted(map(int, client.deleted)) == list(range(len(given)))
    assert client.letters


DAY = date(2026, 11, 3)


def logged(folder: Path, event: str, bodies: Sequence[bytes]) -> int:
    """Writes the log; returns how many lines are not blank."""
    path = folder / "events" / f"event={event}" / f"day={DAY}" / "hour=07" / "1.gz"
    path.parent.mkdir(parents=True)
    content = b"".join(body + b"\n" for body in bodies)
    path.write_bytes(gzip.compress(content))
    return sum(bool(line.strip()) for line in content.splitlines())


@pytest.mark.parametrize("event", [SETTLED, STREAM])
async def test_no_line_of_the_event_log_ends_a_replay(event: str, processor: Processor, tmp_path: Path) -> None:
    lines = logged(tmp_path, event, samples(records.bodies, 250))
    done = await replay(FolderLog(tmp_path), [event], Days(DAY, DAY), processor, asyncio.Event())
    assert done.handled + done.refused + done.repeated + done.unreadable == lines
    assert done.left == 0
    assert done.refused
    assert done.unreadable


ERASURES = """
    CREATE TABLE erasures (
        id uuid PRIMARY KEY,
        subject text NOT NULL,
        actor text NOT NULL,
        correlation_id text NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT now()
    )
"""


async def test_no_line_of_the_event_log_ends_erasing_again(
    tables: FreshDatabase, context: Context, db: Database, tmp_path: Path
) -> None:
    tables.execute(f"SET ROLE {tables.user}; {ERASURES}")
    subjects = st.one_of(
        st.text(max_size=10), st.just("\x00"), st.just("person"), st.integers(), st.none(), st.just([])
    )

    def payload(subject: object) -> str:
        return msgspec.json.encode({"subject": subject}).decode()

    erased = st.builds(
        lambda subject, when: records.changed({"payload": payload(subject), "occurred_at": when}),
        subjects,
        records.times,
    )
    given = samples(st.one_of(records.bodies, erased), 250)
    logged(tmp_path, "user.erased", [*given, records.changed({"payload": payload("the last")})])
    service: Any = SimpleNamespace(
        name="order", erasables=(), publishes=(), consumers={"user.erased": erasure_handler("subject")}
    )
    arguments = argparse.Namespace(log=str(tmp_path), first=DAY)
    with pytest.raises(ProblemsFound, match="lines unreadable"):
        await again.run(service, context, arguments, asyncio.Event())
    found = await db.fetch("SELECT DISTINCT subject FROM erasures", shard=0, fresh=True)
    assert {"person", "the last"} <= {row["subject"] for row in found}
    assert datetime.now(UTC).date() > DAY
