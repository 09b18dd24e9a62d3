"""One-off operations on events: `rebuild`, `replay`, `redrive`.

They run with the settings of a reader, so in the pod of a projector or a consumer, or in a job with its settings.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundplan_chassis.events import limits
from groundplan_chassis.events.arguments import add_event_log, day
from groundplan_chassis.events.brokers import Broker
from groundplan_chassis.events.event_log import Days, open_log
from groundplan_chassis.events.port import Processor
from groundplan_chassis.events.rebuild import rebuild
from groundplan_chassis.events.replay import replay
from groundplan_chassis.events.workers import consumer, projector
from groundplan_chassis.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.service import Service

Run = Callable[["Service", "Context", argparse.Namespace, asyncio.Event], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventCommand:
    """One operation. Its ``run`` raises ProblemsFound when it fails, wholly or in part."""

    name: str
    purpose: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Run


def _no_options(parser: argparse.ArgumentParser) -> None:
    del parser


async def _rebuild(service: Service, context: Context, arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    del arguments
    if not service.projections:
        raise _problem("rebuild", service.name, "a service with read models", "declare `cqrs` in system.yaml")
    looked_at = await rebuild(context.database, service.projections, stop)
    log.info("rebuilt: %s", ", ".join(f"{rows} of {resource}" for resource, rows in looked_at.items()))


def _replay_options(parser: argparse.ArgumentParser) -> None:
    add_event_log(parser, first="first day of delivery")
    parser.add_argument("--event", action="append", default=[], help="this one only; may be given several times")
    parser.add_argument("--to", dest="last", required=True, type=day, help="last day, included")
    parser.add_argument(
        "--beyond-inbox",
        action="store_true",
        help=f"consumers handle events again that are older than {limits.KEPT_INBOX_DAYS} days, whose marks are gone",
    )


async def _replay(service: Service, context: Context, arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    days = Days(arguments.first, arguments.last)
    if days.last < days.first:
        raise _problem("--to", str(days.last), f"a day that is not before {days.first}", "give the days in their order")
    sources = _sources(context)
    unknown = sorted(set(arguments.event) - sources)
    if unknown:
        followed = ", ".join(sorted(sources)) or "none"
        raise _problem("--event", ", ".join(unknown), f"some of {followed}", "name events that this process follows")
    processor = _processor(service, context)
    oldest = context.clock.now().date() - datetime.timedelta(days=limits.KEPT_INBOX_DAYS)
    if context.settings.role == "consumer" and days.first <= oldest and not arguments.beyond_inbox:
        raise _problem(
            "--from",
            str(days.first),
            f"a day after {oldest}: for older events the inbox no longer knows whether they were handled",
            "take a later day, or, when handling them again does no harm, add --beyond-inbox",
        )
    broker = Broker.of(context)
    try:
        events = sorted(arguments.event or sources)
        done = await replay(open_log(arguments.log, broker.clients), events, days, processor, stop)
    finally:
        await broker.close()
    log.info("replayed: %d events, %d of them more than once in the log", done.handled, done.repeated)
    if done.refused or done.unreadable or done.left:
        raise _problem(
            "replay",
            f"{done.refused} events refused, {done.unreadable} lines unreadable, {done.left} events left",
            "every event of the log handled",
            "read the reasons in the log above, mend them, and run it again: what was handled does no harm",
        )


async def _redrive(service: Service, context: Context, arguments: argparse.Namespace, stop: asyncio.Event) -> None:
    del arguments
    processor = _processor(service, context)
    broker = Broker.of(context)
    try:
        done = await (await broker.dead_letters()).redrive(processor, stop)
    finally:
        await broker.close()
    log.info("dead letters: %d handled, %d refused again, %d left", done.handled, done.refused, done.left)
    if done.refused or done.left:
        raise _problem(
            "redrive",
            f"{done.refused} dead letters refused again, {done.left} left",
            "every dead letter handled",
            "read the reasons in the log above, mend them, and run it again",
        )


def _processor(service: Service, context: Context) -> Processor:
    match context.settings.role:
        case "projector":
            return projector(service, context, live=False)
        case "consumer":
            return consumer(service, context)
    raise _problem(
        "WORKLOAD_ROLE",
        context.settings.role,
        "projector or consumer",
        "start the command with a reader's settings, in its pod for example",
    )


def _sources(context: Context) -> set[str]:
    return set(context.settings.events.sources) if context.settings.events is not None else set()


def _problem(where: str, value: str, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound("events", [Problem(where, value, expected, remedy)])


COMMANDS = (
    EventCommand("rebuild", "Build the read models anew from the service's own tables", _no_options, _rebuild),
    EventCommand("replay", "Handle events of the event log again", _replay_options, _replay),
    EventCommand("redrive", "Handle this reader's dead letters again", _no_options, _redrive),
)
