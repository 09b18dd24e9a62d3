"""Retries: without a limit while the database is unavailable, a few times when the event itself fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from groundplan_chassis.backoff import Backoff, pause
from groundplan_chassis.events import limits
from groundplan_chassis.events.errors import Postponed, Refused, Stopped
from groundplan_chassis.http.errors import ApiError, Unavailable

if TYPE_CHECKING:
    from groundplan_chassis.database.database import Database

T = TypeVar("T")
log = logging.getLogger(__name__)


class Tries:
    """Does work that changes one shard's database, for one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._away: set[int] = set()

    async def until_done(
        self, work: Callable[[], Awaitable[T]], shard: int, stop: asyncio.Event, most: int = limits.MOST_TRIES
    ) -> T:
        """Runs the work until it succeeds.

        Raises Refused as soon as the work does, or once it has failed ``most`` times while the database was there;
        Stopped when ``stop`` is set before either.
        """
        failures = 0
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_PAUSE_SECONDS)
        while not stop.is_set():
            try:
                async with asyncio.timeout(limits.HANDLING_SECONDS):
                    return await work()
            except Refused:
                raise
            except Postponed as error:
                log.warning("an event waits: %s", error, extra={"error": "Postponed"})
                await self._wait(stop)
                continue
            except Exception as error:
                if isinstance(error, (Unavailable, TimeoutError)) and await self._absent(shard, stop):
                    continue
                failures += 1
                if failures >= most:
                    raise Refused(f"failed {failures} times, at last by {named(error)}") from error
                log.warning(
                    "an event could not be handled and is tried again: %s",
                    type(error).__name__,
                    extra={"error": type(error).__name__, "tries": failures},
                    exc_info=None if isinstance(error, ApiError) else error,
                )
            await pause(between.next(), stop)
        raise Stopped

    async def _absent(self, shard: int, stop: asyncio.Event) -> bool:
        """Whether the shard's database is away; if so, returns when it is back or the process is to end."""
        between = Backoff(limits.FIRST_PAUSE_SECONDS, limits.LONGEST_ABSENCE_PAUSE_SECONDS)
        absent = False
        while not stop.is_set():
            try:
                await self._database.fetchval("SELECT 1", shard=shard, fresh=True)
            except Unavailable:
                absent = True
                if shard not in self._away:
                    self._away.add(shard)
                    log.warning("shard %d is away: events wait", shard, extra={"error": "Unavailable"})
            else:
                if shard in self._away:
                    self._away.discard(shard)
                    log.info("shard %d is back: events go on", shard)
                return absent
            await pause(between.next(), stop)
        return absent

    async def _wait(self, stop: asyncio.Event) -> None:
        await pause(Backoff(limits.LONGEST_PAUSE_SECONDS, limits.LONGEST_PAUSE_SECONDS).next(), stop)


def named(error: BaseException) -> str:
    """An error without what it quotes: messages of databases and decoders may hold personal data."""
    if isinstance(error, ApiError):
        details = getattr(error, "details", None) or ()
        fields = ", ".join(str(detail.field) for detail in details)
        return f"{type(error).__name__}: {error.message}" + (f" ({fields})" if fields else "")
    code = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} ({code})" if code else type(error).__name__
