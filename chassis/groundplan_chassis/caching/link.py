"""A connection to one server that is reopened after each loss; while it is down, commands get AWAY at once.

That is the circuit breaker: the circuit is closed while there is a connection that answers, and a new one counts only
after a login and a PING. A server that hangs costs ANSWER_SECONDS once, then nothing until it answers again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Final

from groundplan_chassis.caching.connection import Connection, LoginRefused, ServerRefused
from groundplan_chassis.caching.replies import AWAY, Command, Reply
from groundplan_chassis.environment import Address
from groundplan_chassis.secrets import SecretUnavailable

FIRST_PAUSE_SECONDS: Final = 0.05
"""Between attempts to connect, doubled with each."""
LONGEST_PAUSE_SECONDS: Final = 2.0
"""Longest time until all processes use a server that is back. All pods together may try this often."""

Connect = Callable[[Address], Awaitable[Connection]]
"""Makes a connection that is logged in, or raises one of UNREACHABLE."""
UNREACHABLE: Final = (OSError, TimeoutError, LoginRefused, ServerRefused, SecretUnavailable)

log = logging.getLogger(__name__)


class Link:
    """Open it with `start`, in the event loop that uses it."""

    def __init__(self, address: Address, connect: Connect, on_change: Callable[[Link], None]) -> None:
        """``on_change`` is called whenever the link is up or down again."""
        self.address = address
        self._connect = connect
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self.connection: Connection | None = None
        """None while the server is away."""
        self._attempted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_since = time.monotonic()
        self._told = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._maintain(), name=f"cache {self.address}")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def retire(self) -> None:
        """As `close`, without waiting for it."""
        if self._task is not None:
            self._task.cancel()

    async def attempted(self) -> None:
        """Returns once the first attempt to connect has ended, well or not."""
        await self._attempted.wait()

    def ask(self, command: Command) -> asyncio.Future[Reply]:
        """Send a command now; the result is AWAY without an answer."""
        if self.connection is not None:
            return self.connection.ask(command)
        future: asyncio.Future[Reply] = self._loop.create_future()
        future.set_result(AWAY)
        return future

    async def _maintain(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection = await self._connect(self.address)
                pause = FIRST_PAUSE_SECONDS
                await self._hold(connection)
                continue
            except UNREACHABLE as error:
                self._report(reason_of(error))
            except Exception as error:
                # A mistake of the program: the link goes on, or there would be no cache for the process's whole life.
                self._report(f"an unexpected {type(error).__name__}", error)
            finally:
                self._attempted.set()
            # Not all pods in the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _hold(self, connection: Connection) -> None:
        """Until the connection ends."""
        if self._told:
            log.info("the cache %s is back after %.1f s", self.address, time.monotonic() - self._away_since)
            self._told = ""
        self.connection = connection
        self._attempted.set()
        self._on_change(self)
        try:
            await asyncio.shield(connection.ended)
        finally:
            self.connection = None
            self._away_since = time.monotonic()
            connection.drop("not needed any more")
        self._report(connection.reason)
        self._on_change(self)

    def _report(self, reason: str, error: Exception | None = None) -> None:
        """Logs each reason once, for any number of attempts; ``error``: what the log shows the stack of."""
        if reason != self._told:
            self._told = reason
            log.warning("the cache %s is away: %s", self.address, reason, extra={"event": "cache_away"}, exc_info=error)


def reason_of(error: BaseException) -> str:
    """The reason for the log. A certificate's error text is included; it holds no secret."""
    if isinstance(error, LoginRefused):
        return "user or password refused"
    if isinstance(error, ssl.SSLError | ServerRefused | SecretUnavailable):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer to the connection"
    return getattr(error, "strerror", None) or type(error).__name__
