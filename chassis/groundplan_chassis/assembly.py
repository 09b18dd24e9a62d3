"""Wiring of a process: parts are opened one after the other and closed in reverse order.

Each role imports only what it needs: a relay imports no HTTP, a migration no events.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from groundplan_chassis.clock import SystemClock
from groundplan_chassis.context import Changed, Context
from groundplan_chassis.health import App, Check, Health
from groundplan_chassis.observe import logs, tracing
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.requests import RequestLog
from groundplan_chassis.observe.statements import StatementLog
from groundplan_chassis.secrets import Secrets
from groundplan_chassis.service import Service
from groundplan_chassis.settings import SERVING, Settings
from groundplan_chassis.trust import tls_context

if TYPE_CHECKING:
    from groundplan_chassis.caching.valkey import Valkey

CLOSE_SECONDS: Final = 4.0
"""Time for closing all parts; Kubernetes kills the pod five seconds after the last request (`EXIT_SECONDS` of
`groundplan_components.workload.workload`)."""

log = logging.getLogger(__name__)


class Worker(Protocol):
    """The work of a role without an API: consuming or sending events."""

    async def run(self) -> None:
        """Works until `stop`. An exception ends the process; an unavailable broker or database doesn't raise."""

    def stop(self) -> None:
        """Starts no new work; work in hand is finished."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Observability of a process. It starts before all other parts and ends after them."""

    metrics: Metrics
    requests: RequestLog
    statements: StatementLog


@contextlib.contextmanager
def observed(service: Service, settings: Settings) -> Iterator[Observation]:
    """Logs, metrics and traces; flushed at the end."""
    handler = logs.configure(settings.service, settings.role, service.personal_fields)
    metrics = Metrics(settings.metrics_namespace, settings.service, handler.sink.write)
    requests = RequestLog(settings.service, settings.role, metrics, handler.lines.redaction, handler.sink.write)
    tracing.configure(settings.system, settings.environment, settings.service, settings.role, metrics)
    metrics.start()
    try:
        yield Observation(metrics, requests, StatementLog(metrics, settings.database.slow_query_ms))
    finally:
        metrics.close()
        tracing.close()
        handler.close()


@contextlib.asynccontextmanager
async def opened(service: Service, settings: Settings, observation: Observation) -> AsyncIterator[Context]:
    """The context of a role. Unavailable servers don't prevent it: readiness reports them, and connections are retried.

    Raises ProblemsFound and SecretUnavailable for errors that a retry does not solve.
    """
    from groundplan_chassis.buckets import Limit
    from groundplan_chassis.client_address import ClientAddress
    from groundplan_chassis.database.database import Database
    from groundplan_chassis.ratelimit import RateLimiter
    from groundplan_chassis.tokens import TokenVerifier

    clock = SystemClock()
    tls = tls_context(settings.trust_file)
    async with contextlib.AsyncExitStack() as stack:
        secrets = await stack.enter_async_context(Secrets(settings.region, settings.aws_endpoint_url, clock))
        database = await Database.open(
            settings.database, secrets, observation.statements, tls if settings.database.tls else None, clock
        )
        _closing(stack, "database", database.close)
        checks = [Check("database", database.ping, required=True)]
        cache = None
        if settings.cache is not None:
            from groundplan_chassis.caching.valkey import Valkey

            cache = await Valkey.open(
                settings.cache, secrets, tls if settings.cache.tls else None, client_name=settings.service
            )
            _closing(stack, "cache", cache.close)
            checks.append(Check("cache", _reachable(cache), required=False))
        tokens = TokenVerifier(settings.tokens, tls)
        _closing(stack, "tokens", tokens.close)
        if settings.role in SERVING:
            await tokens.open()
        context = Context(
            settings=settings,
            clock=clock,
            metrics=observation.metrics,
            requests=observation.requests,
            statements=observation.statements,
            secrets=secrets,
            health=Health(checks, clock),
            database=database,
            cache=cache,
            tokens=tokens,
            limiter=RateLimiter(cache, Limit(settings.rate_limit.requests, settings.rate_limit.seconds)),
            # In pods a request can come by way of the edge alone, which says who the client is.
            client_address=ClientAddress(trust_viewer=not settings.local),
            changed=_changed(service, lambda: context),
        )
        yield context


def app(service: Service, context: Context) -> App:
    """The API, as processes of the context's role answer it."""
    from groundplan_chassis.http.app import create_app

    return create_app(service, context.settings.role, context)


def workers(service: Service, context: Context) -> Sequence[Worker]:
    """The work of the context's role besides answering requests."""
    if context.settings.role in SERVING:
        from groundplan_chassis.database.pruning import KeyPruning

        if context.settings.role == "query":
            return []
        found: list[Worker] = []
        if any(each.kind == "create" for each in service.operations):
            found.append(KeyPruning(context.database))
        if service.deadlines:
            from groundplan_chassis.database.deadlines import Deadlines

            # One each: a table of a million rows that are kept no longer holds up no order that is not paid.
            found += [Deadlines(context, [deadline]) for deadline in service.deadlines]
        if service.erasables:
            from groundplan_chassis.erasure.worker import Erasures

            found.append(Erasures(service, context))
        return found
    from groundplan_chassis.events.workers import workers as of_events

    return of_events(service, context)


async def migrate(service: Service, settings: Settings) -> None:
    """Makes the service's databases and brings them up to date. Raises ProblemsFound."""
    from groundplan_chassis.database.migrations import migrate as bring_up

    if service.migrations is None:
        log.info("%s has no migrations", service.name)
        return
    async with Secrets(settings.region, settings.aws_endpoint_url) as secrets:
        await bring_up(settings.database, secrets, service.migrations, trust_file=settings.trust_file)


def _reachable(cache: Valkey) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        if not cache.reachable:
            raise ConnectionError("no server of the cache can be reached")

    return look


def _changed(service: Service, context: Callable[[], Context]) -> Changed | None:
    """Drops cached copies of rows that an event has changed, except of resources that allow stale copies (C3)."""
    caches = {cache.resource: cache for cache in service.caches if cache.invalidation != "expiry"}
    if not caches:
        return None

    async def changed(resource: str, identifier: UUID, version: int) -> None:
        if resource in caches:
            await caches[resource](context()).changed(identifier, version)

    return changed


def _closing(stack: contextlib.AsyncExitStack, what: str, close: Callable[[], Awaitable[None]]) -> None:
    """Closes it at the end, within bounds: a part that hangs must not block the others, or the process."""

    async def bounded() -> None:
        try:
            await asyncio.wait_for(close(), CLOSE_SECONDS)
        except Exception as error:
            log.warning("%s did not close in order", what, extra={"dependency": what, "error": type(error).__name__})

    stack.push_async_callback(bounded)
