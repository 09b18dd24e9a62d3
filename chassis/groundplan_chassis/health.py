"""Liveness and readiness of a process, for Kubernetes and the load balancer.

The probes and their intervals are in `groundplan_components.shared.pod`; the load balancer asks `/health/ready` too.
Once a process has started, Kubernetes asks for its liveness no more than an open port (`groundplan_chassis.watchdog`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from groundplan_chassis.clock import Clock, SystemClock

LIVE: Final = "/health/live"
READY: Final = "/health/ready"
REMEMBERED_SECONDS: Final = 1.0
"""Time for which a report is reused: probes of the cluster and of each load balancer node share one check."""
PATIENCE_SECONDS: Final = 2.0
"""Time-out of a dependency's check; the probe itself gives up after three seconds."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency of a process."""

    name: str
    look: Callable[[], Awaitable[None]]
    """Raises, or exceeds the time-out, when the dependency is unavailable."""
    required: bool
    """Without it the process is not ready; otherwise its state is only reported."""


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a process and of its dependencies."""

    ready: bool
    dependencies: dict[str, str]
    """`up` or `down` by name, without details, because the endpoint needs no token."""


class Health:
    """The state of this process. Checks all dependencies in parallel, at most once a second."""

    def __init__(self, checks: Iterable[Check] = (), clock: Clock | None = None) -> None:
        self._checks = list(checks)
        self._clock = clock or SystemClock()
        self.draining = False
        """The process is stopping and takes no new work."""
        self._known: tuple[float, Report] | None = None
        self._looking: asyncio.Task[Report] | None = None
        self._down: set[str] = set()

    def drain(self) -> None:
        """From now on the process is not ready, whether or not its dependencies are."""
        self.draining = True

    def add(self, check: Check) -> None:
        """Adds a dependency."""
        self._checks.append(check)

    async def report(self) -> Report:
        """The current state, or that of less than a second ago; concurrent callers share one check."""
        if self._known is not None and self._clock.seconds() - self._known[0] < REMEMBERED_SECONDS:
            report = self._known[1]
        else:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            report = await asyncio.shield(self._looking)
        return Report(report.ready and not self.draining, report.dependencies)

    async def _look(self) -> Report:
        states = await asyncio.gather(*(self._state(check) for check in self._checks))
        up = dict(zip((check.name for check in self._checks), states, strict=True))
        ready = all(up[check.name] for check in self._checks if check.required)
        report = Report(ready, {name: "up" if well else "down" for name, well in up.items()})
        self._known = (self._clock.seconds(), report)
        return report

    async def _state(self, check: Check) -> bool:
        try:
            await asyncio.wait_for(check.look(), PATIENCE_SECONDS)
        except Exception as error:
            if check.name not in self._down:
                self._down.add(check.name)
                log.warning(
                    "%s is away",
                    check.name,
                    extra={"dependency": check.name, "error": type(error).__name__, "detail": str(error)},
                )
            return False
        if check.name in self._down:
            self._down.discard(check.name)
            log.info("%s is back", check.name, extra={"dependency": check.name})
        return True


class HealthEndpoints:
    """Serves the probes' two paths; an ASGI application by itself."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, body = await self._answer(scope["path"])
        if scope["method"] not in ("GET", "HEAD"):
            status, body = 405, {"error": {"code": "METHOD_NOT_ALLOWED", "message": "Only GET", "details": []}}
        content = msgspec.json.encode(body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    async def _answer(self, path: str) -> tuple[int, object]:
        if path == LIVE:
            return 200, {"data": {"status": "live"}, "meta": {}, "links": {"self": LIVE}}
        if path == READY:
            report = await self._health.report()
            status = "ready" if report.ready else "draining" if self._health.draining else "not ready"
            data = {"status": status, "dependencies": report.dependencies}
            return 200 if report.ready else 503, {"data": data, "meta": {}, "links": {"self": READY}}
        return 404, {"error": {"code": "NOT_FOUND", "message": "No such path", "details": []}}
