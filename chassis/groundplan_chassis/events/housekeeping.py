"""Housekeeping of relays and readers: the metric of the outbox's age, and pruning of outbox and inbox."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from groundplan_chassis.backoff import pause
from groundplan_chassis.database import inbox, outbox
from groundplan_chassis.database.pruning import PRUNE_ROWS
from groundplan_chassis.events import limits
from groundplan_chassis.http.errors import Unavailable
from groundplan_chassis.observe import names

if TYPE_CHECKING:
    from groundplan_chassis.database.database import Database
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.observe.metrics import Metrics

AGE_SECONDS: Final = 10.0
"""Pause between two measurements of the outbox's age; its alarm counts minutes."""
log = logging.getLogger(__name__)


async def report_outbox_age(database: Database, metrics: Metrics, stop: asyncio.Event) -> None:
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


async def prune_outbox(transaction: Transaction) -> int:
    """Events that were sent a day ago."""
    return await outbox.prune(transaction, timedelta(hours=limits.KEPT_SENT_HOURS), PRUNE_ROWS)


async def prune_inbox(transaction: Transaction) -> int:
    """Events that no broker delivers again."""
    return await inbox.prune(transaction, timedelta(days=limits.KEPT_INBOX_DAYS), PRUNE_ROWS)
