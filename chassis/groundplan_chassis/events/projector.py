"""The projector: writes the read models that queries read, from the stream of changes (A4).

The stream says which rows have changed. What is in them is read from the service's own tables, in the transaction that
writes the read model: so what is personal is neither on topics nor in dead letters nor in the event log
(docs/adr/0003-read-model-streams-without-content.md in groundplan's repository).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from groundplan_chassis.database.pruning import PRUNE_ROWS
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import Refused, Stopped, Unreadable
from groundplan_chassis.events.event import Event, decode
from groundplan_chassis.events.port import Delivery, Outcome, Refusal, Verdict
from groundplan_chassis.events.projection import POSITIONS, Projection, write_rows
from groundplan_chassis.events.tries import Tries
from groundplan_chassis.http.errors import NotFound
from groundplan_chassis.observe import names, tracing

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction

Invalidate = Callable[[str, UUID, int], Awaitable[None]]
"""Invalidates cached copies after a change: resource, id, version (C3)."""
Applied = list[tuple[str, UUID, int]]
"""Rows that were written: resource, id, version."""

log = logging.getLogger(__name__)


class StreamPayload(msgspec.Struct, frozen=True):
    """The payload of the read-model stream (`groundplan_chassis.database.changes`)."""

    resource: str
    operation: str
    """`create`, `update` or `delete`."""


class Update(msgspec.Struct, frozen=True):
    """One event, read."""

    delivery: Delivery
    event: Event
    projection: Projection


class Projector:
    """Writes batches: a transaction for each shard that they touch."""

    def __init__(
        self,
        context: Context,
        projections: Iterable[Projection],
        changed: Invalidate | None = None,
        *,
        live: bool = True,
    ) -> None:
        """``live``: deliveries come from the stream itself, so positions and lag say how far it was followed."""
        self._context = context
        self._projections: Mapping[str, Projection] = {each.resource: each for each in projections}
        self._changed = changed
        self._live = live
        self._tries = Tries(context.database)

    async def process(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> Sequence[Outcome]:
        """See `port.Processor`."""
        outcomes: list[Outcome] = [Verdict.LEFT] * len(deliveries)
        by_shard: dict[int, list[tuple[int, Update]]] = {}
        for index, delivery in enumerate(deliveries):
            try:
                update = self._read(delivery)
                shard = self._context.database.locate(update.event.aggregate_id)
            except Refused as refused:
                outcomes[index] = Refusal(refused.reason)
            except NotFound:
                outcomes[index] = Refusal("its row is on a shard that does not exist")
            else:
                by_shard.setdefault(shard, []).append((index, update))
        async with asyncio.TaskGroup() as tasks:
            for shard, updates in by_shard.items():
                tasks.create_task(self._write(shard, updates, outcomes, stop))
        return outcomes

    async def prune(self, transaction: Transaction) -> int:
        """Deletes tombstones that no late event can meet; see `groundplan_chassis.database.pruning`."""
        pruned = 0
        for projection in self._projections.values():
            done = await transaction.execute(projection.prune, timedelta(days=limits.KEPT_TOMBSTONE_DAYS), PRUNE_ROWS)
            pruned += int(done.rpartition(" ")[2])
        return pruned

    def _read(self, delivery: Delivery) -> Update:
        event = decode(delivery.body)
        payload = event.payload_as(StreamPayload)
        projection = self._projections.get(payload.resource)
        if projection is None:
            raise Unreadable(f"{payload.resource!r:.100} is no resource with a read model")
        if payload.operation not in ("create", "update", "delete"):
            raise Unreadable(f"{payload.operation!r:.100} is none of create, update, delete")
        return Update(delivery, event, projection)

    async def _write(
        self, shard: int, updates: Sequence[tuple[int, Update]], outcomes: list[Outcome], stop: asyncio.Event
    ) -> None:
        """All at once; when that fails, one by one, to find the one that can't be written."""
        try:
            await self._apply(shard, [update for _, update in updates], stop, most=1 if len(updates) > 1 else None)
        except Stopped:
            return
        except Refused as refused:
            if len(updates) == 1:
                outcomes[updates[0][0]] = Refusal(refused.reason)
                return
            log.warning("a batch can't be written, and is tried one by one: %s", refused.reason)
            for each in updates:
                await self._write(shard, [each], outcomes, stop)
        else:
            for index, _ in updates:
                outcomes[index] = Verdict.HANDLED

    async def _apply(self, shard: int, updates: Sequence[Update], stop: asyncio.Event, most: int | None) -> None:
        async def work(transaction: Transaction) -> Applied:
            applied = await apply(transaction, updates)
            if self._live:
                await remember(transaction, updates)
            return applied

        async def once() -> Applied:
            written: Applied = await self._context.database.write(work, shard=shard, idempotent=True)
            return written

        began = time.time_ns()
        applied = await self._tries.until_done(once, shard, stop, most or limits.MOST_TRIES)
        if tracing.enabled():
            _trace(updates, began)
        now = datetime.now(UTC)
        newest = max(update.event.occurred_at for update in updates)
        self._context.metrics.count(names.EVENTS_CONSUMED, len(updates))
        if self._live:
            self._context.metrics.record(names.READ_MODEL_LAG_SECONDS, max(0.0, (now - newest).total_seconds()))
        if self._changed is not None:
            for resource, identifier, version in applied:
                try:
                    await self._changed(resource, identifier, version)
                except Exception as error:
                    # Then its expiry makes the cache forget.
                    log.warning("a cache was not told of a change", extra={"error": type(error).__name__})


def _trace(updates: Sequence[Update], began_ns: int) -> None:
    """A span for each update of a batch, in the trace of the request that caused it."""
    for update in updates:
        event = update.event
        tracing.record(
            f"project {update.projection.resource}",
            "consumer",
            began_ns,
            {"messaging.message.id": str(event.event_id)},
            correlation_id=event.correlation_id,
        )


async def apply(transaction: Transaction, updates: Sequence[Update]) -> Applied:
    """Writes the rows that have changed as they are now, where that is newer than what the read model has.

    A row is never older than its event, which was committed with it. It may be newer: then the read model is ahead of
    the stream, and the events in between change nothing. Of a row that is gone altogether a tombstone is left.
    """
    applied: Applied = []
    by_projection: dict[str, dict[UUID, Event]] = {}
    for update in updates:
        event, latest = update.event, by_projection.setdefault(update.projection.resource, {})
        if event.aggregate_id not in latest or latest[event.aggregate_id].version < event.version:
            latest[event.aggregate_id] = event
    projections = {update.projection.resource: update.projection for update in updates}
    for resource, latest in sorted(by_projection.items()):
        projection = projections[resource]
        rows = await transaction.fetch(projection.rows, list(latest))
        gone = [latest[each] for each in latest.keys() - {row["id"] for row in rows}]
        written = await write_rows(transaction, projection, projection.upsert, rows)
        if gone:
            written += await transaction.fetch(
                projection.tombstone,
                [event.aggregate_id for event in gone],
                [event.version for event in gone],
                [event.occurred_at for event in gone],
            )
        applied += [(resource, row["id"], row["version"]) for row in written]
    return applied


async def remember(transaction: Transaction, updates: Sequence[Update]) -> None:
    """Stores the position in the stream. Without positions it is the time of the newest change (milliseconds since
    1970).

    Where streams have no positions, the time of the newest change stands for one (milliseconds since 1970)."""
    reached: dict[tuple[str, int], int] = {}
    for update in updates:
        delivery = update.delivery
        key = (delivery.stream, delivery.partition)
        position = delivery.position
        found = int(update.event.occurred_at.timestamp() * 1000) if position is None else position + 1
        reached[key] = max(reached.get(key, 0), found)
    order = sorted(reached)
    await transaction.execute(
        POSITIONS,
        [stream for stream, _ in order],
        [partition for _, partition in order],
        [reached[each] for each in order],
    )
