"""What any client of a broker may leave in a topic or queue, most of which is no event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from chassis.tests.events.shop import SETTLED, STREAM, event_of
from groundplan_chassis.events.event import encode

DEEP = 100_000
"""Levels of nesting, beyond what a decoder follows."""

names = st.one_of(
    st.sampled_from([SETTLED, STREAM, "order.unknown", "", "\x00\x01", "ü" * 255, "x" * 256]), st.text(max_size=20)
)
times = st.one_of(
    st.sampled_from(
        [
            "2026-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999-14:00",
            "2026-02-30T00:00:00Z",
            "2026-01-01T00:00:00",
            "",
        ]
    ),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.integers(),
)
payloads = st.one_of(
    st.sampled_from(
        [
            "",
            "{}",
            "[]",
            "null",
            "7",
            '{"resource":"order","operation":"update"}',
            '{"resource":"order","operation":"drop"}',
            '{"resource":"\\u0000","operation":"delete"}',
            '{"resource":7}',
            '{"a":' * DEEP,
        ]
    ),
    st.text(max_size=30),
)


def changed(change: Mapping[str, Any]) -> bytes:
    envelope = json.loads(encode(event_of())) | change
    return json.dumps({name: value for name, value in envelope.items() if value is not ...}).encode()


wrong = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))
changes = st.fixed_dictionaries(
    {},
    optional={
        "event_id": st.one_of(wrong, st.uuids().map(str)),
        "event_type": st.one_of(wrong, names),
        "aggregate_type": st.one_of(wrong, names),
        "aggregate_id": st.one_of(wrong, st.uuids().map(str), st.just("ffffffff-ffff-4fff-bfff-ffffffffffff")),
        "version": st.one_of(wrong, st.sampled_from([0, 1, 2**31 - 1, 2**31, -1])),
        "occurred_at": times,
        "actor": st.one_of(wrong, st.just("\x00"), st.text(max_size=1100)),
        "correlation_id": st.one_of(wrong, st.just("\x00\ud800"), st.text(max_size=1100)),
        "payload": st.one_of(wrong, payloads),
        "schema_version": st.one_of(wrong, st.sampled_from([0, 1, 2, 3, 2**31 - 1, 2**40])),
        "more": wrong,
    },
)
broken = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"\n",
            b"\xff\xfe{",
            b"null",
            b"[]",
            b'"text"',
            b"1e999",
            b'{"payload":' * DEEP,
            b"[" * DEEP,
            b"x" * 1_100_000,
            b'{"event_id":"' + b"x" * 1_100_000 + b'"}',
            b'{"Type":"Notification"}',
            b'{"Type":"Notification","Message":7}',
            b'{"Type":"Notification","Message":"\\ud800"}',
            b'{"Type":"Notification","Message":"{}","MessageAttributes":{"event":{"Value":7}}}',
            b'{"Type":"Notification","x":' + b"[" * DEEP,
        ]
    ),
)
bodies = st.one_of(
    broken,
    changes.map(changed),
    changes.map(changed).flatmap(lambda whole: st.integers(0, len(whole)).map(lambda at: whole[:at])),
)
"""Bytes of a message: events with wrong, extreme or missing fields, parts of events, and anything else."""
values = st.one_of(st.none(), bodies)
keys = st.one_of(st.none(), st.binary(max_size=20))
headers = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(["dead-letter-topic", "dead-letter-offset", "dead-letter-body", "dead-letter-reason", "x"]),
            st.text(max_size=5),
        ),
        st.one_of(st.none(), st.binary(max_size=20)),
    ),
    max_size=4,
)
