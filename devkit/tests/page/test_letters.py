"""Any record of a dead-letter topic, and any message of a dead-letter queue, can be shown (h17)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.structs import ConsumerRecord
from hypothesis import given, settings

from chassis.tests.events import records
from groundplan_devkit.dev.page.brokers.kafka import KafkaTopics
from groundplan_devkit.dev.page.brokers.port import LONGEST_BODY
from groundplan_devkit.dev.page.brokers.queues import _letter


@settings(max_examples=300, deadline=None)
@given(records.keys, records.values, records.headers)
def test_any_record_can_be_shown(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    installation: Any = SimpleNamespace(events_scope="shop")
    record = ConsumerRecord("dead", 0, 7, 0, 0, key, value, None, 0, 0, tuple(headers))
    letter = KafkaTopics(installation)._letter(record)
    assert len(letter.body) <= LONGEST_BODY


@settings(max_examples=300, deadline=None)
@given(records.bodies)
def test_any_message_can_be_shown(body: bytes) -> None:
    message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body.decode(errors="replace")}
    assert len(_letter(message, "http://127.0.0.1/queue").body) <= LONGEST_BODY
