"""The envelope, and payloads of older and newer senders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from chassis.tests.events.shop import event_of
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import Refused, Unreadable
from groundplan_chassis.events.event import Event, decode, encode
from groundplan_chassis.events.schema import AnyPayload, PayloadSchema, converted
from groundplan_components.events._log_table import EVENT_COLUMNS

GOOD: dict[str, Any] = {
    "event_id": "0190a5f2-0000-7000-8000-000000000001",
    "event_type": "order.placed",
    "aggregate_type": "order",
    "aggregate_id": "0190a5f2-0000-7000-8000-000000000002",
    "version": 3,
    "occurred_at": "2026-01-31T12:00:00.123456Z",
    "actor": "c-1",
    "correlation_id": "request-1",
    "payload": '{"total":"9.90"}',
    "schema_version": 1,
}


def test_the_envelope_has_the_columns_of_the_event_log_and_the_payloads_schema() -> None:
    columns = [name for name, _, _ in EVENT_COLUMNS]
    assert list(json.loads(encode(event_of()))) == [*columns, "schema_version"]


def test_values_are_those_that_the_log_queries_expect() -> None:
    event = decode(json.dumps(GOOD).encode())
    assert event.aggregate_id == UUID(GOOD["aggregate_id"])
    assert event.occurred_at == datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)
    assert json.loads(encode(event)) == GOOD
    assert event.data() == {"total": "9.90"}


@given(
    some.builds(
        Event,
        event_id=some.uuids(),
        event_type=some.text(min_size=1, max_size=255),
        aggregate_type=some.text(min_size=1, max_size=255),
        aggregate_id=some.uuids(),
        version=some.integers(0, 2**31 - 1),
        occurred_at=some.datetimes(timezones=some.just(UTC)),
        actor=some.none() | some.text(max_size=1024),
        correlation_id=some.none() | some.text(max_size=1024),
        payload=some.text(),
        schema_version=some.integers(1, 2**31 - 1),
    )
)
def test_what_is_encoded_is_decoded_and_is_one_line(event: Event) -> None:
    body = encode(event)
    assert decode(body) == event
    assert b"\n" not in body


def test_fields_of_newer_senders_are_passed_over() -> None:
    assert decode(json.dumps(GOOD | {"region": "mars"}).encode()).version == 3


def test_a_sender_that_knows_no_schema_versions_has_the_first() -> None:
    older = {name: value for name, value in GOOD.items() if name != "schema_version"}
    assert decode(json.dumps(older).encode()).schema_version == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"event_id": "',
        b"[" * 100_000,
        b'{"payload":' * 100_000,
        *(
            json.dumps(GOOD | wrong).encode()
            for wrong in (
                {"event_id": "1"},
                {"event_id": None},
                {"event_type": ""},
                {"event_type": "x" * 256},
                {"aggregate_id": 7},
                {"version": -1},
                {"version": 2**31},
                {"version": "3"},
                {"version": 1.5},
                {"occurred_at": "2026-01-31T12:00:00"},
                {"occurred_at": "yesterday"},
                {"payload": {"total": 1}},
                {"payload": None},
                {"schema_version": 0},
                {"actor": "x" * 1025},
            )
        ),
        *(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode() for name in ("event_id", "payload")),
        json.dumps(GOOD | {"payload": "x" * limits.LARGEST_RECEIVED}).encode(),
    ],
    ids=lambda body: repr(body[:60]),
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body)


@pytest.mark.parametrize("payload", ["", "[]", "7", "{", "null", '{"a":' * 100_000])
def test_a_payload_that_is_no_object_is_refused(payload: str) -> None:
    with pytest.raises(Unreadable):
        event_of(payload=payload).data()


class _Settled(msgspec.Struct):
    amount: int


def test_a_refusal_quotes_no_values() -> None:
    with pytest.raises(Unreadable) as refusal:
        event_of(payload='{"amount": "erika@example.org"}').payload_as(_Settled)
    assert "erika" not in refusal.value.reason
    assert "$.amount" in refusal.value.reason


def test_older_payloads_are_brought_to_the_version_that_is_known() -> None:
    schema = PayloadSchema(3, {1: lambda old: old | {"b": old.pop("a")}, 2: lambda old: old | {"c": 0}})
    current = schema.current(event_of(payload='{"a": 7}', schema_version=1))
    assert (current.data(), current.schema_version) == ({"b": 7, "c": 0}, 3)
    current = schema.current(event_of(payload='{"b": 7}', schema_version=2))
    assert current.data() == {"b": 7, "c": 0}


def test_fields_of_a_payload_are_converted_by_their_names() -> None:
    old = {"a": 1, "b": 2, "c": 3, "gone": 4, "d": 5}
    new = converted(old, renamed={"a": "b", "b": "a"}, removed=["gone", "d"], added={"d": None, "c": 9, "e": 0})
    assert new == {"b": 1, "a": 2, "c": 3, "d": None, "e": 0}, "names may be swapped, and what is there is kept"
    assert old == {"a": 1, "b": 2, "c": 3, "gone": 4, "d": 5}
    assert converted(old) == old


@pytest.mark.parametrize("version", [1, 2, 7])
def test_a_reader_of_what_all_versions_have_takes_any(version: int) -> None:
    event = event_of(schema_version=version)
    assert AnyPayload().current(event) is event


def test_a_payload_of_the_known_version_is_not_even_read() -> None:
    event = event_of(payload="not read", schema_version=2)
    assert PayloadSchema(2, {1: lambda old: old}).current(event) is event


def _broken(payload: dict[str, Any]) -> dict[str, Any]:
    return {"total": payload["amount"]}


@pytest.mark.parametrize(
    ("schema", "event"),
    [
        (PayloadSchema(), event_of(schema_version=2)),
        (PayloadSchema(3, {2: lambda old: old}), event_of(schema_version=1)),
        (PayloadSchema(2, {1: _broken}), event_of(schema_version=1)),
        (PayloadSchema(2, {1: lambda old: old}), event_of(payload="[]", schema_version=1)),
    ],
    ids=["newer", "too old", "an upcaster that fails", "no object"],
)
def test_a_payload_without_a_way_to_the_known_version_is_refused(schema: PayloadSchema, event: Event) -> None:
    with pytest.raises(Refused):
        schema.current(event)


@pytest.mark.parametrize("upcasters", [{0: dict}, {2: dict}, {1: dict, 3: dict}, {3: dict}])
def test_upcasters_lead_to_the_known_version_without_a_gap(upcasters: dict[int, Any]) -> None:
    with pytest.raises(ValueError, match="without a gap"):
        PayloadSchema(2 if 3 not in upcasters else 3, upcasters)
