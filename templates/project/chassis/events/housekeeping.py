"""What a relay or reader does besides: tell the outbox's age, and take away what is no longer needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from chassis.database import inbox, outbox
from chassis.events import limits
from chassis.events.backoff import pause
from chassis.http.errors import Unavailable
from chassis.observe import names

if TYPE_CHECKING:
    from chassis.database.database import Database
    from chassis.database.transaction import Transaction
    from chassis.observe.metrics import Metrics

AGE_SECONDS: Final = 10.0
"""Between two looks at the outbox's age; its alarm counts minutes."""
PRUNE_SECONDS: Final = 60.0
"""Between two rounds of pruning."""
PRUNE_ROWS: Final = 5_000
"""Rows that are taken away in one transaction, so that it holds no locks for long."""

Prune = Callable[["Transaction"], Awaitable[int]]
"""Takes away up to PRUNE_ROWS rows and returns how many they were."""

log = logging.getLogger(__name__)


async def tell_outbox_age(database: Database, metrics: Metrics, stop: asyncio.Event) -> None:
    """OUTBOX_AGE_SECONDS of the oldest event on any shard that is committed and not sent; 0 when there is none."""
    while not stop.is_set():
        ages = []
        for shard in database.shards:
            try:
                ages.append(await outbox.oldest_age(database, shard))
            except Unavailable:
                log.debug("shard %d is away: its outbox's age is not known", shard)
        if ages:
            metrics.record(names.OUTBOX_AGE_SECONDS, max(ages))
        await pause(AGE_SECONDS, stop)


async def prune(database: Database, what: str, prune_rows: Prune, stop: asyncio.Event) -> None:
    """Prunes all shards, again and again, in small transactions."""
    while not await pause(PRUNE_SECONDS, stop):
        for shard in database.shards:
            try:
                pruned = PRUNE_ROWS
                while pruned >= PRUNE_ROWS and not stop.is_set():
                    pruned = await database.write(prune_rows, shard=shard, idempotent=True)
            except Unavailable:
                log.debug("shard %d is away: %s is pruned later", shard, what)


async def prune_outbox(transaction: Transaction) -> int:
    """Events that were sent a day ago."""
    return await outbox.prune(transaction, timedelta(hours=limits.KEPT_SENT_HOURS), PRUNE_ROWS)


async def prune_inbox(transaction: Transaction) -> int:
    """Events that no broker delivers again."""
    return await inbox.prune(transaction, timedelta(days=limits.KEPT_INBOX_DAYS), PRUNE_ROWS)
