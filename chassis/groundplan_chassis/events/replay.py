"""Replay: events of the log are handled again, in order and once each, by a projector or by consumers (A3, A4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import Unreadable
from groundplan_chassis.events.event import Event, decode
from groundplan_chassis.events.ordering import OrderedEvents
from groundplan_chassis.events.port import Delivery, Processor, Refusal, Verdict

if TYPE_CHECKING:
    from groundplan_chassis.events.event_log import Days, EventLog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay, in numbers of events."""

    handled: int
    repeated: int
    """Found in the log more than once."""
    refused: int
    """Read, and not handled."""
    unreadable: int
    """Lines that are no events."""
    left: int
    """Not handled any more, as the process was to end."""


async def replay(
    log_: EventLog, events: Sequence[str], days: Days, processor: Processor, stop: asyncio.Event
) -> Replayed:
    """Handles the given events of these days. Raises ProblemsFound when the log can't be read; nothing is done then."""
    unreadable = found = new = 0
    async with OrderedEvents() as ordered:
        for name in events:
            async for place, lines in log_.lines(name, days):
                read = []
                for line in lines:
                    event = _read(line, place)
                    if event is None:
                        unreadable += 1
                    else:
                        read.append((name, event, line))
                found += len(read)
                new += await ordered.add(read)
        log.info("%d events were found in the log", new, extra={"repeated": found - new, "unreadable": unreadable})
        handled, refused = await _process(ordered, processor, stop)
    return Replayed(handled, found - new, refused, unreadable, new - handled - refused)


async def _process(ordered: OrderedEvents, processor: Processor, stop: asyncio.Event) -> tuple[int, int]:
    handled = refused = 0
    async for batch in ordered.batches(limits.BATCH):
        # They have positions, as in a topic: the order in which they come is the one to keep.
        deliveries = [
            Delivery(body, name, "", 0, handled + refused + number) for number, (name, body) in enumerate(batch)
        ]
        for outcome in await processor.process(deliveries, stop):
            if isinstance(outcome, Refusal):
                refused += 1
                log.error("an event of the log is refused: %s", outcome.reason, extra={"error": "Refused"})
            elif outcome is Verdict.HANDLED:
                handled += 1
        if stop.is_set():
            break
    return handled, refused


def _read(line: bytes, place: str) -> Event | None:
    try:
        return decode(line)
    except Unreadable as error:
        log.error("a line of %s is no event: %s", place, error.reason, extra={"error": "Unreadable"})
        return None
