"""The services' logs, to be searched: the latest lines of each process, and what its metrics add up to."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from groundplan_devkit.tail import Tail

KEPT_LINES = 4000
"""Of each process."""
MOST_SHOWN = 300
LONGEST_LINE = 20_000
"""Characters of a line that are kept; the file has all."""
LEVELS = ("debug", "info", "warning", "error")
COUNTED = ("requests", "request_errors", "cache_hits", "cache_misses", "events_consumed", "events_dead_lettered")
"""Of the metrics that processes write into their logs (`groundplan_chassis.observe.names`)."""
_SHOWN_APART = {"time", "level", "message", "event", "trace_id", "service", "role", "logger"}


@dataclass(frozen=True)
class Line:
    number: int
    """Rises with each line that was read, of whichever process."""
    process: str
    time: float
    """Seconds since 1970."""
    level: str
    message: str
    kind: str
    """`audit`, `slow_query`, `request` …; empty for a plain line."""
    trace_id: str
    fields: Mapping[str, Any]
    text: str
    """The line as it was written, in small letters: what a search looks at."""

    def shown(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "process": self.process,
            "time": self.time,
            "level": self.level,
            "message": self.message,
            "kind": self.kind,
            "trace_id": self.trace_id,
            "fields": self.fields,
        }


@dataclass
class _File:
    tail: Tail
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    counts: dict[str, int] = field(default_factory=dict)


class Lines:
    """Reads what is appended to logs, when it is asked."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._number = 0

    def add(self, process: str, path: Path) -> None:
        self._files[process] = _File(Tail(path))

    def counts(self, process: str) -> Mapping[str, int]:
        """Sums of its metrics since it first started."""
        return self._files[process].counts if process in self._files else {}

    def read(self) -> None:
        """What is new in all files; one that was cut off is read from its beginning."""
        for process, file in self._files.items():
            for line in file.tail.lines():
                self._take(process, file, line)

    def found(
        self, text: str = "", *, process: str = "", level: str = "debug", kind: str = "", trace_id: str = ""
    ) -> dict[str, Any]:
        """The newest lines with all words of ``text``, of this level or above. ``more``: how many are not shown."""
        words, lowest = text.lower().split(), LEVELS.index(level) if level in LEVELS else 0
        matching = sorted(
            (
                line
                for line in self._lines(process)
                if LEVELS.index(line.level) >= lowest
                and (not kind or line.kind == kind)
                and (not trace_id or line.trace_id == trace_id)
                and all(word in line.text for word in words)
            ),
            key=lambda line: (line.time, line.number),
        )
        shown = matching[-MOST_SHOWN:]
        return {
            "lines": [line.shown() for line in shown],
            "more": len(matching) - len(shown),
            "read": self._number,
        }

    def slow_statements(self) -> list[dict[str, Any]]:
        """Statements that took longer than the declaration allows, the costliest first."""
        statements: dict[tuple[str, str], list[float]] = {}
        for line in self._lines(""):
            if line.kind == "slow_query":
                key = line.process, str(line.fields.get("statement", ""))
                statements.setdefault(key, []).append(float(line.fields.get("duration_ms", 0.0)))
        return [
            {"process": process, "statement": statement, "times": len(took), "most_ms": max(took), "all_ms": sum(took)}
            for (process, statement), took in sorted(statements.items(), key=lambda each: -sum(each[1]))
        ]

    def _lines(self, process: str) -> Iterator[Line]:
        for name, file in self._files.items():
            if not process or name == process:
                yield from file.lines

    def _take(self, process: str, file: _File, text: str) -> None:
        if not text.strip():
            return
        entry = _entry(text)
        if "_aws" in entry:
            for name in COUNTED:
                if isinstance(entry.get(name), int):
                    file.counts[name] = file.counts.get(name, 0) + entry[name]
            return
        self._number += 1
        level = str(entry.get("level", "info")).lower()
        file.lines.append(
            Line(
                number=self._number,
                process=process,
                time=_seconds(entry.get("time")),
                level=level if level in LEVELS else ("error" if level in ("critical", "fatal") else "info"),
                message=str(entry.get("message", text))[:LONGEST_LINE],
                kind=str(entry.get("event", "")),
                trace_id=str(entry.get("trace_id") or _of_correlation(entry.get("correlation_id"))),
                fields={name: value for name, value in entry.items() if name not in _SHOWN_APART},
                text=f"{process} {text[:LONGEST_LINE]}".lower(),
            )
        )


def _entry(text: str) -> dict[str, Any]:
    """A line's fields; none where it is plain text."""
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _seconds(written: object) -> float:
    """As the line says it was written; now, where it says nothing."""
    try:
        return datetime.fromisoformat(str(written).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return time.time()


def _of_correlation(correlation_id: object) -> str:
    """The trace that a request's id names (`groundplan_chassis.observe.tracing`)."""
    digits = str(correlation_id or "").replace("-", "").lower()
    return digits if len(digits) == 32 and all(digit in "0123456789abcdef" for digit in digits) else ""
