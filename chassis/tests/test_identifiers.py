"""Identifiers: their layout, that they carry their shard, and that what is derived stays the same."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan_chassis.identifiers import MOST_SHARDS, derived_id, new_id, shard_of

shards = st.integers(min_value=0, max_value=MOST_SHARDS - 1)


@given(shards)
def test_a_new_id_is_a_version_7_uuid_of_now_that_carries_its_shard(shard: int) -> None:
    before = time.time_ns() // 1_000_000
    identifier = new_id(shard)
    after = time.time_ns() // 1_000_000
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert before <= identifier.int >> 80 <= after
    assert shard_of(identifier) == shard
    assert shard_of(UUID(str(identifier).upper())) == shard


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id(3) for _ in range(20_000)}) == 20_000


def test_ids_grow_with_time() -> None:
    earlier = new_id(63)
    while time.time_ns() // 1_000_000 == earlier.int >> 80:
        pass
    assert earlier < new_id(0)


@given(st.uuids(), st.text(max_size=20), shards)
def test_a_derived_id_is_always_the_same_and_carries_its_shard(event: UUID, label: str, shard: int) -> None:
    identifier = derived_id(event, label, shard)
    assert identifier == derived_id(UUID(str(event)), label, shard)
    assert shard_of(identifier) == shard
    assert identifier.version in (7, 8)
    assert identifier.variant == "specified in RFC 4122"


@given(shards, st.text(max_size=20), shards)
def test_a_derived_id_has_the_time_of_its_event(origin: int, label: str, shard: int) -> None:
    event = new_id(origin)
    identifier = derived_id(event, label, shard)
    assert identifier.version == 7
    assert identifier.int >> 80 == event.int >> 80
    assert identifier != event


def test_effects_of_one_event_and_effects_of_two_differ() -> None:
    events = [new_id() for _ in range(500)] + [uuid4() for _ in range(500)]
    derived = {derived_id(event, label, 0) for event in events for label in ("payment", "refund", "")}
    assert len(derived) == 3 * len(events)


def test_a_random_id_is_on_the_first_shard() -> None:
    assert {shard_of(uuid4()) for _ in range(200)} == {0}
    assert shard_of(UUID(int=0)) == 0
    assert shard_of(UUID(int=(1 << 128) - 1)) == 0


@pytest.mark.parametrize("shard", [-1, 64, 1000])
def test_a_shard_that_no_id_has_room_for_is_refused(shard: int) -> None:
    with pytest.raises(ValueError, match="0 to 63"):
        new_id(shard)
    with pytest.raises(ValueError, match="0 to 63"):
        derived_id(new_id(), "x", shard)
