"""The work of an erasure: rows with their read models, copies in the cache, answers behind idempotency keys.

Each step may be repeated, and finds what an earlier attempt has left undone. What stays is listed in ADR 17.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import msgspec

from groundplan_chassis.database import idempotency
from groundplan_chassis.erasure.erasable import MOST_ROWS, Erasable
from groundplan_chassis.erasure.requests import ErasureRequest
from groundplan_chassis.http.errors import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from groundplan_chassis.context import Context
    from groundplan_chassis.database.database import Database
    from groundplan_chassis.database.transaction import Record, Transaction
    from groundplan_chassis.events.projection import Projection
    from groundplan_chassis.service import Service


SETTLED_SECONDS: Final = 10.0
"""Longest wait for transactions that were under way when an erasure begins: twice the statement time-out."""
_LOOK_SECONDS: Final = 0.05
_NUMBER = "SELECT pg_current_xact_id()::text"
_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8"


class Erased(msgspec.Struct, frozen=True):
    """What one erasure has changed."""

    rows: int
    keys: int
    """Idempotency keys whose answers are gone."""


async def erase(service: Service, context: Context, request: ErasureRequest) -> Erased:
    """Erases the person from this service. Raises Unavailable, and what PostgreSQL refuses; it may then be repeated.

    Returns once no copy in the cache is older either, which takes as long as the cache is away.
    """
    for shard in context.database.shards:
        await _settled(context.database, shard)
    rows = 0
    for erasable in service.erasables:
        for shard in context.database.shards:
            rows += await _rows(service, context, erasable, request, shard)
            await _copies(service, context, erasable, request.subject, shard)
    keys = 0
    for shard in context.database.shards:
        keys += await idempotency.erase(context.database, request.subject, shard)
    return Erased(rows, keys)


async def _settled(database: Database, shard: int) -> None:
    """Returns once every transaction that has written anything by now has ended: its rows are seen from then on.

    What the person writes later is of a person who came back. Raises Unavailable when that takes too long.
    """
    # PostgreSQL numbers transactions when they first write: all of them have smaller numbers than this one.
    number = await database.write(lambda transaction: transaction.fetchval(_NUMBER), shard=shard, idempotent=True)
    waited = 0.0
    while not await database.fetchval(_ENDED, number, shard=shard, fresh=True):
        if waited >= SETTLED_SECONDS:
            raise Unavailable("Transactions from before the erasure are still under way")
        await asyncio.sleep(_LOOK_SECONDS)
        waited += _LOOK_SECONDS


async def remaining(service: Service, context: Context, subject: str) -> dict[str, int]:
    """What of the person is not erased: numbers of rows by table. Raises Unavailable."""
    database = context.database
    found: dict[str, int] = {}
    for erasable in service.erasables:
        owner = erasable.owned_by(subject)
        if owner is None:
            continue
        counted = await database.each_shard(erasable.count, owner, fresh=True)
        found[erasable.table] = sum(int(rows[0][0]) for rows in counted)
        projection = _projection(service, erasable)
        if projection is not None:
            counted = await database.each_shard(projection.behind(erasable.owner), owner, fresh=True)
            found[projection.read_model.strip('"')] = sum(int(rows[0][0]) for rows in counted)
    found["idempotency_keys"] = sum(
        [await idempotency.held(database, subject, shard) for shard in database.shards], start=0
    )
    return found


async def _rows(service: Service, context: Context, erasable: Erasable, request: ErasureRequest, shard: int) -> int:
    owner = erasable.owned_by(request.subject)
    if owner is None:
        return 0
    projection = _projection(service, erasable)

    async def some(transaction: Transaction) -> int:
        rows = await transaction.fetch(erasable.find, owner)
        written: list[Record] = []
        for before in rows:
            after = await transaction.fetchrow(erasable.erase, before["id"])
            assert after is not None
            await erasable.record(
                transaction, before, after, actor=request.actor, correlation_id=request.correlation_id
            )
            written.append(after)
        await _project(transaction, projection, written)
        return len(rows)

    done = 0
    while True:
        # What is done twice finds its rows erased.
        number = await context.database.write(some, shard=shard, idempotent=True)
        done += number
        if number < MOST_ROWS:
            return done


async def _copies(service: Service, context: Context, erasable: Erasable, subject: str, shard: int) -> None:
    """The read model and the cache hold no older version of any row of theirs, erased now or before."""
    projection = _projection(service, erasable)
    caches = [cache(context) for cache in service.caches if cache.resource == erasable.resource]
    if projection is None and not caches:
        return
    async for rows in _pages(context, erasable, subject, shard):

        async def project(transaction: Transaction, rows: list[Record] = rows) -> None:
            await _project(transaction, projection, rows)

        if projection is not None:
            await context.database.write(project, shard=shard, idempotent=True)
        for cache in caches:
            for row in rows:
                await cache.changed(row["id"], row["version"])
            await cache.invalidations_sent()


async def _pages(context: Context, erasable: Erasable, subject: str, shard: int) -> AsyncIterator[list[Record]]:
    owner = erasable.owned_by(subject)
    after: UUID | None = None
    while owner is not None:
        rows = await context.database.fetch(erasable.page, owner, after, shard=shard, fresh=True)
        if rows:
            yield rows
            after = rows[-1]["id"]
        if len(rows) < MOST_ROWS:
            return


def _projection(service: Service, erasable: Erasable) -> Projection | None:
    return next((each for each in service.projections if each.resource == erasable.resource), None)


async def _project(transaction: Transaction, projection: Projection | None, rows: list[Record]) -> None:
    if projection is not None and rows:
        from groundplan_chassis.events.projection import write_rows

        await write_rows(transaction, projection, projection.upsert, rows)
