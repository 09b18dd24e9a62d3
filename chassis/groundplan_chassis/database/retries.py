"""Retries of transactions that PostgreSQL has undone, and their end."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Final

from groundplan_chassis.database import limits
from groundplan_chassis.database.failures import Away, describe
from groundplan_chassis.http.errors import Unavailable

FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.25
MOST_CONFLICTS: Final = 10
"""Repetitions of a transaction after conflicts. More contention than that needs another design."""

log = logging.getLogger(__name__)


class Retries:
    """The failures of one read or transaction so far. Pauses are exponential, with jitter."""

    def __init__(self) -> None:
        self.number = 0
        self._conflicts = 0
        self._since: float | None = None

    async def after_loss(self, away: Away) -> None:
        """Waits before the next try. Raises Unavailable when the place has been away for too long."""
        if self._since is None:
            self._since = away.since
        seconds = self._next_pause()
        if seconds >= self.left():
            raise Unavailable from away
        await asyncio.sleep(seconds)

    def left(self) -> float:
        """The seconds until tries end, and never less than none: all of them while nothing was lost yet."""
        if self._since is None:
            return limits.RETRY_SECONDS
        return max(0.0, self._since + limits.RETRY_SECONDS - time.monotonic())

    async def after_conflict(self, error: Exception) -> None:
        """Waits before the next try. Raises Unavailable when there were too many."""
        self._conflicts += 1
        if self._conflicts > MOST_CONFLICTS:
            log.warning("a transaction gave up after %d conflicts: %s", self._conflicts, describe(error))
            raise Unavailable("Too many changes at once") from error
        await asyncio.sleep(self._next_pause())

    def _next_pause(self) -> float:
        longest: float = min(FIRST_PAUSE_SECONDS * 2**self.number, LONGEST_PAUSE_SECONDS)
        self.number += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
