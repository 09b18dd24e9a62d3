"""The HTTP server of a process: with limits, and a shutdown that loses no request."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Awaitable, Iterator
from typing import Any, Final

import uvicorn

from groundplan_chassis.connection import BoundedProtocol
from groundplan_chassis.exchange import error_body
from groundplan_chassis.health import App, Health, HealthEndpoints, Receive, Scope, Send
from groundplan_chassis.problems import Problem, ProblemsFound

KEEP_ALIVE_SECONDS: Final = 75
"""Idle time-out of connections: longer than the load balancer's (60 s, `groundplan_components.gateway.load_balancer`);
otherwise it would send requests into closing connections and respond with 502."""
DRAIN_SECONDS: Final = 30
"""Time for requests in work after the stop signal; `drain_seconds` of `groundplan_components.workload.workload`."""
MOST_IN_FLIGHT: Final = 1000
"""Most concurrent requests of one process. More would delay all others; clients are asked to retry, and the load
balancer has other pods."""
BACKLOG: Final = 2048
"""Backlog of connections."""

log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ProblemsFound when the port is unavailable."""
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
    """Serves an application, and the health endpoints before it, until `stop`."""

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
                # The gateway says who the client is, in a header that `groundplan_chassis.client_address` checks.
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
        """Takes no new connections from now on. A second call does not wait for open ones."""
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
        app = self._app
        return app(scope, receive, send)


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled by `groundplan_chassis.process`: there is more to end than this server."""
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
