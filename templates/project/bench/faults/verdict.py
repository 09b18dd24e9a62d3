"""What is true when all is quiet again: nothing lost, nothing done twice, every event arrived (A2, A3, A4, D2)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.faults.writer import Ledger
from bench.mix import Target
from bench.stage import Stage
from infra.system.model import Broker

QUIET_SECONDS = 300.0
"""For outboxes to empty and readers to catch up after the last fault."""
POLL_SECONDS = 1.0
READ_SECONDS = 5.0

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    # Generic in its stubs only.
    Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was counted: ``expected`` and ``found`` are equal, or something was lost or done twice."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


async def wait_until_quiet(on: Stage) -> bool:
    """Until nothing waits in an outbox and no service's rows grow any more; False when that takes too long."""
    deadline = monotonic() + QUIET_SECONDS
    before: tuple[object, ...] | None = None
    still = 0
    while monotonic() < deadline:
        now = await _movement(on)
        unsent = sum(int(str(each[0])) for each in now)
        still = still + 1 if now == before and unsent == 0 else 0
        if still >= 4:
            return True
        before = now
        await asyncio.sleep(POLL_SECONDS)
    return False


async def _movement(on: Stage) -> tuple[tuple[object, ...], ...]:
    """Of each service: unsent events, and the size of whatever events change."""
    seen = []
    for service in on.system.services:
        connection = await on.connect(service)
        try:
            tables = await _tables(connection)
            unsent = await _count(connection, "outbox WHERE sent_at IS NULL") if "outbox" in tables else 0
            sizes = [await _count(connection, f'"{table}"') for table in sorted(tables)]
            positions = (
                await connection.fetchval("SELECT coalesce(sum(position), 0) FROM read_model_positions")
                if "read_model_positions" in tables
                else 0
            )
            seen.append((unsent, positions, *sizes))
        finally:
            await connection.close()
    return tuple(seen)


async def verdict(on: Stage, service: str, target: Target, ledger: Ledger) -> list[Finding]:
    """Counts everything that the ledger and the services' own tables imply about each other."""
    found = [
        Finding("writes given up by their clients", 0, len(ledger.given_up)),
        *await _rows(on, service, target, ledger),
    ]
    for name in on.system.services:
        connection = await on.connect(name)
        try:
            tables = await _tables(connection)
            if "outbox" in tables:
                found += await _events(on, name, connection)
            found += await _read_models(name, connection, tables)
        finally:
            await connection.close()
    return found


async def _rows(on: Stage, service: str, target: Target, ledger: Ledger) -> list[Finding]:
    table = target.resource.table(target.name)
    ids = list(ledger.acknowledged.values())
    connection = await on.connect(service)
    try:
        kept = await connection.fetchval(f'SELECT count(*) FROM "{table}" WHERE id = ANY($1)', ids)  # noqa: S608
        rows = await _count(connection, f'"{table}"')
        created = await connection.fetchval(
            f'SELECT count(*) FROM (SELECT aggregate_id FROM "{target.name}_events" WHERE version = 1 '  # noqa: S608
            "GROUP BY aggregate_id HAVING count(*) = 1) AS once"
        )
    finally:
        await connection.close()
    return [
        Finding("acknowledged writes that are there", len(ids), int(kept)),
        Finding("different ids acknowledged", len(ids), len(set(ids))),
        Finding("rows, one a key", len(ids), rows - len(target.stored)),
        Finding("rows with exactly one event of their creation", len(ids), int(created)),
    ]


async def _events(on: Stage, service: str, connection: Connection) -> list[Finding]:
    """Every event that was committed is on its topic, and each consumer has handled it once."""
    committed = {
        str(row["event_id"]): str(row["topic"]) for row in await connection.fetch("SELECT event_id, topic FROM outbox")
    }
    findings = []
    if on.system.events.broker is Broker.KAFKA:
        topics = {topic: on.installation.topic(topic) for topic in set(committed.values())}
        arrived = await _on_topics(on, sorted(topics.values()))
        findings.append(Finding(f"{service}: events on their topics", len(committed), len(committed.keys() & arrived)))
    for event in sorted(set(committed.values())):
        sent = {id_ for id_, topic in committed.items() if topic == event}
        for reader in on.system.consumers_of(event):
            handled = await _handled(on, reader, event)
            what = f"{reader}: `{event}` handled, each once"
            findings.append(Finding(what, len(sent), len(handled & sent)))
    return findings


async def _on_topics(on: Stage, topics: list[str]) -> set[str]:
    """Ids of all events on the topics, from their beginning."""
    assert on.servers.kafka is not None
    consumer = AIOKafkaConsumer(
        bootstrap_servers=on.servers.kafka.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: Counter[str] = Counter()
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in (consumer.partitions_for_topic(topic) or await _partitions(consumer, topic))
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            batches = await consumer.getmany(timeout_ms=int(READ_SECONDS * 1000))
            for records in batches.values():
                found.update(str(json.loads(record.value)["event_id"]) for record in records if record.value)
    finally:
        await consumer.stop()
    return set(found)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer.topics()
    return set(consumer.partitions_for_topic(topic) or ())


async def _handled(on: Stage, reader: str, event: str) -> set[str]:
    connection = await on.connect(reader)
    try:
        rows = await connection.fetch("SELECT event_id FROM inbox WHERE topic = $1", event)
    finally:
        await connection.close()
    return {str(row["event_id"]) for row in rows}


async def _read_models(service: str, connection: Connection, tables: set[str]) -> list[Finding]:
    """A4: what queries read is what commands wrote, version by version."""
    findings = []
    for model in sorted(table for table in tables if table.endswith("_read_model")):
        aggregate = model.removesuffix("_read_model")
        history = f"{aggregate}_events"
        written = await connection.fetchval(f'SELECT count(DISTINCT aggregate_id) FROM "{history}"')  # noqa: S608
        same = await connection.fetchval(
            f'SELECT count(*) FROM "{model}" AS model JOIN (SELECT aggregate_id, max(version) AS version '  # noqa: S608
            f'FROM "{history}" GROUP BY aggregate_id) AS last ON last.aggregate_id = model.id '
            "AND last.version = model.version"
        )
        findings.append(Finding(f"{service}: read model of {aggregate} at the last version", int(written), int(same)))
    return findings


async def _tables(connection: Connection) -> set[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {str(row["tablename"]) for row in rows}


async def _count(connection: Connection, source: str) -> int:
    return int(await connection.fetchval(f"SELECT count(*) FROM {source}"))  # noqa: S608
