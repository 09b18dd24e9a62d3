"""One connection to one server, shared by all code of the process.

Commands issued in the same tick of the event loop leave in one write, and answers come back in order. hiredis builds
and parses the protocol; the batching is this file's. Measured on two shared cores, uvloop, 32 tasks that each wait for
one GET of 500 bytes at a time, in commands a second and CPU time a command of the whole client process:

    redis-py 8.1 (asyncio, hiredis)      11,000/s    89 µs
    redis-py, one pipeline a tick        40,000/s    23 µs
    valkey-glide 2.6                     23,000/s    56 µs
    coredis 6.9                           8,000/s   120 µs
    this                                122,000/s     4 µs

A request that costs some hundred microseconds asks the cache twice (rate limit and document), so that this is what lets
a process serve the thousands of requests a second that T3 wants.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar, cast

import hiredis
import msgspec

from groundplan_chassis.caching.packing import Prepared, pack
from groundplan_chassis.caching.replies import AWAY, Command, Reply
from groundplan_chassis.environment import Address

CONNECT_SECONDS: Final = 1.0
"""Time-out for TCP, TLS and login. Within a region a handshake takes some milliseconds, and Valkey's one thread may be
busy."""
ANSWER_SECONDS: Final = 0.05
"""A command without an answer for this time (twice as long at most) ends the connection. Valkey answers in less than a
millisecond, and a request that waits 100 ms for a cache is better served by the database (T1: 200 ms)."""
_GRACE_SECONDS: Final = 0.005
"""After a pause of this process its answers are still in the socket: they are read before the connection is dropped."""
MOST_UNSENT_BYTES: Final = 4 * 1024 * 1024
"""Bytes that may wait for the server to read; with more, nothing is sent. A burst of copies must not count as an
absence."""
MOST_WAITING: Final = 10_000
"""Commands without an answer; more are not sent. Far above what a healthy server ever lets wait."""

_MORE: Final = object()

OnError = Callable[["Connection", hiredis.ReplyError, "Pending"], None]


class LoginRefused(Exception):
    """The server knows no such user or password."""


class ServerRefused(Exception):
    """The server answers with an unexpected reply. The text is the server's; here it names no keys or values."""


class PendingCommand(msgspec.Struct, eq=False):
    """A command without an answer yet."""

    command: Command
    future: asyncio.Future[Reply]
    redirected: bool = False

    def words(self) -> Command:
        return self.command

    def answer(self, reply: Reply) -> None:
        if not self.future.done():
            self.future.set_result(reply)


Result = TypeVar("Result")


class _Open(Enum):
    OPEN = "open"


_OPEN: Final[Literal[_Open.OPEN]] = _Open.OPEN


class Question(msgspec.Struct, Generic[Result], eq=False):
    """A command of which only the key is new, and what its answer says, for which one caller waits, once.

    What is awaited once the answer is there needs no future: so the second of two that left together.
    """

    prepared: Prepared
    key: bytes
    command: Command | None = None
    """In the place of the prepared one."""
    redirected: bool = False
    _reply: Reply | Literal[_Open.OPEN] = _OPEN
    _waiter: asyncio.Future[None] | None = None

    def words(self) -> Command:
        return self.prepared.command(self.key) if self.command is None else self.command

    def answer(self, reply: Reply) -> None:
        self._reply = reply
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    @abstractmethod
    def result(self, reply: Reply) -> Result:
        """What the answer says; called once it is awaited."""

    def __await__(self) -> Generator[Any, None, Result]:
        if self._reply is _OPEN:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            yield from waiter
        assert self._reply is not _OPEN
        return self.result(self._reply)


Pending = PendingCommand | Question[Any]


class Connection(asyncio.Protocol):
    """Made by `connect`."""

    def __init__(self, on_error: OnError, answer_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_error = on_error
        self._answer_seconds = answer_seconds
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self._batch: list[bytes] = []
        self._waiting: deque[Pending] = deque()
        self._answered = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._paused = False
        self.reason = "closed by the server"
        """Why the connection has ended, once it has."""
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def ask(self, command: Command) -> asyncio.Future[Reply]:
        """Send a command, in one write with the others of this tick. The future never fails; its result may be AWAY."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        self.send(PendingCommand(command, future))
        return future

    def send(self, pending: Pending, packed: bytes | None = None) -> None:
        """``packed``: its words as bytes, where the caller has them (`groundplan_chassis.caching.packing`)."""
        if self._transport is None or self._paused or len(self._waiting) >= MOST_WAITING:
            pending.answer(AWAY)
            return
        batch = self._batch
        if not batch:
            self._loop.call_soon(self._flush)
        batch.append(pack(pending.words()) if packed is None else packed)
        self._waiting.append(pending)
        if self._deadline is None:
            self._start_deadline()

    def expect(self, on_error: OnError, answer_seconds: float) -> None:
        """From now on: the handler of errors, and the longest time for an answer."""
        self._on_error = on_error
        self._answer_seconds = answer_seconds
        self._cancel_deadline()

    def drop(self, reason: str) -> None:
        """End the connection at once; all pending commands get AWAY."""
        transport, self._transport = self._transport, None
        if transport is not None:
            self.reason = reason
            transport.abort()
            self._end()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if self._transport is not None:
            self._transport.write(batch[0] if len(batch) == 1 else b"".join(batch))

    def _start_deadline(self) -> None:
        expected = self._answered + len(self._waiting)
        self._deadline = self._loop.call_later(self._answer_seconds, self._check_deadline, expected, False)

    def _check_deadline(self, expected: int, again: bool) -> None:
        """Drops the connection unless all commands sent before the deadline started have been answered."""
        if not self._waiting:
            self._deadline = None
        elif self._answered >= expected:
            self._start_deadline()
        elif not again:
            self._deadline = self._loop.call_later(_GRACE_SECONDS, self._check_deadline, expected, True)
        else:
            self.drop(f"no answer for {self._answer_seconds:g} s")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MOST_UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _MORE:
                if not waiting:
                    self.drop("an answer without a command")
                    return
                pending = waiting.popleft()
                self._answered += 1
                if type(reply) is hiredis.ReplyError:
                    self._on_error(self, reply, pending)
                else:
                    pending.answer(reply)
        except hiredis.ProtocolError:
            self.drop("an answer that is not Valkey's protocol")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            if error is not None:
                self.reason = type(error).__name__
            self._end()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        self._cancel_deadline()
        for pending in self._waiting:
            pending.answer(AWAY)
        self._waiting.clear()
        self._batch.clear()
        if not self.ended.done():
            self.ended.set_result(None)


def _answer_with_error(connection: Connection, error: hiredis.ReplyError, pending: Pending) -> None:
    """During the handshake the error itself is the reply."""
    del connection
    pending.answer(cast(Any, error))


async def connect(
    address: Address,
    *,
    tls: ssl.SSLContext | None,
    server_name: str | None,
    user: str,
    password: str,
    client_name: str,
    on_error: OnError,
    answer_seconds: float = ANSWER_SECONDS,
) -> Connection:
    """Connect and log in.

    ``server_name`` is the name that the server's certificate must have; None: the address's host. Raises LoginRefused,
    ServerRefused, and OSError or TimeoutError without a server.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        _, connection = await loop.create_connection(
            lambda: Connection(_answer_with_error, CONNECT_SECONDS),
            address.host,
            address.port,
            ssl=tls,
            server_hostname=(server_name or address.host) if tls else None,
        )
        try:
            await _log_in(connection, user, password, client_name)
        except BaseException:
            connection.drop("not logged in")
            raise
    connection.expect(on_error, answer_seconds)
    return connection


async def _log_in(connection: Connection, user: str, password: str, client_name: str) -> None:
    answers = [
        connection.ask(("AUTH", user, password)),
        connection.ask(("CLIENT", "SETNAME", client_name)),
        # Refused while the server still loads its data, or must not answer at all.
        connection.ask(("PING",)),
    ]
    for answer in answers:
        reply: object = await answer
        if isinstance(reply, hiredis.ReplyError):
            text = str(reply)
            if text.startswith(("WRONGPASS", "NOAUTH", "ERR AUTH")):
                raise LoginRefused
            raise ServerRefused(text)
        if reply is AWAY:
            raise ConnectionResetError(connection.reason)
