"""Each aggregate's events leave in their order, also when some of them fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundplan_chassis.events import limits
from groundplan_chassis.events.port import Outgoing
from groundplan_chassis.events.waves import WaveSent, send_in_waves

KEYS = [UUID(int=number) for number in range(3)]
TOPICS = {"a": "shop.a", "b": "shop.b"}


def message(event: str, key: int, size: int = 2) -> Outgoing:
    return Outgoing(uuid4(), event, KEYS[key], b"x" * size)


class Broker:
    """Takes what it is not told to refuse."""

    def __init__(self, failing: frozenset[UUID] = frozenset(), seconds: float = 0.0) -> None:
        self.failing = failing
        self.seconds = seconds
        self.taken: list[Outgoing] = []
        self.waves: list[int] = []

    async def send(self, wave: Sequence[Outgoing], deadline: float) -> WaveSent:
        if asyncio.get_running_loop().time() > deadline:
            return WaveSent()
        await asyncio.sleep(self.seconds)
        self.waves.append(len(wave))
        taken = [each for each in wave if each.event_id not in self.failing]
        self.taken += taken
        failed = {each.event_id: "no" for each in wave if each.event_id in self.failing}
        return WaveSent({each.event_id for each in taken}, failed)


async def test_events_of_different_aggregates_leave_at_once() -> None:
    broker = Broker()
    batch = [message("a", 0), message("a", 1), message("b", 0)]
    sent = await send_in_waves(batch, TOPICS, broker.send)
    assert broker.waves == [3]
    assert sent.acknowledged == {each.event_id for each in batch}


async def test_events_of_one_aggregate_wait_for_the_one_before() -> None:
    broker = Broker()
    batch = [message("a", 0), message("a", 0), message("a", 0), message("a", 1)]
    await send_in_waves(batch, TOPICS, broker.send)
    assert broker.waves == [2, 1, 1]


@given(some.lists(some.tuples(some.sampled_from("ab"), some.integers(0, 2), some.booleans()), max_size=30))
async def test_nothing_overtakes_an_event_that_failed(made: list[tuple[str, int, bool]]) -> None:
    batch = [message(event, key) for event, key, _ in made]
    failing = frozenset(each.event_id for each, (_, _, fails) in zip(batch, made, strict=True) if fails)
    broker = Broker(failing)
    sent = await send_in_waves(batch, TOPICS, broker.send)
    assert sent.acknowledged == {each.event_id for each in broker.taken}
    for event in "ab":
        for key in KEYS:
            line = [each.event_id for each in batch if (each.event, each.key) == (event, key)]
            taken = [each.event_id for each in broker.taken if (each.event, each.key) == (event, key)]
            assert taken == line[: len(taken)]


async def test_what_can_never_be_sent_stops_its_own_aggregate_alone() -> None:
    broker = Broker()
    large = message("a", 0, limits.LARGEST_MESSAGE + 1)
    stranger = message("c", 1)
    behind, beside, other = message("a", 0), message("b", 0), message("a", 1)
    sent = await send_in_waves([large, stranger, behind, beside, other], TOPICS, broker.send)
    assert sent.unsendable.keys() == {large.event_id, stranger.event_id, behind.event_id}
    assert sent.acknowledged == {beside.event_id, other.event_id}
    assert "EVENT_TOPICS" in sent.unsendable[stranger.event_id]
    assert str(limits.LARGEST_MESSAGE) in sent.unsendable[large.event_id]


async def test_the_largest_that_may_be_sent_is_sent() -> None:
    sent = await send_in_waves([message("a", 0, limits.LARGEST_MESSAGE)], TOPICS, Broker().send)
    assert len(sent.acknowledged) == 1


async def test_a_slow_broker_gets_a_part_of_the_batch_and_what_it_took_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.1)
    batch = [message("a", 0) for _ in range(50)]
    broker = Broker(seconds=0.03)
    sent = await send_in_waves(batch, TOPICS, broker.send)
    assert 0 < len(sent.acknowledged) < len(batch)
    assert (sent.failed, sent.unsendable) == ({}, {})
    assert sent.acknowledged == {each.event_id for each in batch[: len(sent.acknowledged)]}
