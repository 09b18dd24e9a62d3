"""The event log handled again: in order, once each, from a folder and from S3 (A3, A4)."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis.tests.events import shop
from chassis.tests.events.readers import Recorder
from chassis.tests.events.shop import ORDERS, PLACED, STREAM, event_of
from chassis.tests.events.test_projector import busy_orders, read_model, streamed
from groundplan_chassis.context import Context
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events import commands, limits
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.event import Event, decode, encode
from groundplan_chassis.events.event_log import Days, FolderLog, open_log
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.ordering import OrderedEvents
from groundplan_chassis.events.projector import Projector
from groundplan_chassis.events.queues.clients import Clients
from groundplan_chassis.events.replay import replay
from groundplan_chassis.events.schema import PayloadSchema, converted
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.service import Service
from groundplan_chassis.settings import DatabaseSettings, QueueSettings
from groundplan_devkit.provision.installation import REGION
from groundplan_devkit.servers import Aws
from groundplan_devkit.testing import label

DAY = date(2026, 11, 3)
DAYS = Days(DAY - timedelta(days=1), DAY + timedelta(days=1))


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def context(db: Database, where: DatabaseSettings, recorded: shop.MetricRecorder) -> Context:
    events = QueueSettings({}, frozenset({STREAM}), "http://127.0.0.1/queue", "http://127.0.0.1/dead")
    return shop.context(shop.settings("projector", where, events), db, recorded)


def write(folder: Path, event: str, bodies: list[bytes], *, day: date = DAY, hour: int = 7, name: str = "1") -> Path:
    """As Firehose does (`groundplan_components.events.log`)."""
    path = folder / "events" / f"event={event}" / f"day={day}" / f"hour={hour:02}" / f"{name}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(body + b"\n" for body in bodies)))
    return path


def scatter(folder: Path, event: str, bodies: list[bytes]) -> None:
    """Over objects of several hours and days, out of order, some of them twice."""
    chance = random.Random(5)  # noqa: S311 - the same each time
    bodies = bodies + chance.sample(bodies, len(bodies) // 3)
    chance.shuffle(bodies)
    for number, start in enumerate(range(0, len(bodies), 7)):
        day = DAYS.first + timedelta(days=chance.randrange(3))
        write(folder, event, bodies[start : start + 7], day=day, hour=chance.randrange(24), name=str(number))


@pytest.fixture
async def bucket(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Any, str, Clients]]:
    """A client of S3, a bucket's name, and the chassis's own clients."""
    environment = aws_server.environment(REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, environment[name])
    client = aws_server.client("s3", REGION)
    name = label()
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    clients = Clients(shop.settings("projector", shop.database_settings("none", [1]), None, aws_server.endpoint))
    yield client, name, clients
    await clients.close()


def upload(client: Any, bucket: str, folder: Path) -> None:
    for path in folder.rglob("*.gz"):
        client.upload_file(str(path), bucket, str(path.relative_to(folder)))


async def test_a_log_replayed_into_an_empty_read_model_gives_the_same_state(
    db: Database, context: Context, stop: asyncio.Event, tmp_path: Path, bucket: tuple[Any, str, Clients]
) -> None:
    await busy_orders(db)
    stream = await streamed(db)
    live = Projector(context, [ORDERS])
    await live.process([shop.delivery(body, number, STREAM) for number, body in enumerate(stream)], stop)
    expected = await read_model(db)
    positions = await db.fetch("SELECT * FROM read_model_positions", shard=0, fresh=True)
    scatter(tmp_path, STREAM, stream)
    client, name, clients = bucket
    upload(client, name, tmp_path)
    for location in (str(tmp_path), f"s3://{name}"):
        await db.write(lambda transaction: transaction.execute("TRUNCATE order_read_model"), shard=0)
        projector = Projector(context, [ORDERS], live=False)
        done = await replay(open_log(location, clients), [STREAM], DAYS, projector, stop)
        assert (done.handled, done.repeated) == (len(stream), len(stream) // 3)
        assert (done.refused, done.unreadable, done.left) == (0, 0, 0)
        assert await read_model(db) == expected
    assert await db.fetch("SELECT * FROM read_model_positions", shard=0, fresh=True) == positions


async def test_events_come_in_the_order_of_their_aggregates_and_of_time(tmp_path: Path, stop: asyncio.Event) -> None:
    began = datetime(2026, 11, 3, tzinfo=UTC)
    aggregates = [new_id() for _ in range(9)]
    events = [
        event_of(each, version, PLACED, occurred_at=began + timedelta(minutes=version, seconds=number))
        for version in range(8)
        for number, each in enumerate(aggregates)
    ]
    scatter(tmp_path, PLACED, [encode(each) for each in events])
    recorder = Recorder()
    await replay(FolderLog(tmp_path), [PLACED], DAYS, recorder, stop)
    assert recorder.events == events
    assert {each.event for each in recorder.deliveries} == {PLACED}


async def test_versions_count_more_than_the_clocks_of_pods(tmp_path: Path, stop: asyncio.Event) -> None:
    began = datetime(2026, 11, 3, tzinfo=UTC)
    order = new_id()
    events = [event_of(order, version, PLACED, occurred_at=began - timedelta(hours=version)) for version in range(5)]
    scatter(tmp_path, PLACED, [encode(each) for each in events])
    recorder = Recorder()
    await replay(FolderLog(tmp_path), [PLACED], DAYS, recorder, stop)
    assert recorder.versions(order) == [0, 1, 2, 3, 4]


async def test_only_the_days_and_events_that_were_asked_for(tmp_path: Path, stop: asyncio.Event) -> None:
    requested = [event_of(name=PLACED), event_of(name=PLACED)]
    write(tmp_path, PLACED, [encode(requested[0])], day=DAYS.first, hour=0)
    write(tmp_path, PLACED, [encode(requested[1])], day=DAYS.last, hour=23)
    write(tmp_path, PLACED, [encode(event_of(name=PLACED))], day=DAYS.first - timedelta(days=1), hour=23)
    write(tmp_path, PLACED, [encode(event_of(name=PLACED))], day=DAYS.last + timedelta(days=1), hour=0)
    write(tmp_path, "order.cancelled", [encode(event_of(name="order.cancelled"))])
    recorder = Recorder()
    done = await replay(FolderLog(tmp_path), [PLACED], DAYS, recorder, stop)
    assert recorder.ids() == {each.event_id for each in requested}
    assert done.handled == 2


async def test_lines_that_are_no_events_are_counted_and_the_rest_is_handled(
    tmp_path: Path, stop: asyncio.Event
) -> None:
    good = event_of(name=PLACED)
    write(tmp_path, PLACED, [b"", b"{}", encode(good), b"\xff", b"   "])
    (tmp_path / "events" / f"event={PLACED}" / f"day={DAY}" / "hour=07" / "plain.json").write_bytes(b"[]")
    recorder = Recorder()
    done = await replay(FolderLog(tmp_path), [PLACED], DAYS, recorder, stop)
    assert recorder.events == [good]
    assert (done.handled, done.unreadable) == (1, 3)


async def test_a_damaged_object_is_named_before_anything_is_handled(tmp_path: Path, stop: asyncio.Event) -> None:
    write(tmp_path, PLACED, [encode(event_of(name=PLACED))], name="1")
    path = write(tmp_path, PLACED, [encode(event_of(name=PLACED))], name="2")
    path.write_bytes(path.read_bytes()[:-12])
    recorder = Recorder()
    with pytest.raises(ProblemsFound, match=r"2\.json\.gz"):
        await replay(FolderLog(tmp_path), [PLACED], DAYS, recorder, stop)
    assert recorder.deliveries == []


async def test_a_bucket_that_is_not_there_is_named(bucket: tuple[Any, str, Clients], stop: asyncio.Event) -> None:
    _, name, clients = bucket
    with pytest.raises(ProblemsFound, match="NoSuchBucket"):
        await replay(open_log(f"s3://{name}-not", clients), [PLACED], DAYS, Recorder(), stop)


@pytest.mark.parametrize("location", ["/no/such/folder", "s3://", "s3://bucket/with/path"])
def test_a_place_that_can_be_no_log_is_refused(location: str) -> None:
    clients: Any = None
    with pytest.raises(ProblemsFound, match="event log"):
        open_log(location, clients)


async def test_more_events_than_fit_into_a_batch_are_all_in_order() -> None:
    events = [event_of(new_id(), 1, PLACED) for _ in range(1000)]
    async with OrderedEvents() as ordered:
        assert await ordered.add([(PLACED, each, encode(each)) for each in reversed(events)]) == 1000
        assert await ordered.add([(PLACED, each, encode(each)) for each in events]) == 0
        found: list[Event] = []
        async for batch in ordered.batches(64):
            found += [decode(body) for _, body in batch]
    assert found == events


def _replay(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command = next(each for each in commands.COMMANDS if each.name == "replay")
    command.options(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def service() -> Service:
    return Service(name="order", package="order_service", title="Orders", projections=(ORDERS,))


async def _run(name: str, service: Service, context: Context, arguments: argparse.Namespace) -> None:
    command = next(each for each in commands.COMMANDS if each.name == name)
    await command.run(service, context, arguments, asyncio.Event())


async def test_the_command_replays_what_its_process_follows(
    db: Database, context: Context, service: Service, tmp_path: Path
) -> None:
    await busy_orders(db)
    scatter(tmp_path, STREAM, await streamed(db))
    arguments = _replay(str(tmp_path), "--from", str(DAYS.first), "--to", str(DAYS.last))
    await _run("replay", service, context, arguments)
    assert len(await read_model(db)) == 30
    await db.write(lambda transaction: transaction.execute("TRUNCATE order_read_model"), shard=0)
    await _run("rebuild", service, context, argparse.Namespace())
    assert len(await read_model(db)) == 30


async def test_what_was_not_wholly_replayed_is_said(context: Context, service: Service, tmp_path: Path) -> None:
    write(tmp_path, STREAM, [b"{}", encode(event_of(name=STREAM))])
    arguments = _replay(str(tmp_path), "--from", str(DAY), "--to", str(DAY))
    with pytest.raises(ProblemsFound, match="1 events refused, 1 lines unreadable"):
        await _run("replay", service, context, arguments)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "2026-11-04", "--to", "2026-11-03"], "--to"),
        (["--from", "2026-11-03", "--to", "2026-11-03", "--event", "order.lost"], "order.lost"),
    ],
)
async def test_arguments_that_cannot_be_meant_are_refused(
    context: Context, service: Service, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    with pytest.raises(ProblemsFound, match=complaint):
        await _run("replay", service, context, _replay(str(tmp_path), *arguments))


async def test_a_consumer_of_today_reads_every_version_that_the_log_has(
    context: Context, stop: asyncio.Event, tmp_path: Path
) -> None:
    """The log holds events for years: each is upcast to what handlers know now, and one that is newer is refused."""
    order = new_id()
    payloads = ({"sum": "1.00"}, {"total": "2.00", "fax": ""}, {"amount": "3.00"}, {"price": "4.00"})
    bodies = [
        encode(event_of(order, number, PLACED, payload=json.dumps(payload), schema_version=number))
        for number, payload in enumerate(payloads, 1)
    ]
    scatter(tmp_path, PLACED, bodies)
    read: list[tuple[int, dict[str, Any]]] = []

    async def handle(_transaction: Transaction, event: Event, _context: Context) -> None:
        read.append((event.version, event.data()))

    upcasters = {
        1: lambda old: converted(old, renamed={"sum": "total"}),
        2: lambda old: converted(old, renamed={"total": "amount"}, removed=["fax"]),
    }
    consumer = Consumer(context, {PLACED: Handler(handle, schema=PayloadSchema(3, upcasters))})
    done = await replay(FolderLog(tmp_path), [PLACED], DAYS, consumer, stop)
    assert (done.handled, done.refused, done.repeated) == (3, 1, 1)
    assert read == [(1, {"amount": "1.00"}), (2, {"amount": "2.00"}), (3, {"amount": "3.00"})]


async def test_consumers_do_not_handle_events_again_whose_marks_are_gone(
    context: Context, service: Service, tmp_path: Path
) -> None:
    consuming = replace(context, settings=replace(context.settings, role="consumer"))
    old = str(context.clock.now().date() - timedelta(days=limits.KEPT_INBOX_DAYS + 1))
    with pytest.raises(ProblemsFound, match="--beyond-inbox"):
        await _run("replay", service, consuming, _replay(str(tmp_path), "--from", old, "--to", old))
    await _run("replay", service, consuming, _replay(str(tmp_path), "--from", old, "--to", old, "--beyond-inbox"))


async def test_a_command_in_a_process_that_reads_nothing_says_where_to_run_it(
    context: Context, service: Service
) -> None:
    serving = replace(context, settings=replace(context.settings, role="command"))
    with pytest.raises(ProblemsFound, match="projector or consumer"):
        await _run("redrive", service, serving, argparse.Namespace())
    without = replace(service, projections=())
    with pytest.raises(ProblemsFound, match="cqrs"):
        await _run("rebuild", without, context, argparse.Namespace())
