"""The HTTP server of a process: bounded, and with an end that loses no request."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Awaitable, Iterator
from typing import Any, Final

import uvicorn

from chassis.connection import BoundedProtocol, error_body
from chassis.health import App, Health, HealthEndpoints, Receive, Scope, Send
from chassis.problems import Problem, ProblemsFound

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the load balancer keeps an idle connection (60 s, `components/load_balancer.py`): else it would send a
request into a connection that is just being closed, and answer 502."""
DRAIN_SECONDS: Final = 30
"""For the requests that run when the process is told to stop; `drain_seconds` of `components/workload.py`."""
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
                # The gateway says who the client is, in a header that `chassis.client_address` judges.
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


async def _overloaded(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 503, error_body("SERVICE_UNAVAILABLE", "Too much to do just now"), (b"retry-after", b"1"))


async def _nothing_here(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 404, error_body("NOT_FOUND", "No such path"))


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    known: list[Any] = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": known})
    await send({"type": "http.response.body", "body": body})
