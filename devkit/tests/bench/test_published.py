"""Events that a bench puts into an outbox are those that consumers read."""

from __future__ import annotations

import json
from uuid import uuid4

import msgspec

from groundplan.declaration.loader import load_system
from groundplan_devkit.bench.published import _messages, events_for
from groundplan_devkit.state import PROJECT


def test_each_consumer_gets_an_event_that_it_reads() -> None:
    """A creation of an order publishes none: `order.placed` comes later, and no consumer was measured."""
    services = load_system(PROJECT / "system.yaml").services
    assert events_for(services["order"], {"payment": services["payment"]}) == ["order.placed"]
    assert events_for(services["payment"], {"order": services["order"]}) == ["payment.settled"]
    assert events_for(services["user"], {}) == []


def test_the_message_is_one_of_the_services_own() -> None:
    order = uuid4()
    row = {
        "aggregate_id": order,
        "version": 1,
        "actor": "someone",
        "correlation_id": "request",
        "payload": json.dumps({"total": "9.50", "currency": "EUR"}),
    }
    (message,) = _messages(row, "order", ["order.placed"])  # type: ignore[arg-type]  # a record by its names
    event_id, topic, aggregate_id, envelope = message
    assert (topic, aggregate_id) == ("order.placed", order)
    said = msgspec.json.decode(str(envelope))
    assert said["event_id"] == str(event_id)
    assert said["event_type"] == "order.placed"
    assert json.loads(said["payload"]) == {"total": "9.50", "currency": "EUR"}
