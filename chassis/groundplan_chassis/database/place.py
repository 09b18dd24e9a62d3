"""A place for statements: the primary of a shard, or its read replicas, through a pool of connections."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

import asyncpg

from groundplan_chassis.database import limits
from groundplan_chassis.database.failures import CONNECTION_LOST, Away, describe
from groundplan_chassis.database.login import Connection, Login
from groundplan_chassis.database.silence import Watch
from groundplan_chassis.environment import Address
from groundplan_chassis.http.errors import Unavailable
from groundplan_chassis.observe import tracing
from groundplan_chassis.observe.statements import one_line
from groundplan_chassis.secrets import SecretUnavailable

T = TypeVar("T")
if TYPE_CHECKING:
    Pooled: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    # Subscripts exist in the stubs only.
    Pooled = asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool
Question = Callable[[Pooled], Awaitable[T]]
"""Sends a statement on the given connection."""

log = logging.getLogger(__name__)


class StatementObserver(Protocol):
    """Called after each statement (`groundplan_chassis.observe.statements.StatementLog`)."""

    def finished(self, statement: str, started: float) -> None:
        """``started``: `time.perf_counter()` when it was sent. Arguments are not passed: they are users' data."""
        ...


@dataclass(slots=True)
class _Server:
    address: Address
    rests_until: float = 0.0
    rest: float = limits.REST_SECONDS


class Place:
    """Equivalent servers, and this process's connections to them.

    New connections take turns over the servers. One that refuses is left alone for a moment, so that callers are told
    at once instead of each waiting for it.
    """

    def __init__(
        self, name: str, addresses: Sequence[Address], login: Login, most: int, statements: StatementObserver
    ) -> None:
        """``most``: connections, to all servers together."""
        self.name = name
        self._servers = [_Server(address) for address in addresses]
        self._login = login
        self._statements = statements
        self._turn = 0
        self._last_failure = ""
        self._watch = Watch(login.probe, self._silent)
        self._pool: Pool = asyncpg.create_pool(
            min_size=0,
            max_size=most,
            max_inactive_connection_lifetime=limits.IDLE_SECONDS,
            # The stubs ask for asyncpg's own function.
            connect=cast(Any, self._connect),
            reset=cast(Any, _refuse_open_transaction),
        )
        self._most = most

    async def open(self, connections: int = 1) -> None:
        """Opens some connections in advance. Raises Away; the place is usable later all the same."""
        await self._pool
        taken: list[Pooled] = []
        try:
            for _ in range(min(connections, self._most)):
                taken.append(await self.acquire())
        finally:
            for connection in taken:
                await self.release(connection)

    async def close(self) -> None:
        """Waits for statements that run, a moment at most, and closes all connections."""
        try:
            async with asyncio.timeout(limits.COMMAND_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        finally:
            await self._watch.close()

    async def acquire(self, within: float = limits.ACQUIRE_SECONDS) -> Pooled:
        """A connection, to be released. ``within``: seconds, and never longer than by default. Raises Away."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(min(within, limits.ACQUIRE_SECONDS)):
                return await self._pool.acquire()
        except TimeoutError:
            waited = time.monotonic() - begun
            raise Away(self.name, f"no connection was free for {waited:.1f} s", begun) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, SecretUnavailable, *CONNECTION_LOST) as error:
            raise Away(self.name, describe(error), begun) from error

    async def release(self, connection: Pooled) -> None:
        if not is_gone(connection) and asyncio.get_running_loop().time() > _replaced_at(connection):
            await connection.close(timeout=limits.CONNECT_SECONDS)
        try:
            await self._pool.release(connection, timeout=limits.CONNECT_SECONDS)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, *CONNECTION_LOST) as error:
            # asyncpg has closed it. What was asked of it is done, or has failed for a reason of its own.
            log.info("a connection to the %s was closed on its return: %s", self.name, describe(error))

    async def run(self, connection: Pooled, statement: str, running: Awaitable[T]) -> T:
        """Runs a statement on a connection of this place and reports its duration.

        Raises Away when the connection was lost or its server is silent, Unavailable when the server answers others
        and not this statement, and all else PostgreSQL says as asyncpg has it.
        """
        begun, started = time.monotonic(), time.perf_counter()
        if (address := _address(connection)) is not None:
            self._watch.sent(connection, address)
        answered = False
        try:
            if not tracing.enabled():
                result = await running
            else:
                attributes = {"db.system.name": "postgresql", "db.query.text": one_line(statement)}
                with tracing.span(statement.split(None, 1)[0], "client", attributes):
                    result = await running
            answered = True
            return result
        except CONNECTION_LOST as error:
            if self._watch.over(connection, answered=False):
                raise Away(self.name, "the server is silent", begun) from error
            if isinstance(error, TimeoutError) and error.errno is None:
                await self._distrust(connection)
                raise Unavailable("The database took too long") from error
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                await self._distrust(connection)
            raise Away(self.name, describe(error)) from error
        except asyncpg.InterfaceError as error:
            if self._watch.over(connection, answered=False):
                raise Away(self.name, "the server is silent", begun) from error
            if is_gone(connection):
                raise Away(self.name, describe(error)) from error
            raise
        except asyncpg.PostgresError:
            answered = True
            raise
        finally:
            self._watch.over(connection, answered=answered)
            self._statements.finished(statement, started)

    async def ask(self, statement: str, question: Question[T], within: float = limits.ACQUIRE_SECONDS) -> T:
        """One statement by itself. ``within``: seconds for a connection. Raises Away and what `run` raises."""
        connection = await self.acquire(within)
        try:
            return await self.run(connection, statement, question(connection))
        finally:
            await self.release(connection)

    async def ping(self) -> None:
        """Raises Away or Unavailable unless a statement can be run."""
        await self.ask("SELECT 1", lambda connection: connection.fetchval("SELECT 1"))

    async def _distrust(self, connection: Pooled) -> None:
        """After a silent server, or one that is no longer the primary: this connection ends, the others are
        replaced."""
        if not is_gone(connection):
            connection.terminate()
        await self._pool.expire_connections()

    async def _silent(self, address: Address) -> None:
        for server in self._servers:
            if server.address == address:
                self._failed(server, TimeoutError())
        await self._pool.expire_connections()

    async def _connect(self, *_: object, **__: object) -> Connection:
        """The pool's factory: a connection to the next server that answers."""
        now = asyncio.get_running_loop().time()
        failure: BaseException | None = None
        for _turn in range(len(self._servers)):
            self._turn = (self._turn + 1) % len(self._servers)
            server = self._servers[self._turn]
            if server.rests_until > now:
                continue
            try:
                connection = await self._login.connect(server.address)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, SecretUnavailable, *CONNECTION_LOST) as error:
                self._failed(server, error)
                failure = error
            else:
                self._answered(server)
                return connection
        raise failure or ConnectionError(self._last_failure)

    def _failed(self, server: _Server, error: BaseException) -> None:
        if server.rest == limits.REST_SECONDS:
            log.warning(
                "the %s at %s can't be reached: %s",
                self.name,
                server.address,
                error if isinstance(error, SecretUnavailable) else describe(error),
            )
        self._last_failure = describe(error)
        server.rests_until = asyncio.get_running_loop().time() + server.rest
        server.rest = min(server.rest * 2, limits.LONGEST_REST_SECONDS)

    def _answered(self, server: _Server) -> None:
        if server.rest != limits.REST_SECONDS:
            log.info("the %s at %s answers again", self.name, server.address)
        server.rest = limits.REST_SECONDS


def is_gone(connection: Pooled) -> bool:
    """The connection is closed. One that the server ended has left its proxy, which then refuses to say anything."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def _address(connection: Pooled) -> Address | None:
    """None for a connection that is gone: its proxy knows nothing any more."""
    try:
        return cast(Connection, connection).address
    except (AttributeError, asyncpg.InterfaceError):
        return None


def _replaced_at(connection: Pooled) -> float:
    # The pool's proxy passes on what it doesn't know itself.
    return cast(Connection, connection).replaced_at


async def _refuse_open_transaction(connection: Pooled) -> None:
    """In place of asyncpg's reset, a statement for each release: sessions have no state here that could be left over.

    A connection in a transaction would be: asyncpg closes it when this raises.
    """
    if connection.is_in_transaction():
        raise asyncpg.InterfaceError("a transaction was left open")
