"""A connection that the server ends between two statements is a lost connection, and no mistake of the program."""

from __future__ import annotations

from uuid import UUID

from chassis.tests.events import shop
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.identifiers import new_id
from groundplan_devkit.testing import FreshDatabase


async def test_work_is_done_again_when_its_connection_was_ended_between_two_statements(
    db: Database, tables: FreshDatabase
) -> None:
    tries = 0

    async def work(transaction: Transaction) -> UUID:
        nonlocal tries
        tries += 1
        identifier = await shop.place(transaction, new_id())
        if tries == 1:
            number = await transaction.fetchval("SELECT pg_backend_pid()")
            tables.postgres.execute(f"SELECT pg_terminate_backend({number}, 5000)")
        await shop.change(transaction, identifier, "2.00")
        return identifier

    identifier = await db.write(work, shard=0)
    rows = await db.fetch("SELECT id, version FROM orders", shard=0, fresh=True)
    assert [tuple(row) for row in rows] == [(identifier, 2)]
    assert tries == 2


async def test_a_read_finds_another_connection_when_the_pools_own_were_ended(
    db: Database, tables: FreshDatabase
) -> None:
    await db.fetchval("SELECT 1", shard=0, fresh=True)
    tables.postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{tables.user}'")  # noqa: S608
    assert await db.fetchval("SELECT 2", shard=0, fresh=True) == 2
