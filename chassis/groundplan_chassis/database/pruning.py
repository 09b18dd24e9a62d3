"""Pruning of outbox, inbox and idempotency keys, in the background of processes with other roles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from groundplan_chassis.backoff import pause
from groundplan_chassis.database import idempotency
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.failures import describe
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.http.errors import Unavailable

PRUNE_SECONDS: Final = 60.0
"""Pause between two rounds of pruning."""
PRUNE_ROWS: Final = 5_000
"""Rows deleted in one transaction, so that it holds no locks for long."""

Prune = Callable[[Transaction], Awaitable[int]]
"""Deletes up to PRUNE_ROWS rows and returns their number."""

log = logging.getLogger(__name__)


async def prune(database: Database, what: str, prune_rows: Prune, stop: asyncio.Event) -> None:
    """Prunes all shards repeatedly, in small transactions; any number of processes may do so.

    A failure is logged and the next round tries again; the process stays up.
    """
    while not await pause(PRUNE_SECONDS, stop):
        for shard in database.shards:
            try:
                pruned = PRUNE_ROWS
                while pruned >= PRUNE_ROWS and not stop.is_set():
                    pruned = await database.write(prune_rows, shard=shard, idempotent=True)
            except Unavailable as error:
                log.info("%s of shard %d will be pruned later: %s", what, shard, error.message)
            except Exception as error:
                log.exception("%s of shard %d can't be pruned", what, shard, extra={"error": describe(error)})


class KeyPruning:
    """Deletes expired idempotency keys, in processes that take requests with keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        await prune(self._database, "idempotency keys", _prune_keys, self._stop)

    def stop(self) -> None:
        """What was begun is ended."""
        self._stop.set()


async def _prune_keys(transaction: Transaction) -> int:
    return await idempotency.prune(transaction, PRUNE_ROWS)
