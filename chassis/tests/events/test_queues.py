"""SNS and SQS behind the port: in no order, at least once, dead letters with their reason (A3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chassis.tests.events import shop
from chassis.tests.events.readers import Recorder, reading
from chassis.tests.events.shop import PLACED, event_of
from chassis.tests.waiting import until
from groundplan_chassis.context import Context
from groundplan_chassis.database.database import Database
from groundplan_chassis.events import limits
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.errors import BrokerAway
from groundplan_chassis.events.event import Event, encode
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.port import Outgoing
from groundplan_chassis.events.queues import subscription as reading_queues
from groundplan_chassis.events.queues.clients import Clients
from groundplan_chassis.events.queues.message import delivery_of
from groundplan_chassis.events.queues.publisher import SnsPublisher
from groundplan_chassis.events.queues.redrive import DeadLetterQueue
from groundplan_chassis.events.queues.subscription import REASON, SOURCE, QueueSubscription
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import DatabaseSettings, QueueSettings, Settings
from groundplan_devkit.provision.installation import REGION
from groundplan_devkit.provision.queues import Queues
from groundplan_devkit.servers import Aws
from groundplan_devkit.testing import label


@pytest.fixture(autouse=True)
def _as_in_a_pod(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws_server.environment(REGION).items():
        if name.startswith(("AWS_ACCESS", "AWS_SECRET")):
            monkeypatch.setenv(name, value)
    # So that a stop needn't wait.
    monkeypatch.setattr(reading_queues, "POLL_SECONDS", 1)


@pytest.fixture
def queues(aws_server: Aws) -> Iterator[Queues]:
    made = Queues(aws_server, REGION, label(), {PLACED: ["payment"]}, retention_hours=24, visibility_seconds=30)
    yield made
    made.remove()


@pytest.fixture
def sqs(aws_server: Aws) -> Any:
    return aws_server.client("sqs", REGION)


@pytest.fixture
def settings(queues: Queues, aws_server: Aws) -> Settings:
    events = QueueSettings(
        topics=dict(queues.topic_arns),
        sources=frozenset({PLACED}),
        queue_url=queues.queue_urls["payment"],
        dead_letters=queues.dead_letter_urls["payment"],
    )
    return shop.settings("consumer", shop.database_settings("none", [1]), events, aws_server.endpoint)


@pytest.fixture
def own(settings: Settings) -> QueueSettings:
    assert isinstance(settings.events, QueueSettings)
    return settings.events


@pytest.fixture
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    made = Clients(settings)
    yield made
    await made.close()


@pytest.fixture
def publisher(own: QueueSettings, clients: Clients) -> SnsPublisher:
    return SnsPublisher(own, clients)


@pytest.fixture
def subscription(own: QueueSettings, clients: Clients, recorded: shop.MetricRecorder) -> QueueSubscription:
    return QueueSubscription(own, clients, recorded.metrics, polls=2)


def outgoing(event: Event) -> Outgoing:
    return Outgoing(event.event_id, event.event_type, event.aggregate_id, encode(event))


HIDDEN = "ApproximateNumberOfMessagesNotVisible"


def waiting(sqs: Any, url: str) -> int:
    """Messages in the queue, whether or not they are hidden."""
    return counted(sqs, url, "ApproximateNumberOfMessages", HIDDEN)


def counted(sqs: Any, url: str, *which: str) -> int:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(which))["Attributes"]
    return sum(int(found[each]) for each in which)


def dead(sqs: Any, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0, WaitTimeSeconds=0
    ).get("Messages", []):
        new = [each for each in messages if each["MessageId"] not in {known["MessageId"] for known in found}]
        if not new:
            break
        found += new
    return found


async def test_events_arrive_and_are_deleted(
    publisher: SnsPublisher, subscription: QueueSubscription, own: QueueSettings, sqs: Any
) -> None:
    events = [event_of(new_id(), version, PLACED) for version in range(37)]
    sent = await publisher.send([outgoing(each) for each in events])
    assert sent.acknowledged == {each.event_id for each in events}
    recorder = Recorder()
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.ids()) == len(events))
        await until(lambda: waiting(sqs, own.queue_url) == 0)
    assert {each.event_id: each for each in recorder.events} == {each.event_id: each for each in events}
    assert {each.event for each in recorder.deliveries} == {PLACED}
    assert all(each.position is None for each in recorder.deliveries)


async def test_large_events_leave_in_requests_that_sns_takes(
    publisher: SnsPublisher, subscription: QueueSubscription
) -> None:
    events = [event_of(name=PLACED, payload=json.dumps({"note": "ü" * 40_000}, ensure_ascii=False)) for _ in range(12)]
    events.append(event_of(name=PLACED, payload=json.dumps({"note": "x" * (limits.LARGEST_MESSAGE - 1000)})))
    sent = await publisher.send([outgoing(each) for each in events])
    assert len(sent.acknowledged) == len(events)
    recorder = Recorder()
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.ids()) == len(events))


async def test_a_refused_event_is_put_aside_with_the_reason(
    publisher: SnsPublisher,
    subscription: QueueSubscription,
    own: QueueSettings,
    sqs: Any,
    recorded: shop.MetricRecorder,
) -> None:
    # Not visible again before it is deleted, on a busy machine either: SQS would deliver it twice.
    sqs.set_queue_attributes(QueueUrl=own.queue_url, Attributes={"VisibilityTimeout": "600"})
    events = [event_of(new_id(), 1, PLACED) for _ in range(3)]
    recorder = Recorder()
    recorder.refuse = {events[1].event_id}
    await publisher.send([outgoing(each) for each in events])
    async with reading(subscription, recorder):
        await until(lambda: len(recorder.ids()) == 2)
        await until(lambda: waiting(sqs, own.queue_url) == 0)
    (letter,) = dead(sqs, own.dead_letters)
    assert letter["Body"].encode() == encode(events[1])
    assert letter["MessageAttributes"][REASON]["StringValue"] == "as the test wants it"
    assert letter["MessageAttributes"][SOURCE]["StringValue"] == own.queue_url
    assert letter["MessageAttributes"]["event"]["StringValue"] == PLACED
    assert recorded.total(names.EVENTS_DEAD_LETTERED) == 1


async def test_without_the_right_to_put_aside_the_queue_does_it_itself(
    publisher: SnsPublisher,
    subscription: QueueSubscription,
    clients: Clients,
    own: QueueSettings,
    sqs: Any,
    recorded: shop.MetricRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = await clients.get("sqs")

    async def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessage")

    monkeypatch.setattr(client, "send_message", refused)
    event = event_of(name=PLACED)
    recorder = Recorder()
    recorder.refuse = {event.event_id}
    await publisher.send([outgoing(event)])
    async with reading(subscription, recorder):
        await until(lambda: waiting(sqs, own.dead_letters) == 1)
    assert len(recorder.deliveries) == 5
    assert recorded.total(names.EVENTS_DEAD_LETTERED) == 1


async def test_what_is_no_event_is_put_aside(subscription: QueueSubscription, own: QueueSettings, sqs: Any) -> None:
    bodies = ["{}", "ünlesbar", '{"Type": "Notification"}', '{"Type": "Notification", "Message": 7}', "[" * 100_000]
    for body in bodies:
        sqs.send_message(QueueUrl=own.queue_url, MessageBody=body)
    async with reading(subscription, Recorder()):
        await until(lambda: waiting(sqs, own.queue_url) == 0)
    assert sorted(letter["Body"] for letter in dead(sqs, own.dead_letters)) == sorted(bodies)


async def test_an_event_in_snss_envelope_is_the_same_event() -> None:
    event = event_of(name=PLACED)
    body = encode(event).decode()
    envelope = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:shop-order-placed",
        "Message": body,
        "MessageAttributes": {"event": {"Type": "String", "Value": PLACED}},
    }
    raw = delivery_of({"Body": body, "MessageAttributes": {"event": {"StringValue": PLACED}}}, "queue")
    assert delivery_of({"Body": json.dumps(envelope, indent=2)}, "queue") == raw
    assert delivery_of({"Body": body}, "queue").event is None


async def test_what_is_in_work_stays_hidden_from_others(
    publisher: SnsPublisher, clients: Clients, own: QueueSettings, sqs: Any, recorded: shop.MetricRecorder
) -> None:
    sqs.set_queue_attributes(QueueUrl=own.queue_url, Attributes={"VisibilityTimeout": "2"})
    await publisher.send([outgoing(event_of(name=PLACED))])
    slow, other = Recorder(pause=5), Recorder()
    async with reading(QueueSubscription(own, clients, recorded.metrics, polls=1), slow):
        await until(lambda: counted(sqs, own.queue_url, HIDDEN) == 1)
        async with reading(QueueSubscription(own, clients, recorded.metrics, polls=1), other):
            await until(lambda: len(slow.events) == 1)
            await until(lambda: waiting(sqs, own.queue_url) == 0)
    assert (len(slow.deliveries), len(other.deliveries)) == (1, 0)


async def test_an_order_to_stop_gives_what_was_not_begun_to_another_at_once(
    publisher: SnsPublisher, clients: Clients, own: QueueSettings, recorded: shop.MetricRecorder
) -> None:
    events = [event_of(new_id(), 1, PLACED) for _ in range(10)]
    await publisher.send([outgoing(each) for each in events])
    slow, other = Recorder(pause=0.1), Recorder()
    async with reading(QueueSubscription(own, clients, recorded.metrics, polls=1), slow):
        await until(lambda: len(slow.events) == 2)
    # Well before the messages would be visible by themselves.
    async with asyncio.timeout(20), reading(QueueSubscription(own, clients, recorded.metrics, polls=1), other):
        await until(lambda: slow.ids() | other.ids() == {each.event_id for each in events})
    assert not slow.ids() & other.ids()


async def test_dead_letters_are_handled_again_and_what_is_refused_again_stays(
    publisher: SnsPublisher, subscription: QueueSubscription, clients: Clients, own: QueueSettings, sqs: Any
) -> None:
    events = [event_of(new_id(), 1, PLACED) for _ in range(13)]
    recorder = Recorder()
    recorder.refuse = {each.event_id for each in events}
    await publisher.send([outgoing(each) for each in events])
    async with reading(subscription, recorder):
        await until(lambda: waiting(sqs, own.dead_letters) == 13 and waiting(sqs, own.queue_url) == 0)
    recorder.refuse = {events[0].event_id}
    done = await DeadLetterQueue(own, clients).redrive(recorder, asyncio.Event())
    assert (done.handled, done.refused, done.left) == (12, 1, 0)
    (letter,) = dead(sqs, own.dead_letters)
    assert letter["Body"].encode() == encode(events[0])
    recorder.refuse = set()
    done = await DeadLetterQueue(own, clients).redrive(recorder, asyncio.Event())
    assert (done.handled, done.refused, done.left) == (1, 0, 0)
    assert recorder.ids() == {each.event_id for each in events}


async def test_a_refused_read_of_dead_letters_has_a_remedy(
    clients: Clients, own: QueueSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await clients.get("sqs")

    async def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ReceiveMessage")

    monkeypatch.setattr(client, "receive_message", refused)
    with pytest.raises(ProblemsFound, match=r"events\.queues"):
        await DeadLetterQueue(own, clients).redrive(Recorder(), asyncio.Event())


async def test_a_topic_that_is_gone_is_said_and_the_rest_is_sent(own: QueueSettings, clients: Clients) -> None:
    gone = f"{own.topics[PLACED]}-gone"
    settings = QueueSettings({**own.topics, "order.lost": gone}, own.sources, own.queue_url, own.dead_letters)
    good, lost, stranger = event_of(name=PLACED), event_of(name="order.lost"), event_of(name="order.unknown")
    sent = await SnsPublisher(settings, clients).send([outgoing(each) for each in (lost, good, stranger)])
    assert sent.acknowledged == {good.event_id}
    assert sent.failed.keys() == {lost.event_id}
    assert sent.unsendable.keys() == {stranger.event_id}


async def test_an_endpoint_that_is_not_there_is_said_and_waited_for(
    settings: Settings, own: QueueSettings, recorded: shop.MetricRecorder
) -> None:
    nowhere = Clients(shop.settings("consumer", settings.database, own, "http://127.0.0.1:1"))
    with pytest.raises(BrokerAway):
        await SnsPublisher(own, nowhere).send([outgoing(event_of(name=PLACED))])
    async with reading(QueueSubscription(own, nowhere, recorded.metrics, polls=1), Recorder()):
        await asyncio.sleep(0.3)
    await nowhere.close()


async def test_in_no_order_and_twice_each_the_newest_version_wins_and_every_effect_is_there_once(
    publisher: SnsPublisher,
    subscription: QueueSubscription,
    own: QueueSettings,
    sqs: Any,
    db: Database,
    where: DatabaseSettings,
    recorded: shop.MetricRecorder,
) -> None:
    async def copy(transaction: Any, event: Event, _context: Context) -> None:
        """Keeps a copy of another service's data: the newest version wins, in any order of delivery."""
        await transaction.execute("INSERT INTO effects VALUES ($1)", event.event_id)
        await transaction.execute(
            "INSERT INTO copies VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version "
            "WHERE copies.version < EXCLUDED.version",
            event.aggregate_id,
            event.version,
        )

    await db.write(
        lambda transaction: transaction.execute("CREATE TABLE copies (id uuid PRIMARY KEY, version integer)"), shard=0
    )
    await db.write(lambda transaction: transaction.execute("CREATE TABLE effects (event_id uuid)"), shard=0)
    aggregates = [new_id() for _ in range(8)]
    events = [event_of(each, version, PLACED) for version in range(6, 0, -1) for each in aggregates]
    for _ in range(2):
        await publisher.send([outgoing(each) for each in events])
    consumer = Consumer(shop.context(shop.settings("consumer", where, own), db, recorded), {PLACED: Handler(copy)})
    async with reading(subscription, consumer):
        await until(lambda: waiting(sqs, own.queue_url) == 0)
    versions = await db.fetch("SELECT version FROM copies", shard=0, fresh=True)
    assert [row["version"] for row in versions] == [6] * len(aggregates)
    effects = await db.fetch("SELECT event_id FROM effects", shard=0, fresh=True)
    assert sorted(row["event_id"] for row in effects) == sorted(each.event_id for each in events)
