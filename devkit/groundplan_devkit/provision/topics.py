"""Kafka topics as the Kafka component declares them, with one broker's replication."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    retention_hours: int


def create(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Make those that are not there yet."""
    _run(_create(bootstrap, list(topics)))


def delete(bootstrap: str, names: Iterable[str]) -> None:
    """Take away those that are there."""
    _run(_delete(bootstrap, list(names)))


async def _create(bootstrap: str, topics: list[Topic]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=1,
                    topic_configs={
                        "cleanup.policy": "delete",
                        "message.timestamp.type": "LogAppendTime",
                        "retention.ms": str(topic.retention_hours * HOUR_MS),
                    },
                )
                for topic in topics
            ]
        )
        _check(answer.topic_errors, TopicAlreadyExistsError)
    finally:
        await admin.close()


async def _delete(bootstrap: str, names: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.delete_topics(names)
        _check(answer.topic_error_codes, UnknownTopicOrPartitionError)
    finally:
        await admin.close()


def _check(answers: Iterable[tuple[str, int, *tuple[str, ...]]], expected: type[Exception]) -> None:
    for topic, code, *said in answers:
        error = for_code(code)
        if code and error is not expected:
            raise RuntimeError(f"Kafka refused the topic {topic}: {error.__name__} {' '.join(map(str, said))}")


def _run(work: Coroutine[None, None, None]) -> None:
    """Also from within an event loop, as tests are: on a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
