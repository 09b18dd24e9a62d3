"""Events for consumers, in the outbox of their publisher: a creation publishes none of those that tell of a later step
(`order.placed` of an order that is only open)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from groundplan.declaration.model import Service
from groundplan_chassis.database.changes import Change, messages
from groundplan_devkit.bench.stage import Stage


def events_for(publisher: Service, consumers: Mapping[str, Service]) -> list[str]:
    """The first event of the publisher that each consumer reads."""
    firsts = (next((each for each in one.consumes if each in publisher.publishes), None) for one in consumers.values())
    return sorted({event for event in firsts if event})


async def publish(on: Stage, service: str, resource: str, events: Sequence[str], count: int) -> None:
    """Writes ``count`` messages of each event, with the data of the newest rows of ``resource``, each row's once."""
    for shard in range(on.installation.plan.database_of(service).shards):
        connection = await on.connect(service, shard)
        try:
            newest = await connection.fetch(
                "SELECT aggregate_id, version, actor, correlation_id, payload "  # noqa: S608  # a declared name
                f'FROM "{resource}_events" WHERE version = 1 ORDER BY occurred_at DESC LIMIT $1',
                count,
            )
            sent = [message for row in newest for message in _messages(row, resource, events)]
            await connection.executemany(
                "INSERT INTO outbox (event_id, topic, aggregate_id, payload) VALUES ($1, $2, $3, $4)", sent
            )
        finally:
            await connection.close()


def _messages(row: asyncpg.Record, resource: str, events: Sequence[str]) -> list[tuple[object, ...]]:
    changes = (
        Change(
            event_type=event,
            aggregate_type=resource,
            aggregate_id=row["aggregate_id"],
            version=row["version"],
            actor=row["actor"],
            correlation_id=row["correlation_id"],
            payload=msgspec.json.decode(row["payload"]),
            topics=(event,),
        )
        for event in events
    )
    return [
        (each.event_id, each.topic, each.aggregate_id, msgspec.json.encode(each.envelope).decode())
        for change in changes
        for each in messages(change)
    ]
