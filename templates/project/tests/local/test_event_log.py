"""The event log's writer: every event once it is sent, where replay looks for it, by either broker."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from components.event_log import prefix
from local import event_log
from local.event_log import Bucket, Folder, object_key, writing
from local.provision import Installation
from local.servers import Servers
from local.testing import label
from tests.local.conftest import shop

LOOK_SECONDS = 0.05


async def until(look: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(look):
        await asyncio.sleep(LOOK_SECONDS)


def envelope(number: int) -> bytes:
    return json.dumps({"event_id": str(number), "payload": "{}"}).encode()


def test_objects_are_where_firehose_puts_them() -> None:
    at = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
    key = object_key("order.placed", at)
    firehose = prefix("order.placed").replace("!{timestamp:yyyy-MM-dd}", "2026-03-04").replace("!{timestamp:HH}", "05")
    assert key.startswith(firehose)
    assert re.fullmatch(r"order\.placed-2026-03-04-05-06-07-[0-9a-f-]{36}\.gz", key.rpartition("/")[2])
    assert object_key("order.placed", at) != key


@pytest.mark.parametrize("broker", ["kafka", "sqs"])
async def test_every_event_is_in_it_once(broker: str, servers: Servers, tmp_path: Path) -> None:
    installation = Installation(shop(broker=broker), servers, label=label())
    topics: dict[str, str] = json.loads(installation.settings("card-payment", "relay")["EVENT_TOPICS"])
    installation.settings("order", "relay")
    async with writing(installation, Folder(tmp_path), buffer_seconds=0.1):
        if broker == "kafka":
            assert servers.kafka is not None
            async with AIOKafkaProducer(bootstrap_servers=servers.kafka.bootstrap) as producer:
                for number in range(25):
                    await producer.send_and_wait(topics["payment.settled"], envelope(number), key=b"one")
        else:
            assert servers.aws is not None
            # Those that were there before the log subscribed are not its own.
            await asyncio.sleep(1)
            sns = servers.aws.client("sns", installation.stack.region)
            for number in range(25):
                sns.publish(TopicArn=topics["payment.settled"], Message=envelope(number).decode())
        await until(lambda: len(event_log.read(tmp_path, "payment.settled")) >= 25)
    ids = [record["event_id"] for record in event_log.read(tmp_path, "payment.settled")]
    assert sorted(ids, key=lambda found: int(str(found))) == [str(number) for number in range(25)]
    assert event_log.read(tmp_path, "order.placed") == []
    installation.remove()


async def test_a_writer_goes_on_where_the_last_one_stopped(servers: Servers, tmp_path: Path) -> None:
    installation = Installation(shop(), servers, label=label())
    topics: dict[str, str] = json.loads(installation.settings("order", "relay")["EVENT_TOPICS"])
    assert servers.kafka is not None
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka.bootstrap) as producer:
        for number in range(2):
            await producer.send_and_wait(topics["order.placed"], envelope(number))
            async with writing(installation, Folder(tmp_path), buffer_seconds=0.1):
                await until(lambda number=number: len(event_log.read(tmp_path, "order.placed")) > number)  # type: ignore[misc]
    # Topics have partitions: there is no order among all events.
    assert sorted(str(record["event_id"]) for record in event_log.read(tmp_path, "order.placed")) == ["0", "1"]
    installation.remove()


async def test_what_is_no_event_stops_no_writer(servers: Servers, tmp_path: Path) -> None:
    installation = Installation(shop(), servers, label=label())
    topics: dict[str, str] = json.loads(installation.settings("order", "relay")["EVENT_TOPICS"])
    assert servers.kafka is not None
    task = asyncio.create_task(event_log.write(installation, Folder(tmp_path), buffer_seconds=0.1))
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka.bootstrap) as producer:
        for value in (None, b"", envelope(1), None, b"\n", b"\xff\x00", envelope(2)):
            await producer.send_and_wait(topics["order.placed"], value, key=b"one")
    objects = tmp_path / event_log.PREFIX

    def lines() -> list[bytes]:
        return [
            line for file in sorted(objects.rglob("*.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()
        ]

    await until(lambda: task.done() or envelope(2) in lines())
    assert not task.done()
    assert [line for line in lines() if line.startswith(b"{")] == [envelope(1), envelope(2)]
    task.cancel()
    await asyncio.wait([task])
    installation.remove()


def test_it_can_be_a_bucket(servers: Servers) -> None:
    installation = Installation(shop(), servers, label=label())
    for _ in range(2):
        bucket = Bucket(installation)
    bucket.put("events/event=a/x.gz", gzip.compress(b"{}\n"))
    assert servers.aws is not None
    s3 = servers.aws.client("s3", installation.stack.region)
    stored = s3.get_object(Bucket=installation.event_log_bucket, Key="events/event=a/x.gz")["Body"].read()
    assert gzip.decompress(stored) == b"{}\n"
