"""Kafka: offsets of topics and groups, and what lies in dead-letter topics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from groundplan_chassis.events.kafka.dead_letters import FAILED_AT, OFFSET, PARTITION, REASON, TOPIC
from groundplan_chassis.events.kafka.records import next_records
from groundplan_chassis.events.kafka.redrive import GROUP_SUFFIX
from groundplan_devkit import names
from groundplan_devkit.dev.page.brokers.port import (
    MOST_LETTERS,
    SECONDS,
    Letter,
    Reader,
    Topic,
    followed,
    readers_of,
    shown,
    topics_of,
)
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation

Offsets = dict[TopicPartition, int]


class KafkaTopics:
    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def state(self) -> tuple[list[Topic], list[Reader]]:
        planned = self._installation.plan.events
        assert planned is not None
        readers = readers_of(self._installation)
        letters = {reader: self._dead_letter_topic(reader) for reader in readers}
        sources = {
            reader: [self._installation.topic(event) for event in followed(self._installation, reader)]
            for reader in readers
        }
        every = {self._installation.topic(topic.event) for topic in planned.topics} | set(letters.values())
        found = []
        async with self._reading(every) as consumer, self._asking() as admin:
            firsts, ends = await _held(consumer)
            for reader, (service, role) in readers.items():
                group = names.group_name(self._installation.events_scope, reader)
                read = await _committed(admin, group)
                handled = await _committed(admin, group + GROUP_SUFFIX)
                found.append(
                    Reader(
                        name=reader,
                        service=service,
                        role=role,
                        waiting=_behind(sources[reader], firsts, ends, read),
                        dead_letters=_behind([letters[reader]], firsts, ends, handled),
                    )
                )
        topics = topics_of(
            self._installation, lambda event: _behind([self._installation.topic(event)], firsts, ends, {})
        )
        return topics, found

    async def has_controller(self) -> bool:
        """Whether the brokers name one. Raises Unavailable."""
        async with self._asking() as admin:
            return int((await admin.describe_cluster())["controller_id"]) >= 0

    async def lags(self) -> Mapping[tuple[str, str], int]:
        """Events that a reader has not read yet, by reader and event. Raises Unavailable."""
        readers = readers_of(self._installation)
        followed_by = {reader: followed(self._installation, reader) for reader in readers}
        every = {self._installation.topic(event) for events in followed_by.values() for event in events}
        found = {}
        async with self._reading(every) as consumer, self._asking() as admin:
            firsts, ends = await _held(consumer)
            for reader, events in followed_by.items():
                read = await _committed(admin, names.group_name(self._installation.events_scope, reader))
                for event in events:
                    found[reader, event] = _behind([self._installation.topic(event)], firsts, ends, read)
        return found

    async def letters(self, reader: str) -> list[Letter]:
        topic = self._dead_letter_topic(reader)
        group = names.group_name(self._installation.events_scope, reader)
        found: list[tuple[int, Letter]] = []
        async with self._reading([topic]) as consumer, self._asking() as admin:
            handled = await _committed(admin, group + GROUP_SUFFIX)
            firsts, ends = await _held(consumer)
            for partition in ends:
                first = max(handled.get(partition, 0), firsts[partition], ends[partition] - MOST_LETTERS)
                consumer.seek(partition, first)
                while await consumer.position(partition) < ends[partition]:
                    records = await next_records(consumer, partition, timeout_ms=500, most=MOST_LETTERS)
                    found += [(record.timestamp, self._letter(record)) for record in records]
        found.sort(key=lambda each: -each[0])
        return [letter for _, letter in found[:MOST_LETTERS]]

    def _letter(self, record: Any) -> Letter:  # noqa: ANN401 - aiokafka has no types
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        source = headers.get(TOPIC, "")
        return Letter(
            event=source.removeprefix(f"{self._installation.events_scope}."),
            reason=headers.get(REASON, ""),
            failed_at=headers.get(FAILED_AT, ""),
            origin=f"{source}, partition {headers.get(PARTITION, '?')}, offset {headers.get(OFFSET, '?')}",
            body=shown(record.value or b""),
        )

    def _dead_letter_topic(self, reader: str) -> str:
        return names.dead_letter_topic_name(self._installation.events_scope, reader)

    @contextlib.asynccontextmanager
    async def _reading(self, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer without a group, which moves no one's offsets. Raises Unavailable."""
        consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            request_timeout_ms=int(SECONDS * 1000),
        )
        try:
            async with asyncio.timeout(SECONDS):
                await consumer.start()
                yield consumer
        except (KafkaError, TimeoutError, OSError) as error:
            raise _away(error) from None
        finally:
            await consumer.stop()

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=int(SECONDS * 1000))
        try:
            async with asyncio.timeout(SECONDS):
                await admin.start()
            yield admin
        except (KafkaError, TimeoutError, OSError) as error:
            raise _away(error) from None
        finally:
            await admin.close()

    @property
    def _bootstrap(self) -> str:
        kafka = self._installation.servers.kafka
        assert kafka is not None
        return kafka.bootstrap


async def _held(consumer: AIOKafkaConsumer) -> tuple[Offsets, Offsets]:
    """First offsets, and those that are written next, of all partitions that it is given."""
    partitions = list(consumer.assignment())
    return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Offsets:
    """By partition the offset that the group reads next; a group that is not there has none."""
    found = await admin.list_consumer_group_offsets(group)
    return {partition: each.offset for partition, each in found.items() if each.offset >= 0}


def _behind(topics: Iterable[str], firsts: Offsets, ends: Offsets, read: Offsets) -> int:
    named = set(topics)
    return sum(
        max(0, end - max(read.get(partition, 0), firsts[partition]))
        for partition, end in ends.items()
        if partition.topic in named
    )


def _away(error: BaseException) -> Unavailable:
    return Unavailable(
        "Kafka",
        f"no answer within {SECONDS:.0f} s" if isinstance(error, TimeoutError) else type(error).__name__,
        "a broker that answers",
        "look at build/local/kafka.log; `make dev` starts it anew",
    )
