"""Metrics of every database statement, and log lines of slow ones (T2)."""

from __future__ import annotations

import logging
import re
import time
from functools import lru_cache
from typing import Final

from groundplan_chassis.observe import names
from groundplan_chassis.observe.metrics import Metrics

LONGEST_STATEMENT: Final = 500
"""Most characters of a slow statement in the log: enough to find it in the code."""

SLOW_LINES_A_SECOND: Final = 50
"""When everything is slow, telling of each statement would make it slower: a line costs as much as a short statement.
What exceeds it is counted, and the number told in the next line."""

log = logging.getLogger(__name__)


class StatementLog:
    """Called once for each statement, without its parameters: they are users' data."""

    def __init__(self, metrics: Metrics, slow_ms: int) -> None:
        self._metrics = metrics
        self._slow_ms = slow_ms
        self._second = 0
        self._lines = 0
        self._suppressed = 0

    def finished(self, statement: str, started: float, rows: int | None = None) -> None:
        """A statement is done. ``started`` is `time.perf_counter()` when it was sent."""
        duration_ms = (time.perf_counter() - started) * 1000
        self._metrics.record(names.QUERY_DURATION_MS, duration_ms)
        if duration_ms > self._slow_ms and self._may_write():
            fields: dict[str, object] = {
                names.LOG_EVENT: names.LOG_SLOW_QUERY,
                "statement": one_line(statement),
                "duration_ms": round(duration_ms, 3),
            }
            if rows is not None:
                fields["rows"] = rows
            if self._suppressed:
                fields["suppressed"], self._suppressed = self._suppressed, 0
            log.warning("a database statement took longer than %d ms", self._slow_ms, extra=fields)

    def _may_write(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= SLOW_LINES_A_SECOND:
            return True
        self._suppressed += 1
        return False


@lru_cache(maxsize=1024)
def one_line(statement: str) -> str:
    """The statement on one line, so that equal statements count as one; text in quotes is left out of it."""
    text = re.sub(r"'(?:[^']|'')*'", "'…'", " ".join(statement.split()))
    return text if len(text) <= LONGEST_STATEMENT else f"{text[:LONGEST_STATEMENT]}…"
