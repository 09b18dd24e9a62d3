"""What is told of every request that was answered: three metrics, and one line."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from chassis.observe import names, tracing
from chassis.observe.metrics import Metrics
from chassis.observe.redaction import Redaction

_SERVER_ERROR: Final = 500


class _Line(msgspec.Struct, omit_defaults=True):
    """The access line. Its path is the route's, without ids and query: what is in those may be personal."""

    time: str
    level: str
    message: str
    service: str
    role: str
    event: str
    correlation_id: str | None
    method: str
    route: str
    status: int
    duration_ms: float
    bytes: int
    subject: str | None = None
    code: str | None = None
    trace_id: str | None = None


class RequestLog:
    """Told once of each answer; costs some microseconds, for it is on the way of every request."""

    def __init__(
        self, service: str, role: str, metrics: Metrics, redaction: Redaction, write: Callable[[bytes], None]
    ) -> None:
        self._service = service
        self._role = role
        self._metrics = metrics
        self._redaction = redaction
        self._write = write
        self._encoder = msgspec.json.Encoder()
        self._second = 0
        self._second_text = ""

    def finished(
        self,
        *,
        method: str,
        route: str,
        status: int,
        started: float,
        request_id: str,
        subject: str | None = None,
        code: str | None = None,
        size: int = 0,
    ) -> None:
        """An answer has left.

        ``route`` is the path's pattern, `/api/v1/orders/{id}`; ``started`` is `time.perf_counter()` at the request's
        arrival; ``subject`` is the caller's id in the user pool; ``code`` is the error's; ``size``: bytes of the body.
        """
        duration_ms = (time.perf_counter() - started) * 1000
        metrics = self._metrics
        metrics.count(names.REQUESTS)
        metrics.record(names.REQUEST_DURATION_MS, duration_ms)
        failed = status >= _SERVER_ERROR
        if failed:
            metrics.count(names.REQUEST_ERRORS)
        text = self._redaction.text
        line = _Line(
            self._now(),
            "error" if failed else "info",
            f"{method} {route} {status}",
            self._service,
            self._role,
            names.LOG_REQUEST,
            text(request_id),
            method,
            route,
            status,
            round(duration_ms, 3),
            size,
            None if subject is None else text(subject),
            code,
            tracing.current_trace_id(),
        )
        self._write(self._encoder.encode(line) + b"\n")

    def _now(self) -> str:
        """The time with milliseconds. Most requests share their second with others, and so its text."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second_text}.{int((now - second) * 1000):03d}Z"
