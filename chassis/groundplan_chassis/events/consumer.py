"""The consumer: each event of another service takes effect here exactly once (A3).

The inbox's row and the effect are one transaction. A delivery that comes again finds the row and does nothing; one that
is cut off leaves neither.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from groundplan_chassis.database import inbox
from groundplan_chassis.events.errors import Refused, Stopped, Unreadable
from groundplan_chassis.events.event import Event, decode
from groundplan_chassis.events.handler import Changed, Handler
from groundplan_chassis.events.port import Delivery, Outcome, Refusal, Verdict
from groundplan_chassis.events.tries import Tries
from groundplan_chassis.http.errors import NotFound
from groundplan_chassis.observe import correlation, names, tracing

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction

Invalidate = Callable[[str, UUID, int], Awaitable[None]]
"""Invalidates cached copies after a change: resource, id, version (C3)."""

log = logging.getLogger(__name__)


class Consumer:
    """Runs handlers: events of one aggregate in sequence, others in parallel."""

    def __init__(
        self,
        context: Context,
        handlers: Mapping[str, Handler],
        changed: Invalidate | None = None,
        at_once: int | None = None,
    ) -> None:
        """``handlers``: by event. ``at_once``: events that are handled at a time; by default one for each connection
        to a database that this process may have."""
        self._context = context
        self._handlers = dict(handlers)
        self._changed = changed
        self._slots = asyncio.Semaphore(at_once or max(1, context.settings.database.writer_connections))
        self._tries = Tries(context.database)

    async def process(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> Sequence[Outcome]:
        """See `port.Processor`."""
        outcomes: list[Outcome] = [Verdict.LEFT] * len(deliveries)
        lines: dict[UUID, list[_Work]] = {}
        for index, delivery in enumerate(deliveries):
            try:
                work = self._read(index, delivery)
            except Refused as refused:
                outcomes[index] = Refusal(refused.reason)
            else:
                lines.setdefault(work.event.aggregate_id, []).append(work)
        async with asyncio.TaskGroup() as tasks:
            for line in lines.values():
                tasks.create_task(self._line(line, outcomes, stop))
        return outcomes

    def _read(self, index: int, delivery: Delivery) -> _Work:
        event = decode(delivery.body)
        name = delivery.event or event.event_type
        handler = self._handlers.get(name)
        if handler is None:
            raise Unreadable(f"{name} is none of the events that this service follows")
        return _Work(index, delivery, handler.schema.current(event), handler, name)

    async def _line(self, line: list[_Work], outcomes: list[Outcome], stop: asyncio.Event) -> None:
        """Handles the events of one aggregate. Without an order from the broker, the order within the batch is kept."""
        if line[0].delivery.position is None:
            line.sort(key=lambda work: work.event.version)
        for work in line:
            async with self._slots:
                try:
                    await self._handle(work, stop)
                except Stopped:
                    return
                except Refused as refused:
                    outcomes[work.index] = Refusal(refused.reason)
                else:
                    outcomes[work.index] = Verdict.HANDLED

    async def _handle(self, work: _Work, stop: asyncio.Event) -> None:
        event = work.event
        token = correlation.begin(event.correlation_id or str(event.event_id))
        try:
            with tracing.span(f"handle {work.name}", "consumer", {"messaging.message.id": str(event.event_id)}):
                shard = await self._shard(work)
                changes = await self._tries.until_done(lambda: self._once(work, shard), shard, stop)
                await self._invalidate_caches(changes)
        finally:
            correlation.end(token)
        self._context.metrics.count(names.EVENTS_CONSUMED)

    async def _shard(self, work: _Work) -> int:
        """The shard, equal for each delivery: from the row's own id, or by the shard map at the time of the event."""
        database, event = self._context.database, work.event
        try:
            key = work.handler.shard(event)
            if isinstance(key, UUID):
                return int(database.locate(key))
            return int(database.place(key, at=event.occurred_at))
        except NotFound:
            raise Refused(f"{work.name} is about a row of a shard that does not exist") from None
        except Refused:
            raise
        except Exception as error:
            log.error("no shard for %s", work.name, exc_info=error, extra={"error": type(error).__name__})
            raise Refused(f"its shard can't be told: {type(error).__name__}") from error

    async def _once(self, work: _Work, shard: int) -> Sequence[Changed]:
        async def effect(transaction: Transaction) -> Sequence[Changed]:
            if not await inbox.first_time(transaction, work.event.event_id, work.name):
                return ()
            return tuple(await work.handler.handle(transaction, work.event, self._context) or ())

        # A commit without an answer is looked up by the mark.
        return await self._context.database.write(effect, shard=shard)

    async def _invalidate_caches(self, changes: Sequence[Changed]) -> None:
        """Invalidates cached copies. If that fails their expiry ends them: the event has been handled."""
        if self._changed is None:
            return
        for change in changes:
            try:
                await self._changed(change.resource, change.id, change.version)
            except Exception as error:
                log.warning("a cache was not told of a change", extra={"error": type(error).__name__})


class _Work:
    """An event that has been read, and what is to be done with it."""

    __slots__ = ("delivery", "event", "handler", "index", "name")

    def __init__(self, index: int, delivery: Delivery, event: Event, handler: Handler, name: str) -> None:
        self.index = index
        self.delivery = delivery
        self.event = event
        self.handler = handler
        self.name = name
