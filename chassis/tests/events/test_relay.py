"""The relay: committed events leave the outbox in order, also while the broker fails (A3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest

from chassis.tests.events import shop
from chassis.tests.events.readers import running
from chassis.tests.events.shop import PLACED, STREAM
from chassis.tests.waiting import until
from groundplan_chassis.database import outbox
from groundplan_chassis.database.changes import Change, messages
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events import housekeeping, limits
from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.event import decode
from groundplan_chassis.events.port import Outgoing, Sent
from groundplan_chassis.events.relay import Relay
from groundplan_chassis.events.waves import WaveSent, send_in_waves
from groundplan_chassis.http.errors import PayloadTooLarge
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names

TOPICS = {PLACED: "shop.order.placed", STREAM: "shop.order.read_model"}


class Broker:
    """Takes everything, unless it is away; tests on real brokers are elsewhere (`test_kafka.py`, `test_faults.py`)."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.away = False
        self.seconds = seconds
        self.taken: list[Outgoing] = []
        self.calls = 0

    async def send(self, batch: Sequence[Outgoing]) -> Sent:
        self.calls += 1
        if self.away:
            raise BrokerAway("the test's broker")
        return await send_in_waves(batch, TOPICS, self._take)

    async def _take(self, wave: Sequence[Outgoing], _deadline: float) -> WaveSent:
        await asyncio.sleep(self.seconds)
        self.taken += wave
        return WaveSent({each.event_id for each in wave})

    async def close(self) -> None: ...

    def versions(self) -> dict[UUID, list[int]]:
        """By order, as the read model's stream has them."""
        found: dict[UUID, list[int]] = {}
        for message in self.taken:
            if message.event == STREAM:
                event = decode(message.body)
                found.setdefault(event.aggregate_id, []).append(event.version)
        return found


async def unsent(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL", shard=0, fresh=True))


async def all_sent(db: Database) -> bool:
    return await unsent(db) == 0


async def busy(db: Database, orders: int = 20, changes: int = 4) -> list[UUID]:
    made = []
    for _ in range(orders):
        identifier = new_id()
        await db.write(partial(shop.place, identifier=identifier), shard=0)
        made.append(identifier)
    for number in range(changes):
        for identifier in made:
            await db.write(partial(shop.change, identifier=identifier, total=str(number)), shard=0)
    return made


async def test_what_is_sent_is_the_envelope_that_was_written(db: Database, recorded: shop.MetricRecorder) -> None:
    identifier = new_id()
    await db.write(partial(shop.place, identifier=identifier, total="12.30"), shard=0)
    broker = Broker()
    sent = await Relay(db, broker, recorded.metrics, 0).send_batch()
    assert len(sent.acknowledged) == 2
    assert [message.event for message in broker.taken] == [PLACED, STREAM]
    event = decode(broker.taken[0].body)
    assert (event.event_type, event.aggregate_id, event.version) == (PLACED, identifier, 1)
    assert (event.actor, event.correlation_id, event.data()) == ("c-1", "request-1", {"total": "12.30"})
    change = decode(broker.taken[1].body)
    assert (change.aggregate_id, change.data()) == (identifier, {"resource": "order", "operation": "create"})
    assert await unsent(db) == 0
    assert (await Relay(db, broker, recorded.metrics, 0).send_batch()).acknowledged == frozenset()


async def test_several_relays_share_the_work_and_keep_each_orders_order(
    db: Database, recorded: shop.MetricRecorder
) -> None:
    broker = Broker(seconds=0.002)
    writing = asyncio.create_task(busy(db))
    async with (
        running(Relay(db, broker, recorded.metrics, 0).run),
        running(Relay(db, broker, recorded.metrics, 0).run),
        running(Relay(db, broker, recorded.metrics, 0).run),
    ):
        made = await writing
        await until(lambda: all_sent(db))
    assert broker.versions() == {identifier: [1, 2, 3, 4, 5] for identifier in made}
    assert len(broker.taken) == len({message.event_id for message in broker.taken})


async def test_an_absent_broker_is_asked_ever_more_rarely_and_nothing_is_lost(
    db: Database, recorded: shop.MetricRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LONGEST_ABSENCE_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(housekeeping, "AGE_SECONDS", 0.2)
    broker = Broker()
    broker.away = True
    await busy(db, orders=3)
    began = time.monotonic()
    async with (
        running(Relay(db, broker, recorded.metrics, 0).run),
        running(partial(housekeeping.report_outbox_age, db, recorded.metrics)),
    ):
        await asyncio.sleep(2)
        # At most one try in a quarter of a second: the first pause is half of what it may be.
        assert broker.calls <= (time.monotonic() - began) / 0.25 + 1
        assert broker.taken == []
        broker.away = False
        await until(lambda: all_sent(db))
    assert all(versions == [1, 2, 3, 4, 5] for versions in broker.versions().values())
    assert max(recorded.values(names.OUTBOX_AGE_SECONDS)) > 1


async def test_an_empty_outbox_is_looked_at_some_times_a_second(db: Database, recorded: shop.MetricRecorder) -> None:
    looks = 0

    class Counting(Relay):
        async def send_batch(self) -> Sent:
            nonlocal looks
            looks += 1
            return await super().send_batch()

    async with running(Counting(db, Broker(), recorded.metrics, 0).run):
        await asyncio.sleep(2)
    assert 1 <= looks <= 16


async def test_an_unsendable_event_delays_only_its_successors(
    db: Database, recorded: shop.MetricRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEND_BATCH", 4)
    stuck = new_id()

    async def write(transaction: Transaction) -> None:
        await shop.place(transaction, stuck)
        await transaction.execute("UPDATE outbox SET topic = 'order.unknown' WHERE topic = $1", PLACED)

    await db.write(write, shard=0)
    made = await busy(db, orders=10, changes=1)
    broker = Broker()
    async with running(Relay(db, broker, recorded.metrics, 0).run):
        await until(lambda: _left(db, 1))
    assert broker.versions() == {identifier: [1, 2] for identifier in made} | {stuck: [1]}
    assert recorded.total(names.EVENTS_DEAD_LETTERED) == 1, "told once, not with each look"


async def _left(db: Database, count: int) -> bool:
    return await unsent(db) == count


async def test_rows_are_not_marked_when_the_process_ends_before_the_brokers_answer(
    db: Database, recorded: shop.MetricRecorder
) -> None:
    await busy(db, orders=2, changes=0)
    broker = Broker(seconds=3600)
    task = asyncio.create_task(Relay(db, broker, recorded.metrics, 0).send_batch())
    await until(lambda: broker.calls == 1)
    task.cancel()
    await asyncio.wait([task])
    assert await unsent(db) == 4
    assert len((await Relay(db, Broker(), recorded.metrics, 0).send_batch()).acknowledged) == 4


async def test_what_was_sent_long_ago_is_taken_away_and_what_was_not_sent_never(
    db: Database, recorded: shop.MetricRecorder
) -> None:
    await busy(db, orders=3, changes=0)
    await Relay(db, Broker(), recorded.metrics, 0).send_batch()
    await busy(db, orders=2, changes=0)
    old = "UPDATE outbox SET created_at = now() - interval '9 days', sent_at = sent_at - interval '9 days'"
    await db.write(lambda transaction: transaction.execute(old), shard=0)
    assert await db.write(housekeeping.prune_outbox, shard=0) == 6
    assert await unsent(db) == 4
    assert await db.fetchval("SELECT count(*) FROM outbox", shard=0, fresh=True) == 4
    assert await outbox.oldest_age(db, 0) > 700_000


@pytest.mark.parametrize("character", ["x", '"', "ü", "\x01"])
async def test_a_change_that_no_broker_would_take_is_refused_when_it_is_made(
    db: Database, recorded: shop.MetricRecorder, character: str
) -> None:
    """Else it would wait in the outbox for ever. The largest that is let in does leave."""
    smallest, largest = 1, limits.LARGEST_MESSAGE
    while smallest < largest:
        middle = (smallest + largest + 1) // 2
        try:
            list(messages(_change(character * middle)))
        except PayloadTooLarge:
            largest = middle - 1
        else:
            smallest = middle
    (message,) = messages(_change(character * smallest))
    row = outbox.OutboxRow(message.event_id, 1, message.topic, message.aggregate_id, message.envelope)
    broker = Broker()

    async def write(transaction: Transaction) -> None:
        await transaction.execute(
            "INSERT INTO outbox (event_id, topic, aggregate_id, payload) VALUES ($1, $2, $3, $4)",
            row.event_id,
            row.topic,
            row.aggregate_id,
            row.payload,
        )

    await db.write(write, shard=0)
    sent = await Relay(db, broker, recorded.metrics, 0).send_batch()
    assert (len(sent.acknowledged), sent.unsendable) == (1, {})
    assert limits.LARGEST_MESSAGE - 100 < len(broker.taken[0].body) <= limits.LARGEST_MESSAGE


def _change(note: str) -> Change:
    return Change(
        event_type=PLACED,
        aggregate_type="order",
        aggregate_id=UUID(int=7),
        version=1,
        actor="c-1",
        correlation_id="request-1",
        payload={"note": note},
        topics=(PLACED,),
    )
