"""The event log's writer: what Firehose does in the cloud (`groundplan_components.events.log`), from the same topics.

Objects are gzipped JSON lines below `events/event=<event>/day=YYYY-MM-DD/hour=HH/`, by when they arrive (UTC).
Delivery is at least once, as Firehose's: what was written and not yet acknowledged is written again after a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import json
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from botocore.exceptions import BotoCoreError, ClientError

from groundplan_chassis.events.kafka.records import next_records
from groundplan_devkit import names
from groundplan_devkit.provision import Installation
from groundplan_devkit.state import write_privately

PREFIX = "events/"
BUFFER_SECONDS = 1.0
"""Firehose buffers for five minutes; locally that is too long."""
MOST_RECORDS = 1000


class Sink(Protocol):
    """The destination of objects."""

    def put(self, key: str, content: bytes) -> None: ...


class Folder:
    """A folder, which remains after the servers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, key: str, content: bytes) -> None:
        write_privately(self.path / key, content)


class Bucket:
    """The installation's bucket in moto's S3; made when it isn't there."""

    def __init__(self, installation: Installation) -> None:
        assert installation.servers.aws is not None
        self.name = installation.event_log_bucket
        region = installation.stack.region
        self._client = installation.servers.aws.client("s3", region)
        with contextlib.suppress(self._client.exceptions.BucketAlreadyOwnedByYou):
            self._client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": region})

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=content)


def object_key(event: str, at: datetime.datetime) -> str:
    """``at`` in UTC."""
    return f"{PREFIX}event={event}/day={at:%Y-%m-%d}/hour={at:%H}/{event}-{at:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}.gz"


async def write(installation: Installation, sink: Sink, *, buffer_seconds: float = BUFFER_SECONDS) -> None:
    """Write until cancelled. Waits for a broker that is away, as long as it takes."""
    planned = installation.plan.events
    if planned is None:
        return
    events = [topic.event for topic in planned.topics]
    if planned.kafka is not None:
        await _from_kafka(installation, events, sink, buffer_seconds)
    else:
        await _from_sns(installation, events, sink, buffer_seconds)


@contextlib.contextmanager
def collecting(installation: Installation, folder: Path) -> Iterator[None]:
    """Writes into ``folder`` meanwhile, on a loop of its own."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(write(installation, Folder(folder)))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


@contextlib.asynccontextmanager
async def writing(
    installation: Installation, sink: Sink, *, buffer_seconds: float = BUFFER_SECONDS
) -> AsyncIterator[None]:
    """Write while the block runs."""
    task = asyncio.create_task(write(installation, sink, buffer_seconds=buffer_seconds))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _put(sink: Sink, event: str, records: Sequence[bytes]) -> None:
    content = gzip.compress(b"".join(record.rstrip(b"\n") + b"\n" for record in records))
    await asyncio.to_thread(sink.put, object_key(event, datetime.datetime.now(datetime.UTC)), content)


async def _from_kafka(installation: Installation, events: Sequence[str], sink: Sink, seconds: float) -> None:
    kafka = installation.servers.kafka
    assert kafka is not None
    by_topic = {installation.topic(event): event for event in events}
    consumer = AIOKafkaConsumer(
        *by_topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=names.group_name(installation.events_scope, "event-log"),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        while not await _started(consumer):
            await asyncio.sleep(seconds)
        while True:
            written = False
            for partition in consumer.assignment():
                with contextlib.suppress(KafkaError):
                    records = await next_records(consumer, partition, timeout_ms=0, most=MOST_RECORDS)
                    # Local topics accept any record. One without a value is no event and gets no line in the log.
                    values = [record.value for record in records if record.value]
                    if values:
                        await _put(sink, by_topic[partition.topic], values)
                    if records:
                        written = True
                        # Refused when the group was divided anew meanwhile: the records then come again.
                        await consumer.commit({partition: records[-1].offset + 1})
            if not written:
                await asyncio.sleep(seconds)
    finally:
        await consumer.stop()


async def _started(consumer: AIOKafkaConsumer) -> bool:
    try:
        await consumer.start()
    except KafkaError:
        return False
    return True


async def _from_sns(installation: Installation, events: Sequence[str], sink: Sink, seconds: float) -> None:
    """A queue for each event, because a message doesn't say which topic it came by."""
    aws = installation.servers.aws
    assert aws is not None
    region = installation.stack.region
    sqs, sns = aws.client("sqs", region), aws.client("sns", region)
    urls = {}
    for event in events:
        url = str(sqs.create_queue(QueueName=f"{installation.scope}-log-{names.slug(event)}")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(
            TopicArn=installation.queues.topic_arns[event],
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        urls[event] = url
    receive: Callable[[str], list[dict[str, str]]] = lambda url: sqs.receive_message(  # noqa: E731
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30
    ).get("Messages", [])
    while True:
        idle = True
        for event, url in urls.items():
            # Away, as in a restart of the servers: what was not deleted is received again.
            with contextlib.suppress(BotoCoreError, ClientError):
                messages = await asyncio.to_thread(receive, url)
                if messages:
                    idle = False
                    await _put(sink, event, [message["Body"].encode("utf-8", "replace") for message in messages])
                    handles = [
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ]
                    await asyncio.to_thread(sqs.delete_message_batch, QueueUrl=url, Entries=handles)
        if idle:
            await asyncio.sleep(seconds)


def read(folder: Path, event: str) -> list[dict[str, object]]:
    """Every record of an event in a folder's log, in the order of its objects; without lines that are none."""
    found = []
    for file in sorted((folder / PREFIX / f"event={event}").rglob("*.gz")):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict):
                    found.append(record)
    return found
