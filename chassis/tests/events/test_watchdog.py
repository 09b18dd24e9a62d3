"""A consumer that looks healthy and reads nothing is replaced; one at work, or with nothing to read, is not (h16)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from chassis.tests.events import shop
from chassis.tests.events.readers import Recorder, reading
from chassis.tests.events.shop import PLACED, event_of
from chassis.tests.waiting import until
from groundplan_chassis.environment import Address
from groundplan_chassis.events.event import encode
from groundplan_chassis.events.kafka import watchdog
from groundplan_chassis.events.kafka.connection import Connection
from groundplan_chassis.events.kafka.dead_letters import DeadLetterTopic
from groundplan_chassis.events.kafka.subscription import KafkaSubscription
from groundplan_chassis.events.kafka.watchdog import ConsumerStuck, Stuck, Watchdog
from groundplan_chassis.identifiers import new_id
from groundplan_chassis.observe import names
from groundplan_chassis.settings import KafkaSettings

PARTITION = TopicPartition("shop.order.placed", 0)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {
        "LOOK_SECONDS": 0.02,
        "ANSWER_SECONDS": 0.1,
        "STUCK_SECONDS": 0.2,
        "REBALANCE_SECONDS": 0.3,
    }.items():
        monkeypatch.setattr(watchdog, name, seconds)


class Told:
    """Stands for aiokafka's consumer, of which these two are asked."""

    def __init__(self, end: int | None = 5, position: int | None = 3) -> None:
        self.end, self.at = end, position

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        if self.end is None:
            await asyncio.Event().wait()
        return dict.fromkeys(partitions, self.end or 0)

    async def position(self, partition: TopicPartition) -> int:
        del partition
        if self.at is None:
            await asyncio.Event().wait()
        return self.at or 0


async def outcome(watching: Watchdog, seconds: float = 1.5) -> str:
    try:
        await asyncio.wait_for(watching.run(), seconds)
    except Stuck as stuck:
        return str(stuck)
    except TimeoutError:
        return ""
    raise AssertionError


@pytest.mark.parametrize("client", [Told(), Told(position=None)], ids=["does not move", "does not know where it is"])
async def test_unread_records_are_noticed(client: Told) -> None:
    watching = Watchdog(client, None)
    watching.given([PARTITION])
    assert "shop.order.placed, partition 0: " in await outcome(watching)


@pytest.mark.parametrize(
    "client", [Told(end=3), Told(end=0, position=None), Told(end=None)], ids=["all read", "empty", "broker away"]
)
async def test_without_records_or_without_a_broker_nothing_is_known(client: Told) -> None:
    watching = Watchdog(client, None)
    watching.given([PARTITION])
    assert await outcome(watching, 0.8) == ""


async def test_work_may_take_as_long_as_it_takes() -> None:
    watching = Watchdog(Told(), None)
    watching.given([PARTITION])
    watching.begins(PARTITION)
    assert await outcome(watching, 0.8) == ""
    watching.ends(PARTITION)
    assert await outcome(watching) != ""


async def test_reading_slowly_is_reading() -> None:
    client = Told()
    watching = Watchdog(client, None)
    watching.given([PARTITION])
    running = asyncio.create_task(watching.run())
    for _ in range(8):
        await asyncio.sleep(0.1)
        client.end, client.at = (client.end or 0) + 2, (client.at or 0) + 1
    assert not running.done()
    running.cancel()


async def test_a_rebalance_that_does_not_end_is_noticed() -> None:
    watching = Watchdog(Told(), None)
    watching.given([PARTITION])
    watching.taken([PARTITION])
    assert "rebalance" in await outcome(watching)
    watching.taken([])
    watching.given([])
    assert await outcome(watching, 0.8) == "", "there may be more members than partitions"


class Deaf:
    """Stands for aiokafka's consumer after such a rebalance: the first ``deaf`` of them poll for nothing."""

    deaf = 1
    made: list[Deaf]

    def __init__(self, **options: Any) -> None:
        del options
        self.made.append(self)
        self.hears = len(self.made) > self.deaf
        self.stopped = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    def subscribe(self, topics: list[str], listener: Any) -> None:
        assert topics == [PARTITION.topic]
        self.assigning = asyncio.create_task(listener.on_partitions_assigned([PARTITION]))

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int, max_records: int) -> Mapping[Any, Any]:
        del timeout_ms, max_records
        await asyncio.sleep(0.05)
        if not self.hears:
            return {}
        return {partitions[0]: [record()]}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None: ...

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, 5)

    async def position(self, partition: TopicPartition) -> int:
        del partition
        return 3


def record() -> ConsumerRecord[bytes, bytes]:
    body = encode(event_of(new_id(), 1, PLACED))
    return ConsumerRecord(*PARTITION, 3, 0, 0, None, body, None, -1, len(body), ())


def subscribed(recorded: shop.MetricRecorder, deaf: int) -> KafkaSubscription:
    settings = KafkaSettings(
        bootstrap=(Address("127.0.0.1", 1),),
        security="plaintext",
        secret_arn=None,
        topics={PLACED: PARTITION.topic},
        sources={PLACED: PARTITION.topic},
        group="payment",
        dead_letters="dead",
    )
    connection = Connection(settings, {})
    client = type("Client", (Deaf,), {"deaf": deaf, "made": []})
    return KafkaSubscription(
        connection, DeadLetterTopic(connection, recorded.metrics), metrics=recorded.metrics, client=client
    )


async def test_another_consumer_takes_the_place_of_a_stuck_one(recorded: shop.MetricRecorder) -> None:
    recorder = Recorder()
    subscription = subscribed(recorded, deaf=1)
    async with reading(subscription, recorder):
        await until(lambda: bool(recorder.deliveries))
    first, *_ = subscription._client.made
    assert first.stopped, "it has left the group"
    assert recorded.total(names.CONSUMER_RECONNECTS) == 1


async def test_a_process_whose_consumers_all_stick_ends(recorded: shop.MetricRecorder) -> None:
    with pytest.raises(ConsumerStuck):
        await asyncio.wait_for(subscribed(recorded, deaf=100).run(Recorder(), asyncio.Event()), 20)
