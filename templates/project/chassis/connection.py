"""One connection of the HTTP server: where each request ends, and what is refused before the application hears of it.

Uvicorn on httptools, made strict. httptools has no bounds for a request's head, and lets pass what two parsers can read
in two ways. Three rules hold here (RFC 9112, sections 6 and 11.2):

1. A request whose end is ambiguous is answered 400, and the connection ends.
2. Nothing that follows such a request, or a last one, is read as a request.
3. `Upgrade` is ignored (RFC 9110, section 7.8): the body ends where Content-Length or the chunks say.

`tests/chassis/http/test_framing.py` compares it with a second parser over generated streams of bytes.
"""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.joined_writes import JoinedWrites

HEAD_BYTES: Final = 64 * 1024
"""Of request line and headers: what the load balancer lets through (Application Load Balancers, quotas)."""
TARGET_BYTES: Final = 16 * 1024
"""Of the request's target: the load balancer's quota for a request line."""
HEAD_SECONDS: Final = 10.0
"""For the whole head to arrive, once its first byte or the connection is there."""
UNREAD_BYTES: Final = 1024 * 1024
"""Of a body that arrive after the answer. They are skipped to keep the connection; beyond that it is closed."""
LINGER_SECONDS: Final = 1.0
"""What a client still sends after its answer is thrown away for so long, before the connection is closed."""
CHUNK_OVERHEAD: Final = 16
"""Bytes of chunk sizes, extensions and trailers for each byte of content, beyond the first HEAD_BYTES of them."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"host", b"expect"})
_SERVED: Final = frozenset({"1.0", "1.1"})


def error_body(code: str, message: str) -> bytes:
    """The error envelope."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "details": []}})


class _Transport(JoinedWrites):
    """Closes in two steps where the client may still be sending: else TCP's reset could overtake the answer."""

    def __init__(self, transport: asyncio.Transport, protocol: BoundedProtocol) -> None:
        super().__init__(transport, protocol.loop)
        self._protocol = protocol
        self._lingers = False

    def write(self, data: bytes) -> None:
        if not self._lingers:
            super().write(data)

    def is_closing(self) -> bool:
        return self._lingers or self._transport.is_closing()

    def close(self) -> None:
        protocol = self._protocol
        if self._lingers or not protocol.may_be_sending() or self._transport.is_closing():
            super().close()
            return
        self._lingers = True
        self.write_eof()
        protocol.flow.resume_reading()
        protocol.loop.call_later(LINGER_SECONDS, super().close)


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose client must say within bounds what it wants, and is refused in the error envelope."""

    _in_head = True
    _in_body = False
    _done = False
    """Whatever else arrives is not a request."""
    _refused = False
    _ended = False
    """A request ended in the segment that is being read."""
    _skips_head = False
    """The parser is between an upgrade's head and the head that stands for it, see `_feed`."""
    _head_bytes = 0
    _fed = 0
    """Bytes of all segments that hold a part of the head."""
    _head_timer: asyncio.TimerHandle | None = None
    _body_bytes = 0
    _overhead = 0
    _unread = 0
    _length: bytes | None = None
    _chunked = False
    _has_host = False
    _fault: tuple[int, str, str] | None = None
    _pending_refusal: bytes | None = None
    """Waits for the answers to the requests before it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Transport(transport, self))  # type: ignore[arg-type]
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done = True
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._done or self.transport.is_closing():
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

    def may_be_sending(self) -> bool:
        """A request is not read to its end, or nobody reads on."""
        return self._in_body or self._refused

    def _feed(self, data: bytes) -> None:
        """Parses a segment.

        At an upgrade httptools leaves the body to another protocol, and takes what follows for a new request. So
        another parser gets a head that stands for the same request without the upgrade, and reads the body after that.
        """
        rest: bytes | memoryview = data
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(self._head_without_upgrade())
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        if self._chunked:
            return b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        return b"POST / HTTP/1.1\r\ncontent-length: %b\r\n\r\n" % (self._length or b"0")

    def on_message_begin(self) -> None:
        if self._skips_head:
            return
        if self._done:
            raise ValueError("a request after the last one")
        # Here and not for each segment: blank lines and the rest of an answered request's body keep no connection open.
        self._unset_keepalive_if_required()
        self._in_head = True
        self._length = None
        self._chunked = self._has_host = False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._skips_head:
            return
        self.url += url
        if len(self.url) > TARGET_BYTES:
            self._fail(414, "URI_TOO_LONG", f"The request's target is longer than {TARGET_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers: the application must not take them for headers, which a proxy may have checked (RFC 9110, 6.5.1).
        if self._skips_head or not self._in_head:
            return
        name = name.lower()
        self.headers.append((name, value))
        if name in _FRAMING:
            self._read_framing(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._skips_head:
            self._skips_head = False
            return
        version = self.parser.get_http_version()
        self._check_head(version)
        self._in_head = False
        self._in_body = True
        self._body_bytes = self._overhead = self._unread = 0
        super().on_headers_complete()
        if self.expect_100_continue:
            # A client that is answered without `100 Continue` may send the body or leave it out.
            self.cycle.keep_alive = False
        self._skips_head = self.parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > UNREAD_BYTES:
                self._done = True
                self.transport.close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._skips_head:
            return
        self._in_body = False
        self._ended = True
        if not self.parser.should_keep_alive():
            # A trailer may say so too, and httptools then reads no further.
            self.cycle.keep_alive = False
        if not self.cycle.keep_alive:
            self._done = True
            if self.cycle.response_complete:
                self.transport.close()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        last = not self.pipeline
        super().on_response_complete()
        if last and self._pending_refusal is not None and not self.transport.is_closing():
            self._answer_and_close(self._pending_refusal)

    def _read_framing(self, name: bytes, value: bytes) -> None:
        # The fault is raised once the head is complete: httptools expects no error from this callback.
        if name == b"content-length":
            if self._length is not None or not value.isdigit():
                self._fault = _ambiguous("Content-Length")
            self._length = value
        elif name == b"transfer-encoding":
            # Another coding before `chunked` would reach the application undecoded.
            if self._chunked or value.lower() != b"chunked":
                self._fault = _ambiguous("Transfer-Encoding")
            self._chunked = True
        elif name == b"host":
            if self._has_host:
                self._fault = _ambiguous("Host")
            self._has_host = True
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def _check_head(self, version: str) -> None:
        """Raises ValueError, with the reason in `_fault`."""
        if self._fault is not None:
            raise ValueError(self._fault)
        if version not in _SERVED:
            self._fail(400, "BAD_REQUEST", "Expected HTTP/1.1")
        if version == "1.0":
            # Proxies of that version pass on what they do not understand (RFC 9112, 6.1; RFC 9110, 10.1.1).
            self.expect_100_continue = False
            if self._chunked:
                self._fail(*_ambiguous("Transfer-Encoding"))
        elif not self._has_host:
            self._fail(400, "BAD_REQUEST", "Expected a Host header")
        if self._chunked and self._length is not None:
            self._fail(*_ambiguous("Content-Length"))
        if self.parser.get_method() == b"CONNECT":
            self._fail(400, "BAD_REQUEST", "CONNECT is not served")
        if (
            self._fed > HEAD_BYTES
            and len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES
        ):
            self._fail(431, "HEADERS_TOO_LARGE", f"The request's headers are larger than {HEAD_BYTES} bytes")

    def _fail(self, status: int, code: str, message: str) -> NoReturn:
        """Out of a callback of the parser, which stops then."""
        self._fault = status, code, message
        raise ValueError(message)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answers in the application's place, after all requests before it are answered, and closes the connection."""
        self._done = self._refused = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        body = error_body(code, message)
        answer = (
            b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not self._in_body):
            self._answer_and_close(answer)
        elif not self._in_body:
            self._pending_refusal = answer
        elif cycle.response_complete:
            self.transport.close()
        elif self.pipeline and self.pipeline[0][0] is cycle:
            # The broken request itself still waits for those before it.
            self.pipeline.popleft()
            self._pending_refusal = answer
        elif cycle.response_started:
            cycle.keep_alive = False
        else:
            # The application hears that the client is gone, and what it still sends goes nowhere.
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()
            self._answer_and_close(answer)

    def _answer_and_close(self, answer: bytes) -> None:
        self._unset_keepalive_if_required()
        self.transport.write(answer)
        self.transport.close()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._in_head and not self._done and not self.transport.is_closing():
            if self._head_bytes:
                self._refuse(408, "REQUEST_TIMEOUT", f"The request's headers did not arrive within {HEAD_SECONDS:g} s")
            else:
                self.transport.close()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _ambiguous(header: str) -> tuple[int, str, str]:
    return 400, "BAD_REQUEST", f"{header} does not say one thing"
