"""Reads the next records of a partition, also past one that the client can't read."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

log = logging.getLogger(__name__)


async def next_records(
    consumer: AIOKafkaConsumer, partition: TopicPartition, *, timeout_ms: int, most: int
) -> Sequence[ConsumerRecord[bytes, bytes]]:
    """Up to ``most`` records, or none after ``timeout_ms``. Raises KafkaError and ConsumerStoppedError.

    aiokafka gives no record of a batch in which a header's name is not UTF-8, however often it is asked. The records
    before such a one are given one at a time. It is itself given without key, value and headers, so that its reader
    finds no event in it, and goes on.
    """
    try:
        return _of(partition, await consumer.getmany(partition, timeout_ms=timeout_ms, max_records=most))
    except ValueError as error:
        log.info("records are read one at a time: %s", type(error).__name__, extra=_place_of(partition))
    try:
        return _of(partition, await consumer.getmany(partition, timeout_ms=timeout_ms, max_records=1))
    except ValueError as error:
        offset = await consumer.position(partition)
        consumer.seek(partition, offset + 1)
        log.error(
            "a record can't be read, and is passed over: %s",
            type(error).__name__,
            extra={"error": "Unreadable", **_place_of(partition), "offset": offset},
        )
        return [ConsumerRecord(partition.topic, partition.partition, offset, 0, 0, None, None, None, -1, -1, ())]


def _of(
    partition: TopicPartition, found: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
) -> Sequence[ConsumerRecord[bytes, bytes]]:
    return found.get(partition, ())


def _place_of(partition: TopicPartition) -> dict[str, object]:
    return {"topic": partition.topic, "partition": partition.partition}
