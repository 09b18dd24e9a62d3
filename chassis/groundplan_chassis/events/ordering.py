"""Sorts and deduplicates events of a log in bounded memory: SQLite sorts them in a temporary file."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from groundplan_chassis.events.event import Event

_TABLE: Final = """
CREATE TABLE log (
    event_id BLOB PRIMARY KEY,
    aggregate_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    occurred_at REAL NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID
"""
# By time, as far as that agrees with the versions of each aggregate: clocks of two pods may not.
_ORDERED: Final = """
SELECT name, body FROM (
    SELECT name, body, aggregate_id, version, event_id, max(occurred_at) OVER (
        PARTITION BY aggregate_id ORDER BY version, occurred_at ROWS UNBOUNDED PRECEDING
    ) AS moment
    FROM log
)
ORDER BY moment, aggregate_id, version, event_id
"""


class OrderedEvents:
    """Takes events in any order. Use it with ``async with``, which deletes its file."""

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="replay-")
        # One thread at a time uses it: every call below waits for the one before.
        self._database = sqlite3.connect(
            Path(self._folder.name) / "events.sqlite", check_same_thread=False, isolation_level=None
        )
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", _TABLE):
            self._database.execute(statement)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    async def add(self, events: Sequence[tuple[str, Event, bytes]]) -> int:
        """Name, event, and the message as it was; returns how many were new."""
        rows = [
            (
                event.event_id.bytes,
                event.aggregate_id.bytes,
                event.version,
                event.occurred_at.timestamp(),
                name,
                body,
            )
            for name, event, body in events
        ]
        return await asyncio.to_thread(self._add, rows)

    async def batches(self, size: int) -> AsyncIterator[list[tuple[str, bytes]]]:
        """Names and messages, those of one aggregate in the order of its versions."""
        cursor = await asyncio.to_thread(self._database.execute, _ORDERED)
        while batch := await asyncio.to_thread(cursor.fetchmany, size):
            yield batch

    def _add(self, rows: list[tuple[bytes, bytes, int, float, str, bytes]]) -> int:
        before = self._database.total_changes
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")
        return self._database.total_changes - before
