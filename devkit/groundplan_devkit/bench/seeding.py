"""Tables with a million rows each, the size at which indexes matter, filled by PostgreSQL."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import asyncpg

from groundplan.declaration.model import Resource
from groundplan_devkit.bench.progress import Say
from groundplan_devkit.bench.rows import columns
from groundplan_devkit.problems import Unavailable

BATCH = 100_000
"""Rows a statement: one every few seconds, so that a run that stands still is told from one that is slow."""
STATEMENT_SECONDS = 300.0
"""Time-out of one statement: ten times its duration on two busy cores."""
FOLLOWING_SECONDS = 300.0
"""Time for replicas to catch up."""
VISIBLE_SECONDS = 10.0
VISIBLE = 0.95
"""Of the pages."""

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    # Generic in its stubs only.
    Connection = asyncpg.Connection

# Of a year, so that lists by time have something to sort; the id begins with the same millisecond (UUIDv7, shard 0).
_MADE = "now() - INTERVAL '1 year' * (1 - n::double precision / {count})"
_ID = "(lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '70008' || left(md5('id ' || n), 15))::uuid"


async def seed(connection: Connection, name: str, resource: Resource, count: int, say: Say) -> list[UUID]:
    """Fills the resource's table, its history (D2) and the outbox with ``count`` rows each, as a service has them that
    has long been in use, analyses them, and waits for replicas. Returns the ids, the oldest first.

    Raises Unavailable when PostgreSQL takes too long.
    """
    table, history = resource.table(name), f"{name}_events"
    begun = monotonic()
    filling = await _statement(connection, name, resource, count)
    for first in range(0, count, BATCH):
        last = min(first + BATCH, count) - 1
        try:
            await connection.execute(filling, first, last, timeout=STATEMENT_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"{count:,} rows of {table}",
                f"PostgreSQL did not write {last - first + 1:,} of them in {STATEMENT_SECONDS:.0f} s",
                "a machine with less to do",
                "try again, or fill fewer: make bench-services ROWS=…",
            ) from None
        say(f"  {last + 1:,} of {count:,} rows, {(last + 1) / (monotonic() - begun):,.0f}/s")
    say(f"Waiting for replicas to have them too (at most {FOLLOWING_SECONDS:.0f} s)")
    await _followed(connection)
    say("Analysing them")
    for each in (table, history, "outbox"):
        if await _exists(connection, each):
            await _analyse(connection, each)
    await _followed(connection)
    ids = await connection.fetch(f'SELECT id FROM "{table}" ORDER BY id', timeout=STATEMENT_SECONDS)  # noqa: S608
    return [each["id"] for each in ids]


async def _statement(connection: Connection, name: str, resource: Resource, count: int) -> str:
    """Rows with the numbers from $1 to $2, each with the event of its creation and what was sent of that."""
    made = columns(resource)
    listed = ", ".join(f'"{column}"' for column in made)
    sent = (
        """, sent AS (
            INSERT INTO outbox (event_id, topic, aggregate_id, payload, created_at, sent_at)
            SELECT gen_random_uuid(), 'bench', id, '{}', now(), now() FROM filled
        )"""
        if await _exists(connection, "outbox")
        else ""
    )
    # Names are the declaration's.
    return f"""
        WITH numbered AS (
            SELECT n, {_MADE.format(count=count)} AS made FROM generate_series($1::bigint, $2::bigint) AS n
        ), filled AS (
            INSERT INTO "{resource.table(name)}" (id, {listed}, created_at, updated_at)
            SELECT {_ID}, {", ".join(made.values())}, made, made FROM numbered
            RETURNING id, created_at
        ){sent}
        INSERT INTO "{name}_events" (aggregate_id, event_type, version, actor, correlation_id, payload, occurred_at)
        SELECT id, '{name}.created', 1, 'bench', 'bench', '{{}}', created_at FROM filled
    """  # noqa: S608


async def _exists(connection: Connection, table: str) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table))


async def _analyse(connection: Connection, table: str) -> None:
    """Until its pages are known to be visible to everybody, as those of a table long in use mostly are, or the time for
    that is up: indexes are read alone then. Replicas tell once a second what they still look at."""
    deadline = monotonic() + VISIBLE_SECONDS
    visible = "SELECT relallvisible >= relpages * $2::float FROM pg_class WHERE oid = to_regclass($1)"
    while True:
        await connection.execute(f'VACUUM ANALYZE "{table}"', timeout=STATEMENT_SECONDS)
        if await connection.fetchval(visible, table, VISIBLE) or monotonic() > deadline:
            return
        await connection.execute("SELECT pg_sleep(1)")


async def _followed(connection: Connection) -> None:
    """Until every replica has replayed what is committed. What was written after that (by VACUUM, say) is sent to them
    with the next flush, which may be a minute away. A user who may not see how far they are waits for none."""
    written = await connection.fetchval("SELECT pg_current_wal_flush_lsn()")
    behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < $1::pg_lsn"
    deadline = monotonic() + FOLLOWING_SECONDS
    while await connection.fetchval(behind, written):
        if monotonic() > deadline:
            raise Unavailable(
                "a replica that has followed",
                f"still behind after {FOLLOWING_SECONDS:.0f} s",
                "a replica at the primary's state",
                "try again when the machine has less to do",
            )
        await connection.execute("SELECT pg_sleep(0.2)")
