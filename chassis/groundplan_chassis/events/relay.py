"""The relay: sends committed events from the outbox to the broker, at least once and in the order of each aggregate
(A3).

Rows are claimed, sent and marked in one transaction. Several relays share the work, as a claim passes over rows that
another one holds, and over those that come after such rows of the same aggregate. When the broker is away, rows wait
and their age is told; when the mark is lost with a connection, rows are sent again and readers' inboxes know them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from groundplan_chassis.backoff import Backoff, pause
from groundplan_chassis.database import outbox
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.port import Outgoing, Publisher, Sent
from groundplan_chassis.http.errors import Unavailable
from groundplan_chassis.observe import names, tracing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundplan_chassis.database.database import Database
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.observe.metrics import Metrics

SHORTEST_LOOK_SECONDS: Final = 0.05
"""Pause after a batch: events come in bursts."""
LONGEST_LOOK_SECONDS: Final = 0.5
"""Pause between polls of an empty outbox: the longest wait of an event here."""
FIRST_PAUSE_SECONDS: Final = 0.5
"""Pause after a failure of the broker."""
MOST_SET_ASIDE: Final = 5 * limits.SEND_BATCH
"""Unsendable rows that a claim makes room for; with more of them there is something wrong that a person must mend."""

log = logging.getLogger(__name__)


class Relay:
    """Sends one shard's outbox."""

    def __init__(self, database: Database, publisher: Publisher, metrics: Metrics, shard: int) -> None:
        self._database = database
        self._publisher = publisher
        self._metrics = metrics
        self._shard = shard
        self._set_aside: set[UUID] = set()
        self._failing = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set."""
        looks = Backoff(SHORTEST_LOOK_SECONDS, LONGEST_LOOK_SECONDS)
        failures = Backoff(FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        while not stop.is_set():
            try:
                sent = await self.send_batch()
            except BrokerAway as error:
                self._trouble(f"the broker is away: {error}")
                await pause(failures.next(), stop)
            except Unavailable:
                self._trouble("the database is away")
                await pause(failures.next(), stop)
            else:
                if sent.failed:
                    self._trouble(f"{len(sent.failed)} events could not be sent: {next(iter(sent.failed.values()))}")
                    await pause(failures.next(), stop)
                    continue
                self._well()
                failures.reset()
                if sent.acknowledged:
                    looks.reset()
                if len(sent.acknowledged) < limits.SEND_BATCH:
                    await pause(looks.next(), stop)

    async def send_batch(self) -> Sent:
        """Sends what there is, up to a batch. Raises BrokerAway or Unavailable; nothing is marked as sent then."""
        room = min(len(self._set_aside), MOST_SET_ASIDE)

        async def work(transaction: Transaction) -> Sent:
            rows = await outbox.claim(transaction, limits.SEND_BATCH + room)
            if not rows:
                return Sent(frozenset())
            began = time.time_ns()
            try:
                async with asyncio.timeout(limits.LONGEST_SEND_SECONDS):
                    sent = await self._publisher.send([_outgoing(row) for row in rows])
            except TimeoutError:
                raise BrokerAway("no answer") from None
            if sent.acknowledged:
                await outbox.mark_sent(transaction, list(sent.acknowledged))
            if tracing.enabled():
                _trace(rows, sent, began)
            return sent

        # Sending again is as good as sending once: readers have inboxes.
        sent = await self._database.write(work, shard=self._shard, idempotent=True)
        for event_id, reason in sent.unsendable.items():
            self._put_aside(event_id, reason)
        self._set_aside &= sent.unsendable.keys()
        return sent

    def _put_aside(self, event_id: UUID, reason: str) -> None:
        """An unsendable event stays in the outbox for an operator, and so do later events of its aggregate and
        topic."""
        if event_id in self._set_aside:
            return
        self._set_aside.add(event_id)
        self._metrics.count(names.EVENTS_DEAD_LETTERED)
        log.error(
            "an event can't be sent, and stays in the outbox: %s",
            reason,
            extra={"event_id": str(event_id), "error": "Unsendable", "shard": self._shard},
        )

    def _trouble(self, what: str) -> None:
        if not self._failing:
            self._failing = True
            log.warning("events wait in the outbox of shard %d: %s", self._shard, what, extra={"error": "NotSent"})

    def _well(self) -> None:
        if self._failing:
            self._failing = False
            log.info("events of shard %d are sent again", self._shard)


def _trace(rows: Sequence[outbox.OutboxRow], sent: Sent, began_ns: int) -> None:
    """A span for each event, in the trace of the request that caused it."""
    failed = {**sent.failed, **sent.unsendable}
    for row in rows:
        if row.event_id not in sent.acknowledged and row.event_id not in failed:
            continue
        tracing.record(
            f"publish {row.topic}",
            "producer",
            began_ns,
            {"messaging.message.id": str(row.event_id), "messaging.destination.name": row.topic},
            correlation_id=row.payload.get("correlation_id"),
            failure=failed.get(row.event_id),
        )


def _outgoing(row: outbox.OutboxRow) -> Outgoing:
    return Outgoing(row.event_id, row.topic, row.aggregate_id, msgspec.json.encode(row.payload))
