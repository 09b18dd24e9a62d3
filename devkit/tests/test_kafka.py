"""The broker: plain for services, SCRAM over TLS as MSK has it, and what it held is there again after a fault."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from groundplan_devkit.provision import topics
from groundplan_devkit.servers import Kafka
from groundplan_devkit.servers.kafka import SCRAM_USER
from groundplan_devkit.testing import MakeTopic, PrivateServers, trusting


async def produce(bootstrap: str, topic: str, *values: bytes, **options: Any) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, **options) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"one")


async def consume(bootstrap: str, topic: str, count: int, **options: Any) -> list[bytes]:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **options
    ) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


def secure(kafka: Kafka, password: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": SCRAM_USER,
        "sasl_plain_password": password,
        "ssl_context": trusting(kafka.authority),
    }


async def test_what_is_sent_arrives_in_order(kafka_server: Kafka, make_topic: MakeTopic) -> None:
    topic = make_topic("orders", partitions=3)
    values = [str(number).encode() for number in range(50)]
    await produce(kafka_server.bootstrap, topic, *values)
    assert await consume(kafka_server.bootstrap, topic, 50) == values


async def test_over_tls_with_a_password(kafka_server: Kafka, make_topic: MakeTopic) -> None:
    topic = make_topic()
    options = secure(kafka_server, kafka_server.scram_password)
    await produce(kafka_server.secure_bootstrap, topic, b"a", **options)
    assert await consume(kafka_server.secure_bootstrap, topic, 1, **options) == [b"a"]


async def test_a_wrong_password_is_refused(kafka_server: Kafka) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.secure_bootstrap, **secure(kafka_server, "wrong"))
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()


async def test_the_broker_proves_who_it_is(kafka_server: Kafka) -> None:
    options = secure(kafka_server, kafka_server.scram_password) | {"ssl_context": ssl.create_default_context()}
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.secure_bootstrap, **options)
    with pytest.raises((KafkaError, ssl.SSLError)):
        await producer.start()
    await producer.stop()


async def test_topics_are_declared_never_made_by_chance(kafka_server: Kafka) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_server.bootstrap, request_timeout_ms=2000, metadata_max_age_ms=500
    )
    await producer.start()
    try:
        with pytest.raises((UnknownTopicOrPartitionError, KafkaError)):
            await producer.send_and_wait("not.declared", b"a")
    finally:
        await producer.stop()


async def test_a_topic_that_is_there_stays_as_it_is(kafka_server: Kafka, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    await produce(kafka_server.bootstrap, topic, b"a")
    topics.create(kafka_server.bootstrap, [topics.Topic(topic, 5, 1)])
    assert await consume(kafka_server.bootstrap, topic, 1) == [b"a"]


async def test_what_was_acknowledged_outlives_a_killed_broker(private_servers: PrivateServers) -> None:
    servers = private_servers("kafka")
    kafka = servers.kafka
    assert kafka is not None
    topics.create(kafka.bootstrap, [topics.Topic("orders", 1, 1)])
    await produce(kafka.bootstrap, "orders", b"a", b"b")
    servers.kill("kafka")
    assert not servers.answers("kafka")
    servers.start("kafka")
    await produce(kafka.bootstrap, "orders", b"c")
    assert await consume(kafka.bootstrap, "orders", 3) == [b"a", b"b", b"c"]
