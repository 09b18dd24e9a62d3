"""The way to one server, kept open: as long as it is down, questions are answered AWAY at once.

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
from collections.abc import Callable
from typing import Final

from chassis.caching.connection import Connection, LoginRefused, OnError, ServerRefused, connect
from chassis.caching.login import Logins
from chassis.caching.replies import AWAY, Command, Reply
from chassis.environment import Address
from chassis.secrets import SecretUnavailable

FIRST_PAUSE_SECONDS: Final = 0.05
"""Between attempts to connect, doubled with each."""
LONGEST_PAUSE_SECONDS: Final = 2.0
"""So long after a server is back everybody uses it again. All pods together may ask that often."""

log = logging.getLogger(__name__)


class Link:
    """Open it with `start`, in the event loop that uses it."""

    def __init__(
        self,
        address: Address,
        logins: Logins,
        *,
        tls: ssl.SSLContext | None,
        server_name: str | None,
        client_name: str,
        on_error: OnError,
        on_change: Callable[[Link], None],
        answer_seconds: float,
    ) -> None:
        """``on_change`` is called whenever the link is up or down again."""
        self.address = address
        self._logins = logins
        self._tls = tls
        self._server_name = server_name
        self._client_name = client_name
        self._on_error = on_error
        self._on_change = on_change
        self._answer_seconds = answer_seconds
        self._loop = asyncio.get_running_loop()
        self.connection: Connection | None = None
        """None while the server is away."""
        self._attempted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_since = time.monotonic()
        self._told = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"cache {self.address}")

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
        """Send a command now; AWAY when there is no answer."""
        if self.connection is not None:
            return self.connection.ask(command)
        future: asyncio.Future[Reply] = self._loop.create_future()
        future.set_result(AWAY)
        return future

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        fresh = False
        while True:
            try:
                connection = await self._connect(fresh)
            except LoginRefused:
                # A password that has just been rotated is worth one try at once; after that it is like any failure.
                if not fresh:
                    fresh = True
                    continue
                self._tell("user or password refused")
            except SecretUnavailable as error:
                self._tell(str(error))
            except ServerRefused as error:
                self._tell(str(error))
            except (OSError, TimeoutError) as error:
                # TLS errors are OSErrors; their text says what is wrong with a certificate, and names no secret.
                self._tell(f"{type(error).__name__}: {error}" if isinstance(error, ssl.SSLError) else _plain(error))
            else:
                pause, fresh = FIRST_PAUSE_SECONDS, False
                await self._hold(connection)
                continue
            finally:
                self._attempted.set()
            # Not all pods in the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _connect(self, fresh: bool) -> Connection:
        login = await self._logins.current(fresh=fresh)
        return await connect(
            self.address,
            tls=self._tls,
            server_name=self._server_name,
            user=login.user,
            password=login.password,
            client_name=self._client_name,
            on_error=self._on_error,
            answer_seconds=self._answer_seconds,
        )

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
        self._tell(connection.reason)
        self._on_change(self)

    def _tell(self, reason: str) -> None:
        """Once for each reason, however often it is tried."""
        if reason != self._told:
            self._told = reason
            log.warning("the cache %s is away: %s", self.address, reason, extra={"event": "cache_away"})


def _plain(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not isinstance(error, OSError):
        return "no answer to the connection"
    text = getattr(error, "strerror", None)
    return text or type(error).__name__
