"""The command `erase-again`: after a restored backup, persons who were erased since are erased again.

The event log says who they are. Run it before the service answers requests again.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import asyncpg

from groundplan_chassis.database.failures import describe
from groundplan_chassis.erasure.handler import ErasureHandler, subject_of
from groundplan_chassis.erasure.requests import request_for_event
from groundplan_chassis.events.arguments import add_event_log
from groundplan_chassis.events.errors import Refused
from groundplan_chassis.events.event import Event, decode
from groundplan_chassis.http.errors import ValidationFailed
from groundplan_chassis.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.service import Service

ERASED: Final = ".erased"
"""How the event ends by which a service tells that a person of its own is erased."""

log = logging.getLogger(__name__)


def options(parser: argparse.ArgumentParser) -> None:
    add_event_log(parser, first="day of the backup that was restored")


def owners(service: Service) -> Mapping[str, str]:
    """By event that a person is erased, published or consumed: the payload's field with the subject."""
    own = {f"{each.resource}{ERASED}": each.owner for each in service.erasables if each.kind == "person"}
    found = {event: owner for event, owner in own.items() if event in service.publishes}
    for event, handler in service.consumers.items():
        if isinstance(handler, ErasureHandler):
            found[event] = handler.owner
    return found


async def run(service: Service, context: Context, arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    """Asks for each erasure again; the service's processes then do it. Raises ProblemsFound and Unavailable."""
    from groundplan_chassis.events.brokers import Broker
    from groundplan_chassis.events.event_log import Days, open_log

    told = owners(service)
    if not told:
        raise _problem(
            service.name,
            "a service that publishes or consumes an event that a person is erased",
            "without one, erase each person again: `erase SUBJECT`",
        )
    days = Days(arguments.first, context.clock.now().date())
    if days.last < days.first:
        raise _problem(str(days.first), f"a day that is not after {days.last}", "give the day of the backup")
    asked: set[str] = set()
    unreadable = 0
    broker = Broker.of(context)
    try:
        events = open_log(arguments.log, broker.clients)
        for name, owner in told.items():
            async for place, lines in events.lines(name, days):
                for line in lines:
                    if stop.is_set():
                        raise _problem("stopped", "the whole log read", "run it again: what was asked for does no harm")
                    try:
                        event = decode(line)
                        subject = subject_of(event, owner)
                        if subject is not None:
                            await _ask(context, event, subject)
                            asked.add(subject)
                    except (Refused, ValidationFailed, ValueError, OverflowError, asyncpg.DataError) as error:
                        # Also what no row can hold: one line keeps no other person from being erased.
                        unreadable += 1
                        reason = error.reason if isinstance(error, Refused) else describe(error)
                        log.error("a line of %s names no person: %s", place, reason, extra={"error": "Unreadable"})
    finally:
        await broker.close()
    log.info("%d persons are erased again; `erase SUBJECT --check` tells of each", len(asked))
    if unreadable:
        raise _problem(f"{unreadable} lines unreadable", "a person in each", "read the reasons in the log above")


async def _ask(context: Context, event: Event, subject: str) -> None:
    async def ask(transaction: Transaction) -> None:
        await request_for_event(transaction, subject, event)

    shard = context.database.place(str(event.aggregate_id), at=event.occurred_at)
    await context.database.write(ask, shard=shard, idempotent=True)


def _problem(value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound("erasure", [Problem("erase-again", value, expected, remedy)])
