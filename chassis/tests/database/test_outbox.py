"""What is no longer needed of outbox and inbox goes, a part at a time, and without reading all that is still needed."""

from __future__ import annotations

from datetime import timedelta

from chassis.tests.database.databases import TemporaryDatabase
from chassis.tests.plans import plan_of, rows_read
from groundplan_chassis.database import inbox, outbox
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.identifiers import new_id

DAY = timedelta(days=1)
FILL = """
    INSERT INTO outbox (event_id, topic, aggregate_id, payload, sent_at)
    SELECT gen_random_uuid(), 'book.added', gen_random_uuid(), '{{}}', {sent}
    FROM generate_series(1, {rows})
"""


async def pruned(database: Database, limit: int) -> list[int]:
    """How many each round has taken away, until there is nothing to take."""
    rounds: list[int] = []
    while not rounds or rounds[-1]:
        rounds.append(await database.write(lambda transaction: outbox.prune(transaction, DAY, limit), shard=0))
    return rounds


async def test_what_was_sent_a_day_ago_goes_and_nothing_else(target: TemporaryDatabase, db: Database) -> None:
    for sent, rows in (("NULL", 3), ("now() - interval '25 hours'", 5), ("NULL", 2), ("now()", 4)):
        await target.execute(FILL.format(sent=sent, rows=rows))
    assert await pruned(db, 2) == [2, 2, 1, 0]
    assert await target.values("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == [5]
    assert await target.values("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == [4]


async def test_a_day_of_messages_is_not_read_for_the_last_old_ones(target: TemporaryDatabase, db: Database) -> None:
    await target.execute(
        FILL.format(sent="now() - interval '25 hours'", rows=10),
        FILL.format(sent="now() - interval '1 hour'", rows=20_000),
        "ANALYZE outbox",
    )

    async def explain(transaction: Transaction) -> str:
        return str(await transaction.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {outbox._PRUNE}", DAY, 50))

    assert rows_read(plan_of(await db.write(explain, shard=0))) <= 50
    assert await target.values("SELECT count(*) FROM outbox") == [20_000]


async def test_an_event_is_handled_once_and_its_mark_kept_as_long_as_it_may_come_again(
    target: TemporaryDatabase, db: Database
) -> None:
    event = new_id()

    async def first_time(transaction: Transaction) -> bool:
        return await inbox.first_time(transaction, event, "loan.ended")

    assert [await db.write(first_time, shard=0) for _ in range(2)] == [True, False]
    prune = [await db.write(lambda transaction: inbox.prune(transaction, DAY, 10), shard=0)]
    await target.execute("UPDATE inbox SET handled_at = now() - interval '25 hours'")
    prune.append(await db.write(lambda transaction: inbox.prune(transaction, DAY, 10), shard=0))
    assert prune == [0, 1]
    assert await db.write(first_time, shard=0) is True
