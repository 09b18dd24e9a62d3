"""One connection of the HTTP server: message framing, and refusals before the application gets a request.

A protocol of its own on httptools' parser (docs/adr/0023-http-protocol.md), for uvicorn's server, which listens and
drains. httptools has no bounds for a request's head, and lets pass what two parsers can read in two ways. Three rules
hold here (RFC 9112, sections 6 and 11.2):

1. A request whose end is ambiguous is answered 400, and the connection ends.
2. Nothing that follows such a request, or a last one, is read as a request.
3. `Upgrade` is ignored (RFC 9110, section 7.8): the body ends where Content-Length or the chunks say.

`chassis/tests/http/test_framing.py` compares it with a second parser over generated streams of bytes.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections import deque
from typing import Any, Final, NoReturn, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from groundplan_chassis.exchange import Exchange, error_body
from groundplan_chassis.response import Defaults

HEAD_BYTES: Final = 64 * 1024
"""Largest request line and headers: those that the load balancer accepts (Application Load Balancers, quotas)."""
TARGET_BYTES: Final = 16 * 1024
"""Largest request target: the load balancer's quota for a request line."""
HEAD_SECONDS: Final = 10.0
"""Time for the whole head to arrive, once its first byte or the connection is there."""
UNRECEIVED_BYTES: Final = 64 * 1024
"""Bytes of a body that wait for the application; with more, the client has to wait."""
UNREAD_BYTES: Final = 1024 * 1024
"""Bytes of a body after the response: they are skipped to keep the connection; with more it is closed."""
LINGER_SECONDS: Final = 1.0
"""Time for which bytes after the response are discarded before the connection closes."""
TAKING_SECONDS: Final = 30.0
"""Time in which a client takes enough of what was written that more may be, or all of the last response; then the
connection is broken. The gateway has given up by then."""
MOST_PIPELINED: Final = 100
"""Requests of one connection that wait for the response to one before them. A segment could bring thousands, of some
kilobytes each; clients that send ahead at all do so with a few."""
CHUNK_OVERHEAD: Final = 16
"""Bytes of chunk sizes, extensions and trailers for each byte of content, beyond the first HEAD_BYTES of them."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"host", b"expect"})
_ORIGIN_FORM: Final = bytes(range(0x21, 0x7F)).replace(b"#", b"")
"""Characters of a target that is a path and a query alone."""
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_TIMER_SECONDS: Final = 0.01
"""What timers may be early by: the event loop's clock counts milliseconds."""


class BoundedProtocol(asyncio.Protocol):
    """A connection with limits in time and bytes for each request; violations get the error envelope.

    As uvicorn's own protocols it reads and writes what its server shares: connections, tasks, default headers.
    """

    # An instance's dictionary of more than thirty is looked up in for each access (docs/adr/0023-http-protocol.md).
    __slots__ = (
        "_app",
        "_app_state",
        "_body_bytes",
        "_chunked",
        "_closing",
        "_defaults",
        "_done",
        "_ended",
        "_exchange",
        "_fault",
        "_fed",
        "_has_host",
        "_head_bytes",
        "_head_timer",
        "_headers",
        "_idle_since",
        "_idle_timer",
        "_in_body",
        "_in_head",
        "_keep_alive_seconds",
        "_length",
        "_linger_timer",
        "_overhead",
        "_parser",
        "_pending_refusal",
        "_reading_paused",
        "_refused",
        "_running",
        "_scopes",
        "_skips_head",
        "_state",
        "_taking_timer",
        "_unread",
        "_url",
        "_waits_to_continue",
        "loop",
        "pipeline",
        "transport",
        "unwritable",
    )

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.loop = _loop or asyncio.get_event_loop()
        self.pipeline: deque[Exchange] = deque()
        """Requests that wait for the response to one before them."""
        self._app = config.loaded_app
        self._keep_alive_seconds = config.timeout_keep_alive
        self._state = server_state
        self._app_state = app_state
        self._defaults = Defaults()
        self._parser = httptools.HttpRequestParser(self)
        # A last request may be answered before what follows it is refused.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = True
        self._in_body = False
        self._done = False
        """All further bytes are ignored."""
        self._refused = False
        self._closing = False
        self._ended = False
        """A request ended in the segment that is being read."""
        self._skips_head = False
        """The parser is between an upgrade's head and the head that stands for it, see `_feed`."""
        self._head_bytes = 0
        self._fed = 0
        """Bytes of all segments that hold a part of the head."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._taking_timer: asyncio.TimerHandle | None = None
        self._linger_timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None
        """By the event loop's clock; None while a request is read or answered."""
        self._idle_timer: asyncio.TimerHandle | None = None
        self._body_bytes = 0
        self._overhead = 0
        self._unread = 0
        self._length: bytes | None = None
        self._chunked = False
        self._has_host = False
        self._waits_to_continue = False
        self._fault: tuple[int, str, str] | None = None
        self._pending_refusal: bytes | None = None
        """Waits for the responses to the requests before it."""
        self._reading_paused = False
        self._exchange: Exchange | None = None
        """Of the newest request; it may wait for others."""
        self._running: Exchange | None = None
        self.unwritable: asyncio.Event | None = None
        """Set once the client has taken enough of what was written; None: there is nothing to wait for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._scopes: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.1",
            "server": _address(transport.get_extra_info("sockname")),
            "client": _address(transport.get_extra_info("peername")),
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "method": "GET",
            "root_path": "",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": [],
        }
        """What the scopes of all its requests have in common, and places for the rest."""
        self._state.connections.add(self)  # type: ignore[arg-type]  # its own protocols are listed by name
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's own name
        self._done = self._closing = True
        self._state.connections.discard(self)
        self._stop_timer()
        self._stop_taking()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        self._forget_idleness()
        for exchange in (self._running, self._exchange):
            if exchange is not None:
                exchange.disconnect()
        self.resume_writing()
        # They hold this object, and this object holds them.
        self._exchange = self._running = None
        self.pipeline.clear()
        del self._parser

    def data_received(self, data: bytes) -> None:
        if self._done or self._closing:
            return
        self._ended = False
        self._fed += len(data)
        in_body, content = self._in_body, self._body_bytes
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._done:
                self._refuse(*(self._fault or (400, "BAD_REQUEST", "This is not a valid HTTP request")))
            return
        if self._in_head:
            # The head's part of a segment that also ended a request is not known, and is not counted.
            self._head_bytes = 0 if self._ended else self._head_bytes + len(data)
            if self._ended:
                self._fed = len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, "HEADERS_TOO_LARGE", f"The request's headers are larger than {HEAD_BYTES} bytes")
            elif self._head_timer is None:
                self._start_timer()
            return
        self._head_bytes = self._fed = 0
        if self._head_timer is not None:
            self._stop_timer()
        if in_body and self._in_body and not self._ended:
            self._overhead += len(data) - (self._body_bytes - content)
            if self._overhead > HEAD_BYTES + CHUNK_OVERHEAD * self._body_bytes:
                self._refuse(400, "BAD_REQUEST", "The body's chunks carry more extensions and trailers than content")

    def pause_writing(self) -> None:
        if self.unwritable is None:
            self.unwritable = asyncio.Event()
            self._expect_taking()

    def resume_writing(self) -> None:
        if self.unwritable is not None:
            self.unwritable.set()
            self.unwritable = None
        if not self._closing:
            self._stop_taking()

    def shutdown(self) -> None:
        """The server stops: what is in work is answered, and then the connection ends."""
        if self._exchange is None or self._exchange.complete:
            self.close()
        else:
            self._exchange.keep_alive = False

    # What exchanges ask for.

    def write(self, data: bytes) -> None:
        if not self._closing:
            self.transport.write(data)

    def close(self) -> None:
        """Closes in two steps while the client may be sending: otherwise TCP's reset could overtake the response."""
        if self._closing:
            return
        self._closing = True
        self.pipeline.clear()
        self._expect_taking()
        if self._may_be_sending() and not self.transport.is_closing():
            self.transport.write_eof()
            self.resume_reading()
            self._linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def resume_reading(self) -> None:
        # Requests that wait already are enough, however many the client would send.
        if self._reading_paused and not self.pipeline:
            self._reading_paused = False
            self.transport.resume_reading()

    def defaults(self) -> Defaults:
        """The headers of every response."""
        self._defaults.take(self._state.default_headers)
        return self._defaults

    def response_complete(self) -> None:
        self._state.total_requests += 1
        if self._closing:
            return
        if self.pipeline:
            self._begin(self.pipeline.popleft())
            self.resume_reading()
            return
        self.resume_reading()
        if self._pending_refusal is not None:
            self._answer_and_close(self._pending_refusal)
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self._keep_alive_seconds, self._look_for_idleness)

    def forget(self) -> None:
        """The task that calls this ends."""
        task = asyncio.current_task(self.loop)
        if task is not None:
            self._state.tasks.discard(task)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._skips_head:
            return
        if self._done:
            raise ValueError("a request after the last one")
        # Here and not for each segment: blank lines and the rest of an answered request's body keep no connection open.
        self._idle_since = None
        self._in_head = True
        self._length = None
        self._chunked = self._has_host = self._waits_to_continue = False
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        if self._skips_head:
            return
        self._url += url
        if len(self._url) > TARGET_BYTES:
            self._fail(414, "URI_TOO_LONG", f"The request's target is longer than {TARGET_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers: the application must not take them for headers, which a proxy may have checked (RFC 9110, 6.5.1).
        if self._skips_head or not self._in_head:
            return
        name = name.lower()
        self._headers.append((name, value))
        if name in _FRAMING:
            self._read_framing(name, value)

    def on_headers_complete(self) -> None:
        if self._skips_head:
            self._skips_head = False
            return
        parser = self._parser
        version = parser.get_http_version()
        method = parser.get_method()
        self._check_head(version, method)
        if len(self.pipeline) >= MOST_PIPELINED:
            self._fail(503, "SERVICE_UNAVAILABLE", f"More than {MOST_PIPELINED} requests wait on this connection")
        scope = self._scope(version, method.decode("ascii"))
        # A client that is answered without `100 Continue` may send the body or leave it out.
        waits = self._waits_to_continue
        keep_alive = version != "1.0" and not waits and parser.should_keep_alive()
        before = self._exchange
        exchange = Exchange(self, scope, keep_alive, waits)
        self._exchange = exchange
        self._in_head = False
        self._in_body = True
        self._body_bytes = self._overhead = self._unread = 0
        if before is None or before.complete:
            self._begin(exchange)
        else:
            self.pipeline.append(exchange)
            self._pause_reading()
        self._skips_head = parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None
        self._body_bytes += len(body)
        if exchange.complete:
            self._unread += len(body)
            if self._unread > UNREAD_BYTES:
                self._done = True
                self.close()
        elif exchange.feed(body) > UNRECEIVED_BYTES:
            self._pause_reading()

    def on_message_complete(self) -> None:
        if self._skips_head:
            return
        exchange = self._exchange
        assert exchange is not None
        self._in_body = False
        self._ended = True
        if not self._parser.should_keep_alive():
            # A trailer may say so too, and httptools then reads no further.
            exchange.keep_alive = False
        if not exchange.keep_alive:
            self._done = True
            if exchange.complete:
                self.close()
        exchange.end()

    def _feed(self, data: bytes) -> None:
        """Parses a segment.

        At an upgrade httptools leaves the body to another protocol, and takes what follows for a new request. So
        another parser gets a head that stands for the same request without the upgrade, and reads the body after that.
        """
        rest: bytes | memoryview = data
        while rest:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
                self._parser.feed_data(self._head_without_upgrade())
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        if self._chunked:
            return b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        return b"POST / HTTP/1.1\r\ncontent-length: %b\r\n\r\n" % (self._length or b"0")

    def _begin(self, exchange: Exchange) -> None:
        self._idle_since = None
        self._running = exchange
        task = self.loop.create_task(exchange.run(self._app))
        # It leaves by `forget`.
        self._state.tasks.add(task)

    def _scope(self, version: str, method: str) -> dict[str, Any]:
        url = self._url
        if url.startswith(b"/") and not url.translate(None, _ORIGIN_FORM):
            raw_path, _, query = url.partition(b"?")
        else:
            if b"#" in url:
                # It would be cut off, so that a proxy before us would have judged another path (RFC 9112, 3.2).
                self._fail(400, "BAD_REQUEST", "A request's target has no fragment")
            # Raises for what is none, or has other characters than ASCII's.
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path, parsed.query or b""
        path = raw_path.decode("ascii")
        # A copy of what is as large already is made at a third of what it costs to build it.
        scope = self._scopes.copy()
        scope["http_version"] = version
        scope["method"] = method
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        scope["headers"] = self._headers
        if self._app_state:
            scope["state"] = self._app_state.copy()
        return scope

    def _read_framing(self, name: bytes, value: bytes) -> None:
        # The fault is raised once the head is complete: httptools expects no error from this callback.
        if name == b"host":
            if self._has_host:
                self._fault = _ambiguous("Host")
            self._has_host = True
            return
        value = value.strip(b" \t")
        if name == b"content-length":
            if self._length is not None or not value.isdigit():
                self._fault = _ambiguous("Content-Length")
            self._length = value
        elif name == b"transfer-encoding":
            # Another coding before `chunked` would reach the application undecoded.
            if self._chunked or value.lower() != b"chunked":
                self._fault = _ambiguous("Transfer-Encoding")
            self._chunked = True
        elif value.lower() == b"100-continue":
            self._waits_to_continue = True

    def _check_head(self, version: str, method: bytes) -> None:
        """Raises ValueError, with the reason in `_fault`."""
        if self._fault is not None:
            raise ValueError(self._fault)
        if version == "1.1":
            if not self._has_host:
                self._fail(400, "BAD_REQUEST", "Expected a Host header")
        elif version == "1.0":
            # Proxies of that version pass on what they do not understand (RFC 9112, 6.1; RFC 9110, 10.1.1).
            self._waits_to_continue = False
            if self._chunked:
                self._fail(*_ambiguous("Transfer-Encoding"))
        else:
            self._fail(400, "BAD_REQUEST", "Expected HTTP/1.1")
        if self._chunked and self._length is not None:
            self._fail(*_ambiguous("Content-Length"))
        if method == b"CONNECT":
            self._fail(400, "BAD_REQUEST", "CONNECT is not served")
        if (
            self._fed > HEAD_BYTES
            and len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers) > HEAD_BYTES
        ):
            self._fail(431, "HEADERS_TOO_LARGE", f"The request's headers are larger than {HEAD_BYTES} bytes")

    def _fail(self, status: int, code: str, message: str) -> NoReturn:
        """Out of a callback of the parser, which stops then."""
        self._fault = status, code, message
        raise ValueError(message)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Responds instead of the application, after all earlier requests have their responses, and closes the
        connection."""
        self._done = self._refused = True
        self._stop_timer()
        if self._closing:
            return
        body = error_body(code, message)
        answer = (
            b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        exchange = self._exchange
        if exchange is None or (exchange.complete and not self._in_body):
            self._answer_and_close(answer)
        elif not self._in_body:
            self._pending_refusal = answer
        elif exchange.complete:
            self.close()
        elif self.pipeline and self.pipeline[-1] is exchange:
            # The broken request itself still waits for those before it.
            self.pipeline.pop()
            self._pending_refusal = answer
        elif exchange.started:
            exchange.keep_alive = False
        else:
            # The application hears that the client is gone, and what it still sends goes nowhere.
            exchange.disconnect()
            self._answer_and_close(answer)

    def _answer_and_close(self, answer: bytes) -> None:
        self._idle_since = None
        self.write(answer)
        self.close()

    def _may_be_sending(self) -> bool:
        """The current request has not been read to its end, or reading has stopped."""
        return self._in_body or self._refused

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._closing:
            self._reading_paused = True
            self.transport.pause_reading()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._in_head and not self._done and not self._closing:
            if self._head_bytes:
                self._refuse(408, "REQUEST_TIMEOUT", f"The request's headers did not arrive within {HEAD_SECONDS:g} s")
            else:
                self.close()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _expect_taking(self) -> None:
        """A client that takes nothing may keep neither its connection nor a response that waits: so many responses in
        work are all that a process takes."""
        if self._taking_timer is None:
            self._taking_timer = self.loop.call_later(TAKING_SECONDS, self.transport.abort)

    def _stop_taking(self) -> None:
        if self._taking_timer is not None:
            self._taking_timer.cancel()
            self._taking_timer = None

    def _look_for_idleness(self) -> None:
        """One timer a connection, not one a request: it looks for how long the connection has been idle by now."""
        self._idle_timer = None
        if self._idle_since is None:
            return
        left = self._idle_since + self._keep_alive_seconds - self.loop.time()
        if left > _TIMER_SECONDS:
            self._idle_timer = self.loop.call_later(left, self._look_for_idleness)
        else:
            self.close()

    def _forget_idleness(self) -> None:
        self._idle_since = None
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None


def _ambiguous(header: str) -> tuple[int, str, str]:
    return 400, "BAD_REQUEST", f"{header} does not say one thing"


def _address(found: object) -> tuple[str, int] | None:
    """Host and port; None for what has none, as a socket in the file system."""
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None
