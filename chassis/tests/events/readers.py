"""Runs readers and relays for as long as a test needs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from groundplan_chassis.events.event import Event, decode
from groundplan_chassis.events.port import Delivery, Outcome, Processor, Refusal, Subscription, Verdict


class Recorder:
    """Handles everything, and remembers it; what it is told to refuse it refuses."""

    def __init__(self, pause: float = 0.0) -> None:
        self.events: list[Event] = []
        self.deliveries: list[Delivery] = []
        self.refuse: set[UUID] = set()
        self.pause = pause

    async def process(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for each in deliveries:
            if stop.is_set():
                outcomes.append(Verdict.LEFT)
                continue
            if self.pause:
                await asyncio.sleep(self.pause)
            self.deliveries.append(each)
            try:
                event = decode(each.body)
            except Exception:
                outcomes.append(Refusal("unreadable"))
                continue
            if event.event_id in self.refuse:
                outcomes.append(Refusal("as the test wants it"))
                continue
            self.events.append(event)
            outcomes.append(Verdict.HANDLED)
        return outcomes

    def versions(self, aggregate: UUID) -> list[int]:
        return [event.version for event in self.events if event.aggregate_id == aggregate]

    def ids(self) -> set[UUID]:
        return {event.event_id for event in self.events}


@asynccontextmanager
async def reading(subscription: Subscription, processor: Processor) -> AsyncIterator[asyncio.Event]:
    """The order to stop is given at the end, and must be obeyed."""
    async with running(lambda stop: subscription.run(processor, stop)) as stop:
        yield stop


@asynccontextmanager
async def running(loop: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()

    async def run() -> None:
        await loop(stop)

    task = asyncio.create_task(run())
    try:
        yield stop
    finally:
        stop.set()
        await task
