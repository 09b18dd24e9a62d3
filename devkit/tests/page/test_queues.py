"""Queues on the page of `make dev`: how many wait, dead letters, and their redrive, on the local stand-in of SQS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devkit.tests.conftest import shop
from groundplan_chassis.events.port import Delivery, Outcome, Refusal, Verdict
from groundplan_chassis.events.queues.clients import Clients
from groundplan_chassis.events.queues.redrive import DeadLetterQueue
from groundplan_chassis.events.queues.subscription import REASON, SOURCE
from groundplan_chassis.settings import QueueSettings, Settings
from groundplan_devkit.dev.page.brokers import broker_of
from groundplan_devkit.dev.page.brokers.queues import QueueTopics
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Aws, Servers
from groundplan_devkit.testing import label

EVENT, READER = "order.placed", "card-payment"
LETTERS = 23
"""More than one answer of SQS holds."""


@pytest.fixture
def installation(aws_server: Aws) -> Iterator[Installation]:
    servers = Servers(directory="unused", authority="unused", aws=aws_server)
    made = Installation(shop(broker="sqs"), servers, label=label())
    yield made
    made.remove()


@pytest.fixture
def sqs(installation: Installation, aws_server: Aws) -> Any:
    return aws_server.client("sqs", installation.stack.region)


@pytest.fixture
def page(installation: Installation) -> QueueTopics:
    broker = broker_of(installation)
    assert isinstance(broker, QueueTopics)
    return broker


class Refusing:
    """Handles all events but one."""

    refused = 0

    async def process(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> Sequence[Outcome]:
        del stop
        numbers = [json.loads(each.body)["number"] for each in deliveries]
        return [Refusal("still none") if each == self.refused else Verdict.HANDLED for each in numbers]


def bury(sqs: Any, url: str, number: int) -> None:
    """As a consumer that gives up on an event writes it."""
    attributes = {REASON: "no acquirer", SOURCE: "https://sqs/1/card-payment", "event": EVENT}
    sqs.send_message(
        QueueUrl=url,
        MessageBody=json.dumps({"number": number}),
        MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    )


async def test_all_dead_letters_are_shown_and_none_is_moved_by_that(
    page: QueueTopics, installation: Installation, sqs: Any
) -> None:
    url = installation.queues.dead_letter_urls[READER]
    for number in range(LETTERS):
        bury(sqs, url, number)
    for _ in range(2):
        letters = await page.letters(READER)
        assert {json.loads(each.body)["number"] for each in letters} == set(range(LETTERS))
    assert {(each.event, each.reason, each.origin) for each in letters} == {(EVENT, "no acquirer", "card-payment")}
    topics, readers = await page.state()
    [topic] = [each for each in topics if each.event == EVENT]
    assert (topic.publisher, topic.messages, list(topic.readers)) == ("order", None, [READER])
    [reader] = [each for each in readers if each.name == READER]
    assert (reader.role, reader.waiting, reader.dead_letters) == ("consumer", 0, LETTERS)


async def test_a_redrive_meets_every_letter_that_was_looked_at(
    page: QueueTopics, installation: Installation, sqs: Any, aws_server: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the page runs it: by the reader's settings, after a look."""
    for name, value in aws_server.environment(installation.stack.region).items():
        monkeypatch.setenv(name, value)
    url = installation.queues.dead_letter_urls[READER]
    own = QueueSettings({}, frozenset({EVENT}), installation.queues.queue_urls[READER], url)
    for number in range(LETTERS):
        bury(sqs, url, number)
    assert len(await page.letters(READER)) == LETTERS
    place = SimpleNamespace(region=installation.stack.region, aws_endpoint_url=aws_server.endpoint)
    clients, processor = Clients(cast("Settings", place)), Refusing()
    try:
        done = await DeadLetterQueue(own, clients).redrive(processor, asyncio.Event())
        assert (done.handled, done.refused, done.left) == (LETTERS - 1, 1, 0)
        [left] = await page.letters(READER)
        assert json.loads(left.body) == {"number": 0}
        processor.refused = -1
        done = await DeadLetterQueue(own, clients).redrive(processor, asyncio.Event())
        assert (done.handled, done.refused, done.left) == (1, 0, 0)
    finally:
        await clients.close()
    assert await page.letters(READER) == []
