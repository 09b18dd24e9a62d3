"""Metrics of every request, log lines of selected ones, and the audit log.

A line for each would cost a third of what answering from the cache costs, and tens of gigabytes a day at T3's load;
the gateway's access log has one for each already. So successful reads are sampled, and no flood of refusals can flood
the log. Of what is audited each has a line, as fast as it can be made: through the standard library's logging one took
as long as all else that a cached GET takes (docs/adr/0023-http-protocol.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from groundplan_chassis.observe import names, tracing
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.redaction import Redaction

SAMPLE: Final = 100
"""One of so many successful reads has a line."""
SLOW_MS: Final = 100.0
"""Slower responses get a line: half of the time budget (T1)."""
LINES_A_SECOND: Final = 200
"""Of all others: writes, refusals, failures. What exceeds it is counted, and the number told in the next line."""
_OF_NUMBERS: Final = "0123456789abcdefABCDEF-"
"""Characters of UUIDs and other numbers. No secret and no address is made of these alone."""
_SUBJECTS: Final = 4096
"""Callers whose subject is remembered as lines have it; 200 bytes each."""
_MILLISECONDS: Final = tuple(f".{each:03d}Z" for each in range(1000))
_REFUSED: Final = 400
_FAILED: Final = 500
_READ: Final = "GET"
_encode: Final = msgspec.json.Encoder().encode


class _Line(msgspec.Struct, omit_defaults=True):
    """The access line. Its path is the route's, without ids and query: what is in those may be personal."""

    time: str
    level: str
    message: str
    service: str
    role: str
    event: str
    correlation_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    bytes: int
    subject: msgspec.Raw | None = None
    code: str | None = None
    trace_id: str | None = None
    sampled: int | None = None
    """This line stands for so many requests."""
    suppressed: int = 0
    """Lines that were suppressed before this one."""


class RequestLog:
    """Called once for each response. Most calls cost two list appends."""

    def __init__(
        self, service: str, role: str, metrics: Metrics, redaction: Redaction, write: Callable[[bytes], None]
    ) -> None:
        self._service = service
        self._role = role
        self._redaction = redaction
        # A caller comes again, and is looked at once.
        self._subject = lru_cache(maxsize=_SUBJECTS)(lambda subject: _encode(redaction.text(subject)))
        self._write = write
        self._count = metrics.count
        self._record = metrics.record
        always = {"level": "info", "message": "answered", "service": service, "role": role, "logger": __name__}
        self._audit = _encode({**always, "event": names.LOG_AUDIT})[1:-1]
        """What all lines of the audit log have in common."""
        self._reads = 0
        self._second = 0
        self._lines = 0
        self._suppressed = 0
        self._at = -1
        self._written = ""
        """The second `_at`, as lines have it."""

    def audited(self, *, request_id: str, subject: str, operation: str, items: Sequence[UUID]) -> None:
        """The caller reads or writes these items: call it before the answer leaves.

        ``operation`` is of the program: `GET /api/v1/orders/{id}`.
        """
        # What is called out of an attribute is looked up for longer than what is read from it (Python 3.11).
        trace, subject_of, write = tracing.current_trace_id(), self._subject, self._write
        write(
            b'{"time":"%b",%b,"correlation_id":%b,"subject":%b,"operation":%b,"aggregate_id":%b%b}\n'
            % (
                self._iso(time.time()).encode(),
                self._audit,
                _encode(self._id(request_id)),
                subject_of(subject),
                _encode(operation),
                _encode(items[0] if len(items) == 1 else ",".join(map(str, items))),
                b"" if trace is None else b',"trace_id":' + _encode(trace),
            )
        )

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
        count, record = self._count, self._record
        count(names.REQUESTS)
        record(names.REQUEST_DURATION_MS, duration_ms)
        sampled = None
        if status < _REFUSED and method == _READ and duration_ms < SLOW_MS:
            self._reads += 1
            if self._reads % SAMPLE:
                return
            sampled = SAMPLE
        elif status >= _FAILED:
            count(names.REQUEST_ERRORS)
        now = time.time()
        if sampled is None and not self._may_write(now):
            return
        suppressed, self._suppressed = self._suppressed, 0
        line = _Line(
            time=self._iso(now),
            level="error" if status >= _FAILED else "info",
            message=f"{method} {route} {status}",
            service=self._service,
            role=self._role,
            event=names.LOG_REQUEST,
            correlation_id=self._id(request_id),
            method=method,
            route=route,
            status=status,
            duration_ms=round(duration_ms, 3),
            bytes=size,
            subject=None if subject is None else msgspec.Raw(self._subject(subject)),
            code=code,
            trace_id=tracing.current_trace_id(),
            sampled=sampled,
            suppressed=suppressed,
        )
        self._write(_encode(line) + b"\n")

    def _id(self, request_id: str) -> str:
        """A request's id as lines have it: a client may have sent anything; a UUID hides nothing."""
        return self._redaction.text(request_id) if request_id.strip(_OF_NUMBERS) else request_id

    def _may_write(self, now: float) -> bool:
        second = int(now)
        if second != self._second:
            self._second = second
            self._lines = 0
        self._lines += 1
        if self._lines <= LINES_A_SECOND:
            return True
        self._suppressed += 1
        return False

    def _iso(self, now: float) -> str:
        second = int(now)
        if second != self._at:
            self._at, self._written = second, f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return self._written + _MILLISECONDS[int((now - second) * 1000)]
