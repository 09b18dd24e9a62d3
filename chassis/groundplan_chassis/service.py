"""The declaration of a service by its composition root, checked before anything starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundplan_chassis.problems import Problem, ProblemsFound
from groundplan_chassis.settings import KafkaSettings, QueueSettings, Settings

if TYPE_CHECKING:
    from groundplan_chassis.caching.documents import CachedResource
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.deadlines import Deadline
    from groundplan_chassis.erasure.erasable import Erasable
    from groundplan_chassis.events.handler import Handle, Handler
    from groundplan_chassis.events.projection import Projection
    from groundplan_chassis.http.operations import Operation

Seed = Callable[["Context"], Awaitable[None]]
"""Inserts sample data; repeatable without a further effect."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The declaration of a service: operations, events, read models, caches. Built without any I/O."""

    name: str
    """As in system.yaml."""
    package: str
    """The importable package of its code."""
    title: str
    version: str = "1.0.0"
    description: str = ""
    operations: Sequence[Operation] = ()
    """The operations of its API (`groundplan_chassis.http`)."""
    publishes: frozenset[str] = frozenset()
    """Events of its own, as declared."""
    consumers: Mapping[str, Handler | Handle] = field(default_factory=dict)
    """The handler of each consumed event of other services."""
    projections: Sequence[Projection] = ()
    """Read models that the projector writes (A4); without any there is no projector."""
    caches: Sequence[CachedResource] = ()
    """How its resources are cached (C2, C3)."""
    migrations: Path | None = None
    """The folder with `versions/`, and with an `env.py` where the service configures Alembic itself."""
    seed: Seed | None = None
    deadlines: Sequence[Deadline] = ()
    """States that rows leave in time, and how long rows are kept."""
    personal_fields: frozenset[str] = frozenset()
    """Names of fields that are personal: their values reach neither logs nor events."""
    erasables: Sequence[Erasable] = ()
    """Resources whose rows a person's erasure changes (S8); the database then has a table `erasures`."""


def check(service: Service) -> None:
    """Raises ProblemsFound with all errors of the declaration."""
    problems = list(_problems(service))
    if problems:
        raise ProblemsFound(f"service {service.name}", problems)


def check_settings(service: Service, settings: Settings) -> None:
    """Raises ProblemsFound where the service's code and the deployment's settings disagree."""
    problems = list(_disagreements(service, settings))
    if problems:
        raise ProblemsFound(f"service {service.name}, role {settings.role}", problems)


def _problems(service: Service) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Any] = {}
    for operation in service.operations:
        key = (operation.kind, operation.resource.path)
        if key in seen:
            yield Problem(
                f"operations: {operation.kind} {operation.resource.path}",
                "declared twice",
                "once",
                "remove one of both",
            )
        seen[key] = operation
        if not callable(operation.handler):
            yield Problem(
                f"operations: {operation.kind} {operation.resource.path}",
                "without a handler",
                "a function",
                "give it one",
            )
    by_path: dict[str, str] = {}
    for operation in service.operations:
        name = by_path.setdefault(operation.resource.path, operation.resource.name)
        if name != operation.resource.name:
            yield Problem(
                f"operations: {operation.resource.path}",
                f"the path of {name} and of {operation.resource.name}",
                "a path of its own for each resource",
                "give one of them another plural in system.yaml",
            )
    for event, handler in service.consumers.items():
        if not callable(getattr(handler, "handle", handler)):
            yield Problem(f"consumers: {event}", "without a handler", "an async function", "give it one")
        if event in service.publishes:
            yield Problem(
                f"consumers: {event}", "an event of its own", "events of other services", "call the code directly"
            )
    if service.migrations is not None and not service.migrations.is_dir():
        yield Problem("migrations", str(service.migrations), "a folder that is there", "see that the image holds it")


def _disagreements(service: Service, settings: Settings) -> Iterator[Problem]:
    if settings.service != service.name:
        yield Problem(
            "SERVICE_NAME",
            repr(settings.service),
            repr(service.name),
            "start this service's image with its own settings",
        )
    events = settings.events
    if events is None:
        return
    if settings.role == "consumer":
        sources = _sources(events)
        for event in sorted(sources - service.consumers.keys()):
            yield Problem(
                f"EVENT_SOURCES: {event}",
                "an event that no handler takes",
                f"one of {', '.join(sorted(service.consumers)) or 'none: the service follows no events'}",
                "give it a handler, or take it out of `consumes` in system.yaml",
            )
        for event in sorted(service.consumers.keys() - sources):
            yield Problem(
                f"consumers: {event}",
                "an event that the deployment does not bring",
                f"one of {', '.join(sorted(sources)) or 'none'}",
                "add it to `consumes` in system.yaml, or remove the handler",
            )
    for event in sorted(service.publishes - set(events.topics)):
        yield Problem(
            f"publishes: {event}",
            "an event without a topic",
            f"one of {', '.join(sorted(events.topics)) or 'none'}",
            "add it to `publishes` in system.yaml",
        )


def _sources(events: KafkaSettings | QueueSettings) -> set[str]:
    return set(events.sources)
