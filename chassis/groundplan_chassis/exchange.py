"""A request and its response: what an application gets as `receive` and `send` (ASGI 2.3).

The head leaves together with the first part of the body, in one write: ASGI wants it to wait for that anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from groundplan_chassis.response import Block, Head, whole

if TYPE_CHECKING:
    from groundplan_chassis.connection import BoundedProtocol

_JOINED: Final = 64 * 1024
"""Largest part of a body that is copied to leave with the head."""

log = logging.getLogger(__name__)


def error_body(code: str, message: str) -> bytes:
    """The error envelope."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "details": []}})


def exchange_of(send: Callable[..., Awaitable[None]]) -> Exchange | None:
    """The exchange that an application's `send` belongs to; None for another server's, and for one that is wrapped."""
    found = getattr(send, "__self__", None)
    return found if type(found) is Exchange else None


class ClientTooSlow(Exception):
    """The client has not taken the response in its time: the connection ends, and nothing has failed here."""


class Exchange(msgspec.Struct, eq=False):
    """One request on a connection, from its head to the end of its response."""

    _connection: BoundedProtocol
    scope: dict[str, Any]
    keep_alive: bool
    waits_to_continue: bool
    """The client sends the body once it is told to."""
    started: bool = False
    """The response's head has left."""
    complete: bool = False
    """All of the response has left."""
    disconnected: bool = False
    _start: tuple[int, Iterable[tuple[bytes, bytes]]] | None = None
    """Status and headers, before the head has left."""
    _head: Head | None = None
    _body: bytearray | bytes = b""
    """What has arrived and was not received yet."""
    _more: bool = True
    _news: bool = False
    """There is something to receive."""
    _arrived: asyncio.Event | None = None

    async def run(self, app: Callable[..., Awaitable[None]]) -> None:
        """Has the request answered. The client gets a whole response or a broken connection, also of an application
        that fails."""
        connection = self._connection
        try:
            await app(self.scope, self.receive, self.send)
            if not self.complete and not self.disconnected:
                log.error("the application has ended without a whole response")
                self._fail()
        except ClientTooSlow:
            self._fail()
        except (Exception, asyncio.CancelledError) as error:
            log.error("the application has failed: %s", type(error).__name__, exc_info=error)
            self._fail()
        finally:
            connection.forget()

    async def receive(self) -> MutableMapping[str, Any]:
        connection = self._connection
        if self.waits_to_continue and not self.complete:
            self.waits_to_continue = False
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self._news and not self.disconnected and not self.complete:
            connection.resume_reading()
            if self._arrived is None:
                self._arrived = asyncio.Event()
            self._arrived.clear()
            await self._arrived.wait()
        self._news = False
        if self.disconnected or self.complete:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": self._more}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        connection = self._connection
        if connection.unwritable is not None and not self.disconnected:
            await connection.unwritable.wait()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and self._start is None and not self.complete:
            self.waits_to_continue = False
            self._start = message["status"], message.get("headers", ())
        elif kind == "http.response.body" and self._start is not None and not self.complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} is no next message of this response")

    def respond(self, status: int, block: Block, own: bytes, body: bytes, *, closes: bool = False) -> bool:
        """Sends a response at once: what `send` does in two messages, with headers that are written already.

        ``own``: its own headers, as `groundplan_chassis.response.written` makes them; ``closes``: the connection ends
        after it. False: nothing was sent, and `send` has to, as the client is slow, or gone, or asked for no body.
        """
        connection = self._connection
        if (
            self.complete
            or self._start is not None
            or self.disconnected
            or connection.unwritable is not None
            or self.scope["method"] == "HEAD"
        ):
            return False
        closes = closes or not self.keep_alive
        content = whole(status, block, own, body, connection.defaults(), closes=closes)
        # From here on nothing else of it is read: so much to set costs more than the rest of this method.
        self.complete = True
        connection.write(content)
        if self._arrived is not None:
            self._arrived.set()
        if closes:
            self.keep_alive = False
            connection.close()
        connection.response_complete()
        return True

    def feed(self, body: bytes) -> int:
        """A part of the body has arrived. Returns the bytes that were not received yet."""
        if not self._body:
            self._body = body
        else:
            if not isinstance(self._body, bytearray):
                self._body = bytearray(self._body)
            self._body += body
        self._notify()
        return len(self._body)

    def end(self) -> None:
        """The whole body has arrived."""
        self._more = False
        self._notify()

    def disconnect(self) -> None:
        """The client has gone, or gets no response of the application any more."""
        if not self.complete:
            self.disconnected = True
        self.waits_to_continue = False
        self._notify()

    def _notify(self) -> None:
        self._news = True
        if self._arrived is not None:
            self._arrived.set()

    def _write(self, body: bytes, *, more: bool) -> None:
        connection = self._connection
        head = self._head
        first = b""
        has_body = self.scope["method"] != "HEAD"
        if not has_body:
            body = b""
        if head is None:
            assert self._start is not None
            head = self._head = Head(
                *self._start,
                connection.defaults(),
                has_body=has_body,
                old=self.scope["http_version"] == "1.0",
                closes=not self.keep_alive,
            )
            if head.closes:
                self.keep_alive = False
            first = head.content
            self.started = True
        if head.chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        elif head.left is not None:
            head.left -= len(body)
            if head.left < 0 or (head.left and not more):
                if first:
                    self.started, self._head = False, None
                raise RuntimeError("The response's body is not as long as its Content-Length says")
        if not first or len(body) > _JOINED:
            if first:
                connection.write(first)
            if body:
                connection.write(body)
        else:
            connection.write(first + body if body else first)
        if not more:
            self.complete = True
            self._notify()
            if not self.keep_alive:
                connection.close()
            connection.response_complete()

    def _fail(self) -> None:
        if self.disconnected:
            return
        if self.started or self.complete:
            self._connection.close()
            return
        body = error_body("INTERNAL_ERROR", "Something went wrong")
        self._head = None
        self._start = (
            500,
            [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                (b"connection", b"close"),
            ],
        )
        self._write(body, more=False)
