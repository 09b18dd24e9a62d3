"""The read model from the service's own tables, while it is read and the projector goes on (A4).

Each row is written at the version that it has; an event that comes meanwhile or later is newer, and wins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chassis.events.projection import Projection, write_rows

if TYPE_CHECKING:
    from chassis.database.database import Database
    from chassis.database.transaction import Record, Transaction

PAGE: Final = 500
"""Rows that are read and written at once: a transaction of some ten milliseconds."""

log = logging.getLogger(__name__)


async def rebuild(database: Database, projections: Iterable[Projection], stop: asyncio.Event) -> dict[str, int]:
    """Returns how many rows of each resource were looked at.

    Needs connections to the primary: a replica might have a row at a version that the read model is past. Raises
    Unavailable, also in the middle: it may be run again.
    """
    looked_at: dict[str, int] = {}
    for projection in projections:
        looked_at[projection.resource] = 0
        for shard in database.shards:
            looked_at[projection.resource] += await _shard(database, projection, shard, stop)
        log.info("the read model of %s is rebuilt", projection.resource, extra={"rows": looked_at[projection.resource]})
    return looked_at


async def _shard(database: Database, projection: Projection, shard: int, stop: asyncio.Event) -> int:
    after: UUID | None = None
    rows = 0
    while not stop.is_set():
        page = await database.fetch(projection.page, after, PAGE, shard=shard, fresh=True)
        if not page:
            break

        async def work(transaction: Transaction, page: list[Record] = page) -> None:
            await write_rows(transaction, projection, projection.renew, page)

        await database.write(work, shard=shard, idempotent=True)
        after = page[-1]["id"]
        rows += len(page)
    return rows
