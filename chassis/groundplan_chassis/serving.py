"""The HTTP server of a process: bounded, and with an end that loses no request.

Uvicorn on httptools, which has no bounds of its own for a request's head: neither for its size nor for its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Iterator
from typing import Any, Final

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from groundplan_chassis.health import App, Health, HealthEndpoints, Receive, Scope, Send
from groundplan_chassis.joined_writes import JoinedWrites
from groundplan_chassis.problems import Problem, ProblemsFound

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the load balancer keeps an idle connection (60 s, `groundplan_components.gateway.load_balancer`): else
it would send a request into a connection that is just being closed, and answer 502."""
DRAIN_SECONDS: Final = 30
"""For the requests that run when the process is told to stop; `drain_seconds` of
`groundplan_components.workload.workload`."""
HEAD_BYTES: Final = 64 * 1024
"""Of request line and headers: what the load balancer lets through (Application Load Balancers, quotas)."""
HEAD_SECONDS: Final = 10.0
"""For the whole head to arrive, once its first byte or the connection is there."""
MOST_IN_FLIGHT: Final = 1000
"""Requests that one process works on at a time. Beyond that each only makes all others late; the client is told to come
again, and the load balancer has other pods."""
BACKLOG: Final = 2048
"""Connections that wait to be accepted."""

log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ProblemsFound when the port can't be had."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ProblemsFound(
            "server",
            [
                Problem(
                    "PORT",
                    f"{port}, which can't be listened on at {host} ({error.strerror})",
                    "a port that is free",
                    "end the process that has it, or choose another PORT (locally)",
                )
            ],
        ) from None


class Server:
    """Serves an application, and the health endpoints before it, until it is stopped."""

    def __init__(self, app: App | None, health: Health, listener: socket.socket) -> None:
        """``app``: None for processes that answer health questions only."""
        self._app = app or _nothing_here
        self._health = HealthEndpoints(health)
        self._listener = listener
        self.port = int(listener.getsockname()[1])
        self._server = _Uvicorn(
            uvicorn.Config(
                self._front,
                loop="none",
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                # The gateway says who the client is, in a header that `groundplan_chassis.client_address` judges.
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )

    async def run(self) -> None:
        """Serves until `stop`; returns when the last request is answered, or DRAIN_SECONDS have passed."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Takes no new connections from now on. Called twice, it waits for nobody."""
        if self._server.should_exit:
            self._server.force_exit = True
        self._server.should_exit = True

    def _front(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: it is on the way of every request.
        if scope["type"] == "http":
            if scope["path"].startswith("/health/"):
                return self._health(scope, receive, send)
            if len(self._server.server_state.tasks) > MOST_IN_FLIGHT:
                return _overloaded(scope, receive, send)
        return self._app(scope, receive, send)


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's business: there is more to end than this server."""
        yield


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose client must say within bounds what it wants, and is refused in the error envelope."""

    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            if self._head_timer is not None:
                self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(431, "HEADERS_TOO_LARGE", f"The request's headers are larger than {HEAD_BYTES} bytes")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the protocol's words tell of nothing
        self._refuse(400, "BAD_REQUEST", "This is not a valid HTTP request")

    def _unsupported_upgrade_warning(self) -> None:
        """There is nothing to upgrade to: the request is answered as it is, and not worth a line of the log."""

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._in_head and not self.transport.is_closing():
            if self._head_bytes:
                self._refuse(408, "REQUEST_TIMEOUT", f"The request's headers did not arrive within {HEAD_SECONDS:g} s")
            else:
                self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answers below the application, which never hears of the request, and closes the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = _error(code, message)
            self.transport.write(
                b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
            )
        self.transport.close()


def _error(code: str, message: str) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "message": message, "details": []}})


async def _overloaded(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 503, _error("SERVICE_UNAVAILABLE", "Too much to do just now"), (b"retry-after", b"1"))


async def _nothing_here(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 404, _error("NOT_FOUND", "No such path"))


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    known: list[Any] = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": known})
    await send({"type": "http.response.body", "body": body})
