"""The roles without an API: relay, consumer, projector."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from groundplan_chassis.database.pruning import prune
from groundplan_chassis.events import housekeeping
from groundplan_chassis.events.brokers import Broker
from groundplan_chassis.events.consumer import Consumer
from groundplan_chassis.events.handler import Handler
from groundplan_chassis.events.port import Processor
from groundplan_chassis.events.projector import Projector
from groundplan_chassis.events.relay import Relay

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.service import Service

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set."""


class Worker:
    """Continuous work of a role. It survives outages of brokers and databases."""

    def __init__(self, loops: Callable[[Broker], Awaitable[list[Loop]]], context: Context) -> None:
        self._loops = loops
        self._context = context
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Returns once all that was begun has ended after `stop`; raises what is a mistake in the program."""
        broker = Broker.of(self._context)
        try:
            loops = await self._loops(broker)
            async with asyncio.TaskGroup() as tasks:
                for loop in loops:
                    tasks.create_task(_run(loop, self._stop))
        finally:
            await broker.close()

    def stop(self) -> None:
        """Starts no new work; work in hand is finished."""
        self._stop.set()


async def _run(loop: Loop, stop: asyncio.Event) -> None:
    await loop(stop)


def workers(service: Service, context: Context) -> list[Worker]:
    """Those of the settings' role; empty for roles that serve."""
    match context.settings.role:
        case "relay":
            return [Worker(lambda broker: _relay(broker, context), context)]
        case "consumer":
            return [Worker(lambda broker: _consumer(broker, consumer(service, context), context), context)]
        case "projector":
            return [Worker(lambda broker: _projector(broker, projector(service, context), context), context)]
    return []


def consumer(service: Service, context: Context) -> Consumer:
    """Runs the service's handlers for events."""
    handlers = {event: Handler.of(declared) for event, declared in service.consumers.items()}
    return Consumer(context, handlers, context.changed)


def projector(service: Service, context: Context, *, live: bool = True) -> Projector:
    """Writes the service's read models; ``live``: it follows the stream, and does not catch up from elsewhere."""
    return Projector(context, service.projections, context.changed, live=live)


async def _relay(broker: Broker, context: Context) -> list[Loop]:
    database, metrics = context.database, context.metrics
    publisher = await broker.publisher()

    async def relay(stop: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for shard in database.shards:
                    tasks.create_task(Relay(database, publisher, metrics, shard).run(stop))
        finally:
            await publisher.close()

    return [
        relay,
        lambda stop: housekeeping.report_outbox_age(database, metrics, stop),
        lambda stop: prune(database, "the outbox", housekeeping.prune_outbox, stop),
    ]


async def _consumer(broker: Broker, processor: Processor, context: Context) -> list[Loop]:
    subscription = await broker.subscription()
    return [
        lambda stop: subscription.run(processor, stop),
        lambda stop: prune(context.database, "the inbox", housekeeping.prune_inbox, stop),
    ]


async def _projector(broker: Broker, processor: Projector, context: Context) -> list[Loop]:
    subscription = await broker.subscription()
    return [
        lambda stop: subscription.run(processor, stop),
        lambda stop: prune(context.database, "the read model", processor.prune, stop),
    ]
