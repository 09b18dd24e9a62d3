"""Kafka behind the port: order, groups, dead letters (A3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from chassis.tests.events import shop
from chassis.tests.events.readers import Recorder, reading
from chassis.tests.events.shop import PLACED, event_of
from chassis.tests.waiting import until
from groundplan_chassis.environment import Address
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.event import Event, encode
from groundplan_chassis.events.kafka import dead_letters
from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.dead_letters import DeadLetterTopic
from groundplan_chassis.events.kafka.publisher import KafkaPublisher
from groundplan_chassis.events.kafka.redrive import DeadLetterReader
from groundplan_chassis.events.kafka.subscription import KafkaSubscription
from groundplan_chassis.events.port import Outgoing
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names
from groundplan_chassis.settings import KafkaSettings, Settings
from groundplan_devkit.servers import Kafka
from groundplan_devkit.servers.kafka import SCRAM_USER
from groundplan_devkit.testing import MakeTopic

PARTITIONS = 3


def kafka_settings(bootstrap: str, make_topic: MakeTopic) -> KafkaSettings:
    host, _, port = bootstrap.partition(":")
    topic = make_topic(PLACED, partitions=PARTITIONS)
    return KafkaSettings(
        bootstrap=(Address(host, int(port)),),
        security="plaintext",
        secret_arn=None,
        topics={PLACED: topic},
        sources={PLACED: topic},
        group=f"{topic}.group",
        dead_letters=make_topic("dead-letter"),
    )


@pytest.fixture
def settings(kafka_server: Kafka, make_topic: MakeTopic) -> Settings:
    events = kafka_settings(kafka_server.bootstrap, make_topic)
    return shop.settings("consumer", shop.database_settings("none", [1]), events)


@pytest.fixture
def kafka(settings: Settings) -> KafkaSettings:
    assert isinstance(settings.events, KafkaSettings)
    return settings.events


@pytest.fixture
async def connection(settings: Settings, kafka: KafkaSettings) -> Connection:
    return await Connection.of(settings, kafka, shop.Credentials("", ""))


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[KafkaPublisher]:
    made = KafkaPublisher(connection)
    yield made
    await made.close()


@pytest.fixture
def subscription(connection: Connection, recorded: shop.MetricRecorder) -> KafkaSubscription:
    return KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics))


def outgoing(event: Event) -> Outgoing:
    return Outgoing(event.event_id, event.event_type, event.aggregate_id, encode(event))


def history(aggregates: int = 7, versions: int = 6) -> list[Event]:
    ids = [new_id() for _ in range(aggregates)]
    return [event_of(each, version, PLACED) for version in range(versions) for each in ids]


async def dead(kafka: KafkaSettings) -> list[Any]:
    """What is in the dead-letter topic."""
    topic = TopicPartition(kafka.dead_letters, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=str_of(kafka), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([topic])
        end = (await consumer.end_offsets([topic]))[topic]
        found: list[Any] = []
        while len(found) < end:
            found += (await consumer.getmany(topic, timeout_ms=500)).get(topic, [])
        return found
    finally:
        await consumer.stop()


def str_of(kafka: KafkaSettings) -> str:
    return f"{kafka.bootstrap[0].host}:{kafka.bootstrap[0].port}"


async def committed(kafka: KafkaSettings, topic: str | None = None, group: str | None = None) -> dict[int, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=str_of(kafka), group_id=group or kafka.group)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic or kafka.topics[PLACED], number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        return {each.partition: await consumer.committed(each) or 0 for each in partitions}
    finally:
        await consumer.stop()


async def test_events_arrive_once_and_in_the_order_of_their_aggregates(
    publisher: KafkaPublisher, subscription: KafkaSubscription, kafka: KafkaSettings
) -> None:
    events = history()
    sent = await publisher.send([outgoing(each) for each in events])
    assert sent.acknowledged == {each.event_id for each in events}
    assert not sent.failed
    recorder = Recorder()
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.events) >= len(events))
    assert sorted(recorder.events, key=lambda each: each.event_id) == sorted(events, key=lambda each: each.event_id)
    for aggregate in {each.aggregate_id for each in events}:
        assert recorder.versions(aggregate) == list(range(6))
    assert {each.event for each in recorder.deliveries} == {PLACED}
    assert len({each.partition for each in recorder.deliveries}) > 1
    assert sum((await committed(kafka)).values()) == len(events)


async def test_a_new_member_goes_on_where_the_last_one_stopped(
    publisher: KafkaPublisher, connection: Connection, recorded: shop.MetricRecorder
) -> None:
    first, second = history(), history()
    before, after = Recorder(), Recorder()
    await publisher.send([outgoing(each) for each in first])
    async with reading(KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics)), before):
        await until(lambda: len(before.events) >= len(first))
    await publisher.send([outgoing(each) for each in second])
    async with reading(KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics)), after):
        await until(lambda: len(after.events) >= len(second))
    assert after.ids() == {each.event_id for each in second}


async def test_an_order_to_stop_is_obeyed_in_the_middle_of_a_batch_and_the_rest_comes_to_another(
    publisher: KafkaPublisher, connection: Connection, recorded: shop.MetricRecorder
) -> None:
    events = [event_of(new_id(), 1, PLACED) for _ in range(60)]
    await publisher.send([outgoing(each) for each in events])
    slow, fast = Recorder(pause=0.01), Recorder()
    async with reading(KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics)), slow):
        await until(lambda: len(slow.events) >= 3)
    assert 3 <= len(slow.events) < len(events)
    async with reading(KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics)), fast):
        await until(lambda: len(slow.ids() | fast.ids()) == len(events))
        await asyncio.sleep(0.2)
    assert len(slow.events) + len(fast.events) == len(events)


async def test_members_share_partitions_and_hand_them_over_without_a_loss(
    publisher: KafkaPublisher, connection: Connection, recorded: shop.MetricRecorder
) -> None:
    aggregates = [new_id() for _ in range(12)]
    published: set[UUID] = set()
    recorders = [Recorder(pause=0.001) for _ in range(3)]
    done = asyncio.Event()

    async def publish() -> None:
        version = 0
        while not done.is_set():
            events = [event_of(each, version, PLACED) for each in aggregates]
            sent = await publisher.send([outgoing(each) for each in events])
            published.update(sent.acknowledged)
            version += 1
            await asyncio.sleep(0.05)

    def member() -> KafkaSubscription:
        return KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics), batch=5)

    publishing = asyncio.create_task(publish())
    async with reading(member(), recorders[0]):
        await until(lambda: len(recorders[0].events) >= 20)
        async with reading(member(), recorders[1]):
            await until(lambda: len(recorders[1].events) >= 20)
            async with reading(member(), recorders[2]):
                await until(lambda: len(recorders[2].events) >= 20)
        done.set()
        await publishing
        await until(lambda: set().union(*(each.ids() for each in recorders)) == published)
    handled = sum(len(each.events) for each in recorders)
    # A member that is in the middle of a batch commits what it has done before it lets go: nothing is done twice.
    assert handled == len(published)
    for aggregate in aggregates:
        for recorder in recorders:
            versions = recorder.versions(aggregate)
            assert versions == sorted(versions)


async def test_a_refused_event_becomes_a_dead_letter_with_where_and_why(
    publisher: KafkaPublisher, subscription: KafkaSubscription, kafka: KafkaSettings, recorded: shop.MetricRecorder
) -> None:
    events = history(aggregates=1)
    recorder = Recorder()
    recorder.refuse = {events[2].event_id}
    await publisher.send([outgoing(each) for each in events])
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.events) >= len(events) - 1)
    (letter,) = await dead(kafka)
    assert letter.value == encode(events[2])
    assert letter.key == str(events[2].aggregate_id).encode()
    headers: Mapping[str, bytes] = dict(letter.headers)
    assert headers[dead_letters.REASON] == b"as the test wants it"
    assert headers[dead_letters.TOPIC].decode() == kafka.topics[PLACED]
    assert int(headers[dead_letters.OFFSET]) == 2
    assert headers[dead_letters.GROUP].decode() == kafka.group
    datetime.fromisoformat(headers[dead_letters.FAILED_AT].decode())
    assert recorder.versions(events[0].aggregate_id) == [0, 1, 3, 4, 5]
    assert recorded.total(names.EVENTS_DEAD_LETTERED) == 1
    assert sum((await committed(kafka)).values()) == len(events)


async def test_what_is_no_event_is_put_aside_and_no_reader_stumbles_over_it(
    subscription: KafkaSubscription, kafka: KafkaSettings
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=str_of(kafka))
    await producer.start()
    good = event_of(new_id(), 1, PLACED)
    for value in (b"", b"\xff\x00", b"{}", b"x" * 900_000, None, encode(good)):
        await producer.send_and_wait(kafka.topics[PLACED], value, key=b"k", partition=0)
    await producer.stop()
    recorder = Recorder()
    async with reading(subscription, recorder):
        await until(lambda: recorder.ids() == {good.event_id})
    assert [letter.value for letter in await dead(kafka)] == [b"", b"\xff\x00", b"{}", b"x" * 900_000, None]


async def test_dead_letters_are_handled_again_once_and_what_is_refused_again_stays(
    publisher: KafkaPublisher,
    subscription: KafkaSubscription,
    kafka: KafkaSettings,
    connection: Connection,
    recorded: shop.MetricRecorder,
) -> None:
    events = history(aggregates=4, versions=1)
    recorder = Recorder()
    recorder.refuse = {each.event_id for each in events}
    await publisher.send([outgoing(each) for each in events])
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.deliveries) >= len(events))

    def again() -> DeadLetterReader:
        return DeadLetterReader(connection, DeadLetterTopic(connection, recorded.metrics))

    recorder.refuse = {events[0].event_id}
    done = await again().redrive(recorder, asyncio.Event())
    assert (done.handled, done.refused, done.left) == (3, 1, 0)
    assert recorder.ids() == {each.event_id for each in events[1:]}
    assert {each.event for each in recorder.deliveries} == {PLACED}
    recorder.refuse = set()
    done = await again().redrive(recorder, asyncio.Event())
    assert (done.handled, done.refused, done.left) == (1, 0, 0)
    assert dict((await dead(kafka))[-1].headers)[dead_letters.TOPIC].decode() == kafka.topics[PLACED]
    done = await again().redrive(recorder, asyncio.Event())
    assert (done.handled, done.refused, done.left) == (0, 0, 0)


async def test_what_cannot_be_sent_is_said_and_the_rest_is_sent(
    connection: Connection, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 1.0)
    absent = replace(kafka, topics={**kafka.topics, "order.lost": "no.such.topic"})
    publisher = KafkaPublisher(Connection(absent, connection.options | {"request_timeout_ms": 500}))
    lost, good, stranger = event_of(name="order.lost"), event_of(name=PLACED), event_of(name="order.unknown")
    try:
        sent = await publisher.send([outgoing(each) for each in (good, lost, stranger)])
    finally:
        await publisher.close()
    assert sent.acknowledged == {good.event_id}
    assert sent.failed.keys() == {lost.event_id}
    assert sent.unsendable.keys() == {stranger.event_id}


async def test_a_broker_that_is_not_there_is_said_and_waited_for(
    connection: Connection, kafka: KafkaSettings, recorded: shop.MetricRecorder
) -> None:
    nowhere = Connection(kafka, connection.options | {"bootstrap_servers": ["127.0.0.1:1"]})
    publisher = KafkaPublisher(nowhere)
    with pytest.raises(BrokerAway):
        await publisher.send([outgoing(event_of(name=PLACED))])
    await publisher.close()
    async with reading(KafkaSubscription(nowhere, DeadLetterTopic(nowhere, recorded.metrics)), Recorder()):
        await asyncio.sleep(0.5)


async def test_signing_in_with_scram_over_tls_as_msk_has_it(
    kafka_server: Kafka, kafka: KafkaSettings, settings: Settings, recorded: shop.MetricRecorder
) -> None:
    scram = replace(kafka, security="scram", secret_arn="arn", bootstrap=(_address(kafka_server.secure_bootstrap),))
    secret = shop.Credentials(SCRAM_USER, kafka_server.scram_password)
    trusting = replace(settings, trust_file=Path(kafka_server.authority))
    connection = await Connection.of(trusting, scram, secret)
    event = event_of(name=PLACED)
    publisher, recorder = KafkaPublisher(connection), Recorder()
    sent = await publisher.send([outgoing(event)])
    await publisher.close()
    assert sent.acknowledged == {event.event_id}
    async with reading(KafkaSubscription(connection, DeadLetterTopic(connection, recorded.metrics)), recorder):
        await until(lambda: recorder.ids() == {event.event_id})
    wrong = await Connection.of(trusting, scram, shop.Credentials(SCRAM_USER, "wrong"))
    refused = KafkaPublisher(wrong)
    with pytest.raises(BrokerAway):
        await refused.send([outgoing(event)])
    await refused.close()


async def test_signing_in_with_iam_sends_the_roles_token_over_tls(
    settings: Settings, kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-OF-A-TEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    connection = await Connection.of(settings, replace(kafka, security="iam"), shop.Credentials("", ""))
    assert connection.options["security_protocol"] == "SASL_SSL"
    assert connection.options["sasl_mechanism"] == "OAUTHBEARER"
    assert connection.options["ssl_context"].check_hostname
    provider = connection.options["sasl_oauth_token_provider"]
    token = await provider.token()
    assert token == await provider.token(), "one token for all connections"
    import base64

    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    assert url.startswith("https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect")
    assert "AKIA-OF-A-TEST" in url
    assert "secret" not in url


def _address(bootstrap: str) -> Address:
    host, _, port = bootstrap.partition(":")
    return Address(host, int(port))


def test_ids_are_the_keys() -> None:
    event = event_of(UUID(int=7), name=PLACED)
    assert outgoing(event).key == UUID(int=7)
    assert msgspec.json.decode(outgoing(event).body)["aggregate_id"] == str(UUID(int=7))
