"""An event has its effect exactly once, also after failures and repeated deliveries (A3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
import pytest

from chassis.tests.events import shop
from chassis.tests.events.shop import SETTLED, STREAM, delivery, event_of
from groundplan_chassis.context import Context
from groundplan_chassis.database.changes import Change, ReadModelChange
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events import limits
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.errors import Postponed, Refused
from groundplan_chassis.events.event import Event
from groundplan_chassis.events.handler import Changed, Handler
from groundplan_chassis.events.port import Outcome, Refusal, Verdict
from groundplan_chassis.events.schema import PayloadSchema, converted
from groundplan_chassis.http.errors import Conflict
from groundplan_chassis.identifiers import derived_id, new_id
from groundplan_chassis.observe import correlation
from groundplan_chassis.settings import DatabaseSettings


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def context(db: Database, where: DatabaseSettings, recorded: shop.MetricRecorder) -> Context:
    return shop.context(shop.settings("consumer", where, None), db, recorded)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(limits, "LONGEST_PAUSE_SECONDS", 0.005)


async def pay(transaction: Transaction, _event: Event, _context: Context) -> list[Changed]:
    """Makes an order of the event: a second one for the same event could not be inserted, and would be seen."""
    identifier = await shop.place(transaction, new_id(transaction.shard))
    return [Changed("order", identifier, 1)]


async def orders(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM orders", shard=0, fresh=True))


async def handled(db: Database) -> list[UUID]:
    return [row["event_id"] for row in await db.fetch("SELECT event_id FROM inbox", shard=0, fresh=True)]


def failing(times: int, error: BaseException) -> tuple[Handler, Counter[UUID]]:
    """A handler that writes, fails so often, and then succeeds."""
    seen: Counter[UUID] = Counter()

    async def handle(transaction: Transaction, event: Event, context: Context) -> None:
        await pay(transaction, event, context)
        seen[event.event_id] += 1
        if seen[event.event_id] <= times:
            raise error

    return Handler(handle), seen


async def test_an_event_has_its_effect_and_its_mark_together(
    db: Database, context: Context, recorded: shop.MetricRecorder, stop: asyncio.Event
) -> None:
    event = event_of()
    outcomes = await Consumer(context, {SETTLED: Handler(pay)}).process([delivery(event)], stop)
    assert outcomes == [Verdict.HANDLED]
    assert (await orders(db), await handled(db)) == (1, [event.event_id])
    assert recorded.total("events_consumed") == 1


async def test_a_delivery_that_comes_again_changes_nothing(db: Database, context: Context, stop: asyncio.Event) -> None:
    consumer = Consumer(context, {SETTLED: Handler(pay)})
    event = event_of()
    assert await consumer.process([delivery(event), delivery(event)], stop) == [Verdict.HANDLED] * 2
    assert await consumer.process([delivery(event)], stop) == [Verdict.HANDLED]
    assert await orders(db) == 1


async def test_two_readers_of_one_event_at_once_have_one_effect(
    db: Database, context: Context, stop: asyncio.Event
) -> None:
    readers = [Consumer(context, {SETTLED: Handler(pay)}) for _ in range(4)]
    batch = [delivery(event_of()) for _ in range(25)]
    outcomes = await asyncio.gather(*(reader.process(batch, stop) for reader in readers))
    assert all(each == [Verdict.HANDLED] * len(batch) for each in outcomes)
    assert await orders(db) == len(batch)


async def test_what_fails_is_undone_and_tried_again(db: Database, context: Context, stop: asyncio.Event) -> None:
    handler, seen = failing(limits.MOST_TRIES - 1, RuntimeError("for now"))
    event = event_of()
    assert await Consumer(context, {SETTLED: handler}).process([delivery(event)], stop) == [Verdict.HANDLED]
    assert seen[event.event_id] == limits.MOST_TRIES
    assert await orders(db) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("erika@example.org"), "failed 5 times, at last by RuntimeError"),
        (Conflict("Another item has this value already"), "at last by Conflict: Another item has this value already"),
        (ValueError("x" * 10_000), "at last by ValueError"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
async def test_what_always_fails_is_refused_and_nothing_of_it_stays(
    db: Database, context: Context, stop: asyncio.Event, error: Exception, reason: str
) -> None:
    handler, seen = failing(1000, error)
    event = event_of()
    outcomes = await Consumer(context, {SETTLED: handler}).process([delivery(event)], stop)
    assert reason in _reason(outcomes[0])
    assert "erika" not in _reason(outcomes[0])
    assert seen[event.event_id] == limits.MOST_TRIES
    assert (await orders(db), await handled(db)) == (0, [])


async def test_what_the_handler_refuses_is_not_tried_again(db: Database, context: Context, stop: asyncio.Event) -> None:
    handler, seen = failing(1000, Refused("the order is unknown"))
    event = event_of()
    outcomes = await Consumer(context, {SETTLED: handler}).process([delivery(event)], stop)
    assert outcomes == [Refusal("the order is unknown")]
    assert seen[event.event_id] == 1
    assert (await orders(db), await handled(db)) == (0, [])


async def test_what_waits_for_something_else_is_never_given_up(
    db: Database, context: Context, stop: asyncio.Event
) -> None:
    handler, seen = failing(3 * limits.MOST_TRIES, Postponed("the acquirer is away"))
    event = event_of()
    assert await Consumer(context, {SETTLED: handler}).process([delivery(event)], stop) == [Verdict.HANDLED]
    assert seen[event.event_id] == 3 * limits.MOST_TRIES + 1
    assert await orders(db) == 1


async def test_a_bad_event_does_not_stop_those_behind_it(db: Database, context: Context, stop: asyncio.Event) -> None:
    async def handle(transaction: Transaction, event: Event, context: Context) -> None:
        if event.version == 2:
            raise Refused("bad")
        await pay(transaction, event, context)

    order = new_id()
    batch = [
        delivery(b"garbage", name=SETTLED),
        *(delivery(event_of(order, version)) for version in (1, 2, 3)),
        delivery(event_of(schema_version=9)),
        delivery(event_of(name="user.closed")),
        delivery(event_of()),
    ]
    outcomes = await Consumer(context, {SETTLED: Handler(handle)}).process(batch, stop)
    assert [isinstance(each, Refusal) for each in outcomes] == [True, False, True, False, True, True, False]
    assert await orders(db) == 3


async def test_a_handler_gets_the_payload_of_the_version_that_it_knows(context: Context, stop: asyncio.Event) -> None:
    got: list[dict[str, Any]] = []

    async def handle(_transaction: Transaction, event: Event, _context: Context) -> None:
        got.append(event.data())

    schema = PayloadSchema(2, {1: lambda old: {"amount": old["total"]}})
    old = event_of(payload='{"total": "1.00"}')
    new = event_of(payload='{"amount": "2.00"}', schema_version=2)
    await Consumer(context, {SETTLED: Handler(handle, schema=schema)}).process([delivery(old), delivery(new)], stop)
    assert sorted(each["amount"] for each in got) == ["1.00", "2.00"]


def renamed_total(payload: dict[str, Any]) -> dict[str, Any]:
    return converted(payload, renamed={"total": "amount"}, added={"currency": "EUR"})


@pytest.mark.parametrize("sent", [1, 2])
async def test_what_a_publisher_sends_is_read_by_a_consumer_of_the_next_version(
    sent: int, db: Database, context: Context, stop: asyncio.Event
) -> None:
    """Through the outbox: the row's history has the newest payload, and consumers what they were taught (ADR 24)."""
    order = new_id()
    newest = {"amount": "7.00", "currency": "USD"}
    change = Change(
        event_type=SETTLED,
        aggregate_type="order",
        aggregate_id=order,
        version=1,
        actor="c-1",
        correlation_id="request-1",
        payload=newest,
        topics=(SETTLED,),
        schema_version=sent,
        sent_payload={"total": "7.00"} if sent == 1 else None,
        read_model=ReadModelChange(stream=STREAM, operation="create"),
    )

    async def write(transaction: Transaction) -> None:
        await shop.place(transaction, order)
        await transaction.record(change)

    await db.write(write, shard=0)
    history = await db.fetchval("SELECT payload FROM order_events WHERE event_id = $1", change.event_id, shard=0)
    assert history == newest
    rows = await db.fetch("SELECT topic, payload FROM outbox ORDER BY position", shard=0, fresh=True)
    told = {row["topic"]: row["payload"] for row in rows}
    assert (told[SETTLED]["schema_version"], told[STREAM]["schema_version"]) == (sent, 1)

    got: list[dict[str, Any]] = []

    async def handle(_transaction: Transaction, event: Event, _context: Context) -> None:
        got.append(event.data())

    handler = Handler(handle, schema=PayloadSchema(2, {1: renamed_total}))
    body = msgspec.json.encode(told[SETTLED])
    assert await Consumer(context, {SETTLED: handler}).process([delivery(body, name=SETTLED)], stop) == [
        Verdict.HANDLED
    ]
    assert got == [{"amount": "7.00", "currency": "EUR"} if sent == 1 else newest]


async def test_events_of_one_aggregate_are_handled_in_their_order_and_others_meanwhile(
    context: Context, stop: asyncio.Event
) -> None:
    finished: list[tuple[UUID, int]] = []
    running: set[UUID] = set()
    most = 0

    async def handle(_transaction: Transaction, event: Event, _context: Context) -> None:
        nonlocal most
        assert event.aggregate_id not in running
        running.add(event.aggregate_id)
        most = max(most, len(running))
        await asyncio.sleep(0.002)
        running.discard(event.aggregate_id)
        finished.append((event.aggregate_id, event.version))

    aggregates = [new_id() for _ in range(6)]
    batch = [delivery(event_of(each, version)) for version in range(5) for each in aggregates]
    await Consumer(context, {SETTLED: Handler(handle)}).process(batch, stop)
    for each in aggregates:
        assert [version for identifier, version in finished if identifier == each] == [0, 1, 2, 3, 4]
    assert most > 1


async def test_without_an_order_of_the_broker_what_comes_together_is_sorted(
    context: Context, stop: asyncio.Event
) -> None:
    seen: list[int] = []

    async def handle(_transaction: Transaction, event: Event, _context: Context) -> None:
        seen.append(event.version)

    order = new_id()
    batch = [delivery(event_of(order, version), position=None) for version in (3, 1, 2)]
    await Consumer(context, {SETTLED: Handler(handle)}).process(batch, stop)
    assert seen == [1, 2, 3]


async def test_an_order_to_stop_leaves_what_was_not_begun(db: Database, context: Context, stop: asyncio.Event) -> None:
    async def handle(transaction: Transaction, event: Event, context: Context) -> None:
        await pay(transaction, event, context)
        stop.set()

    order = new_id()
    batch = [delivery(event_of(order, version)) for version in (1, 2, 3)]
    outcomes = await Consumer(context, {SETTLED: Handler(handle)}).process(batch, stop)
    assert outcomes == [Verdict.HANDLED, Verdict.LEFT, Verdict.LEFT]
    assert await orders(db) == 1


async def test_an_order_to_stop_ends_waiting_for_another_try(
    db: Database, context: Context, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FIRST_PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(limits, "LONGEST_PAUSE_SECONDS", 3600.0)
    handler, _ = failing(1000, RuntimeError("for now"))
    asyncio.get_running_loop().call_later(0.1, stop.set)
    assert await Consumer(context, {SETTLED: handler}).process([delivery(event_of())], stop) == [Verdict.LEFT]
    assert await orders(db) == 0


async def test_caches_are_invalidated_after_the_commit_and_their_failure_is_not_the_events(
    db: Database, context: Context, stop: asyncio.Event
) -> None:
    heard: list[tuple[str, UUID, int, int]] = []

    async def changed(resource: str, identifier: UUID, version: int) -> None:
        visible = await db.fetchval("SELECT count(*) FROM orders WHERE id = $1", identifier, shard=0, fresh=True)
        heard.append((resource, identifier, version, visible))
        raise ConnectionError

    consumer = Consumer(context, {SETTLED: Handler(pay)}, changed)
    event = event_of()
    assert await consumer.process([delivery(event)], stop) == [Verdict.HANDLED]
    assert await consumer.process([delivery(event)], stop) == [Verdict.HANDLED]
    assert [(each[0], each[2], each[3]) for each in heard] == [("order", 1, 1)]


async def test_what_a_handler_writes_carries_the_requests_id(context: Context, stop: asyncio.Event) -> None:
    ids: list[str | None] = []

    async def handle(_transaction: Transaction, _event: Event, _context: Context) -> None:
        ids.append(correlation.current())

    await Consumer(context, {SETTLED: Handler(handle)}).process([delivery(event_of(correlation_id="r-7"))], stop)
    assert (ids, correlation.current()) == (["r-7"], None)


@pytest.mark.parametrize(
    "shard", [lambda event: event.data()["missing"], lambda event: derived_id(event.event_id, "x", 63)]
)
async def test_an_event_without_a_shard_is_refused(
    db: Database, context: Context, stop: asyncio.Event, shard: Any
) -> None:
    outcomes = await Consumer(context, {SETTLED: Handler(pay, shard)}).process([delivery(event_of())], stop)
    assert "shard" in _reason(outcomes[0])
    assert await orders(db) == 0


def _reason(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal)
    return outcome.reason
