"""Streams of bytes on one connection: what they hold by a second parser, by their generator, and for the server.

The second parser is h11, which shares no code with httptools.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import h11
import uvicorn
from uvicorn.server import ServerState

from groundplan_chassis.connection import BoundedProtocol
from groundplan_chassis.health import Receive, Scope, Send

Message = tuple[str, bytes, bytes]
"""Method, target, body."""
EARLY = b"/early"
"""The application answers requests for this path before it has read their bodies."""


@dataclass(frozen=True)
class Stream:
    segments: Sequence[bytes]
    messages: Sequence[Message] | None
    """What it holds where every byte of it is as RFC 9112 wants it; None where a fault was built in."""

    @property
    def content(self) -> bytes:
        return b"".join(self.segments)


@dataclass
class Read:
    """A stream as the server read it."""

    messages: list[Message] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ended: bool = False
    """Nothing that follows is read as a request."""
    in_message: bool = False


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.sent = bytearray()
        self.closed = self.sent_eof = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.sent_eof, "written after the end"
        self.sent += data

    def write_eof(self) -> None:
        self.sent_eof = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def read_by_server(segments: Sequence[bytes]) -> Read:
    read = Read()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        at = len(read.messages)
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        if target != EARLY:
            more = True
            while more:
                event = await receive()
                if event["type"] == "http.disconnect":
                    return
                body += event["body"]
                more = event["more_body"]
        read.messages.insert(at, (scope["method"], target, body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False)
    protocol = BoundedProtocol(config, ServerState(), {})
    transport = Transport()
    protocol.connection_made(transport)
    for segment in segments:
        if transport.closed:
            break
        protocol.data_received(segment)
        await _idle(protocol)
    read.statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ", transport.sent)]
    read.ended = protocol._done or transport.closed
    read.in_message = protocol._in_head or protocol._in_body
    protocol.connection_lost(None)
    await _idle(protocol)
    return read


async def _idle(protocol: BoundedProtocol) -> None:
    """Until nothing moves without more bytes: one tick for each answer, and some."""
    before = -1
    while before != len(protocol.pipeline) or protocol.pipeline:
        before = len(protocol.pipeline)
        for _ in range(4):
            await asyncio.sleep(0)


_SPACES_IN_LINE = re.compile(rb"\A([!-~]+) +([!-~]+) +(HTTP/)")
_AUTHORITY = re.compile(rb"^[A-Za-z]+://[^/?#]*")


@dataclass(frozen=True)
class Expected:
    """A stream as h11 reads it."""

    messages: Sequence[Message]
    end: str
    """`open`, `inside` a message, `closed` after one, or `refused`."""
    head: tuple[str, bytes] | None
    """Method and target of a message whose head is complete, and its body is not."""


def read_by_h11(content: bytes) -> Expected:
    found: list[Message] = []
    while True:
        # Blank lines before a request are skipped, and more than one space separates (RFC 9112, 2.2 and 3). h11 refuses
        # both, which move the end of no message.
        content = _SPACES_IN_LINE.sub(rb"\1 \2 \3", content.lstrip(b"\r\n"))
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(content)
        head: tuple[str, bytes] | None = None
        body = b""
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError:
                return Expected(found, "refused", head)
            if isinstance(event, h11.Request):
                if event.method == b"CONNECT":
                    return Expected(found, "refused", None)
                # As the application is told: the path of an absolute form, and never its authority.
                head = event.method.decode(), _AUTHORITY.sub(b"", event.target)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return Expected(found, "inside" if content else "open", head)
        assert head is not None
        found.append((*head, b"" if head[1] == EARLY else body))
        if connection.their_state is h11.MUST_CLOSE:
            return Expected(found, "closed", None)
        content = connection.trailing_data[0]


def disagreement(stream: Stream, read: Read) -> str | None:
    """Where the server and the second parser see another end of a message; None: nowhere."""
    expected = read_by_h11(stream.content)
    answered = [*expected.messages]
    if expected.head is not None and expected.head[1] == EARLY:
        answered.append((*expected.head, b""))
    refused = [status for status in read.statuses if status != 200]
    if stream.messages is not None and (read.messages != list(stream.messages) or refused):
        return "a valid request was not served as it is"
    if read.messages != answered[: len(read.messages)]:
        return "another request was served"
    if not read.ended and len(read.messages) < len(expected.messages):
        return "the server still waits for the end of a request"
    if not read.ended and expected.end in ("refused", "closed") and not read.in_message:
        return "the connection is open after what the second parser ended it for"
    if len(refused) > 1 or (refused and (read.statuses[-1] != refused[0] or not read.ended)):
        return "a refusal is not the end"
    # A request that was answered early, and then turned out to be broken, may have had no answer but the refusal.
    early = bool(refused and read.messages and read.messages[-1][1] == EARLY)
    if len(read.statuses) - len(refused) not in (len(read.messages), len(read.messages) - early):
        return "requests and answers differ in number"
    return None


class Generator:
    """Streams of requests, most with something in them that two parsers could read in two ways."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  to be repeated, not to be secret

    def stream(self) -> Stream:
        chance = self._random.random()
        parts: list[bytes] = []
        messages: list[Message] | None = []
        faulty = self._random.randrange(4) if chance > 0.3 else -1
        for number in range(self._random.randint(1, 4)):
            content, message, last = self._faulty() if number == faulty else self._valid()
            parts.append(content)
            if message is None:
                messages = None
            elif messages is not None:
                messages.append(message)
            if last:
                break
        content = b"".join(parts)
        if chance > 0.75:
            content, messages = self._mutated(content), None
        return Stream(self._cut(content), messages)

    def _valid(self) -> tuple[bytes, Message, bool]:
        pick = self._random.choice
        method = pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
        target = pick([b"/", b"/a/b", b"/a?b=c", b"/%20", EARLY, b"/a:b@c", b"http://a/b"])
        version = pick([b"1.1", b"1.1", b"1.1", b"1.1", b"1.1", b"1.1", b"1.0"])
        headers = [self._header(b"Host", b"a")]
        body = b""
        framed = b""
        framing = pick(["none", "length", "length", "chunked", "chunked", "empty"])
        if framing == "length":
            body = self._body()
            headers.append(self._header(b"Content-Length", b"%b%d" % (pick([b"", b"", b"0", b"000"]), len(body))))
            framed = body
        elif framing == "empty":
            headers.append(self._header(b"Content-Length", b"0"))
        elif framing == "chunked" and version == b"1.1":
            body = self._body()
            # httptools refuses a tab after the coding; no known client sends one.
            headers.append(b"Transfer-Encoding:%b%b" % (pick(_SPACES), pick([b"chunked", b"Chunked", b"CHUNKED "])))
            framed = self._chunks(body)
        last = version == b"1.0"
        connection = pick([b"", b"", b"", b"upgrade", b"upgrade", b"keep-alive, Upgrade", b"close", b"close, upgrade"])
        if connection:
            headers.append(self._header(b"Connection", connection))
            if b"close" in connection:
                last = True
        if pick([False, True]):
            protocols = [b"h2c", b"websocket", b"foo", b"TLS/1.0, h2c", b"HTTP/2.0"]
            headers.append(self._header(b"Upgrade", pick(protocols)))
            headers.append(b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
        if self._random.random() < 0.1:
            headers.append(self._header(b"Expect", b"100-continue"))
            last = last or version == b"1.1"
        headers += [
            self._header(b"X-%d" % number, pick([b"", b"a", b"a b", b"\xe9"])) for number in range(pick([0, 3]))
        ]
        self._random.shuffle(headers)
        head = b"%b %b HTTP/%b\r\n%b\r\n\r\n" % (method.encode(), target, version, b"\r\n".join(headers))
        target = target.removeprefix(b"http://a")
        return head + framed, (method, target, b"" if target == EARLY else body), last

    def _faulty(self) -> tuple[bytes, None, bool]:
        pick = self._random.choice
        smuggled = self._body() or b"abc"
        host = b"\r\nHost: a\r\n"
        kind = pick(["headers", "headers", "chunks", "line", "head"])
        if kind == "headers":
            headers = [pick(FRAMING_FAULTS).replace(b"%d", b"%d" % len(smuggled)) for _ in range(pick([1, 1, 2]))]
            body = pick([smuggled, self._chunks(smuggled), b"0\r\n\r\n" + smuggled])
            content = b"POST / HTTP/1.1" + host + b"\r\n".join(headers) + b"\r\n\r\n" + body
        elif kind == "chunks":
            chunks = pick([*CHUNK_FAULTS, LAST_CHUNKS])
            content = b"POST / HTTP/1.1" + host + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        elif kind == "line":
            content = pick(LINE_FAULTS) + host + b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled
        else:
            content = b"GET / HTTP/1.1" + host + pick(HEAD_FAULTS)
        return content, None, False

    def _header(self, name: bytes, value: bytes) -> bytes:
        pick = self._random.choice
        return b"%b:%b%b%b" % (pick([name, name.lower(), name.upper()]), pick(_SPACES), value, pick(_SPACES))

    def _body(self) -> bytes:
        pick = self._random.choice
        bodies = [b"", b"abc", b"\r\n\r\n", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"0\r\n\r\n", b"x" * 300]
        return pick(bodies) + pick([b"", b"", b"POST /smuggled HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])

    def _chunks(self, body: bytes) -> bytes:
        pick = self._random.choice
        found = b""
        while body:
            size = self._random.randint(1, len(body))
            written = pick([b"%x", b"%X", b"0%x"]) % size
            found += b"%b%b\r\n%b\r\n" % (written, pick([b"", b"", b";a", b";a=b", b';a="b c"']), body[:size])
            body = body[size:]
        trailers = [
            b"",
            b"",
            b"X: y\r\n",
            b"Host: b\r\nX-Viewer-Ip: 6.6.6.6\r\n",
            b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        ]
        return found + pick([b"0", b"00", b"0;a=b"]) + b"\r\n" + pick(trailers) + b"\r\n"

    def _mutated(self, content: bytes) -> bytes:
        found = bytearray(content)
        for _ in range(self._random.choice([1, 1, 2, 4])):
            at = self._random.randrange(len(found) + 1)
            kind = self._random.randrange(4)
            if kind == 0:
                found[at:at] = self._random.choice(_INSERTED)
            elif kind == 1:
                del found[at : at + self._random.choice([1, 1, 2, 10])]
            elif kind == 2:
                found[at : at + 1] = bytes([self._random.randrange(256)])
            else:
                end = at + self._random.randrange(40)
                found[at:at] = found[at:end]
        return bytes(found)

    def _cut(self, content: bytes) -> list[bytes]:
        if self._random.random() < 0.05:
            return [content[at : at + 1] for at in range(len(content))]
        # Where heads end is where an attacker would cut.
        ends = [found.end() for found in re.finditer(rb"\r\n\r\n", content)]
        places = [self._random.randrange(len(content) + 1) for _ in range(self._random.randrange(4))]
        places += [end for end in ends if self._random.random() < 0.5]
        edges = sorted({0, len(content), *places})
        return [content[start:end] for start, end in itertools.pairwise(edges)]


_SPACES = [b"", b" ", b" ", b" ", b"  ", b"\t"]
_INSERTED = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\x00",
    b"0",
    b"1",
    b";",
    b",",
    b":",
    b"\x0b",
    b"\xff",
    b"GET / HTTP/1.1\r\n",
]
FRAMING_FAULTS = [
    b"Content-Length: %d\r\nContent-Length: %d",
    b"Content-Length: %d\r\nContent-Length: 0",
    b"Content-Length: %d, %d",
    b"Content-Length: +%d",
    b"Content-Length: -%d",
    b"Content-Length: %d ;",
    b"Content-Length: 0x%d",
    b"Content-Length: ",
    b"Content-Length: %d %d",
    b"Content-Length: 1%d0000000000000000000",
    b"Content-Length: \x0b%d",
    b"Content-Length : %d",
    b"Content-Length\t: %d",
    b" Content-Length: %d",
    b"X: a\r\n Content-Length: %d",
    b"Content-Length:\r\n %d",
    b"X: a\nContent-Length: %d",
    b"X: a\rContent-Length: %d",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: %d",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked;a=b",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding:",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chun\r\n ked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer_Encoding: chunked",
    b"Host: b",
    b"Content-Length: \xb2",
    b"Content-Length: %d\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 0",
]
"""`%d`: the length of what follows."""
CHUNK_FAULTS = [
    b"3 \r\nabc\r\n0\r\n\r\n",
    b" 3\r\nabc\r\n0\r\n\r\n",
    b"3\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\n0\r\n\r\n",
    b"3\r\nabc\r\n0\n\n",
    b"3\r\nabc\r\n0\r\n\n",
    b"3\r\nabcX\r\n0\r\n\r\n",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"0x3\r\nabc\r\n0\r\n\r\n",
    b"-3\r\nabc\r\n0\r\n\r\n",
    b"+3\r\nabc\r\n0\r\n\r\n",
    b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    b'3;a="x\r\ny"\r\nabc\r\n0\r\n\r\n',
    b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    b"3;\x00\r\nabc\r\n0\r\n\r\n",
    b";\r\n\r\n",
    b"\r\n\r\n",
    b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
    b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"3\r\nabc\r\n0\r\n X: y\r\n\r\n",
    b"3\r\nabc\r\n0\r\nX : y\r\n\r\n",
    b"3\r\nabc\r\n0\r\nX: y\n\r\n",
    b"3,3\r\nabc\r\n0\r\n\r\n",
    b"3\r\n\r\nabc\r\n0\r\n\r\n",
    b"3_\r\nabc\r\n0\r\n\r\n",
    b"1_0\r\nabc\r\n0\r\n\r\n",
]
LAST_CHUNKS = b"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n"
"""After such a trailer httptools reads no further request, and others do."""
LINE_FAULTS = [
    b"GET /",
    b"GET / HTTP/0.9",
    b"GET / HTTP/2.0",
    b"GET / HTTP/1.2",
    b"GET / HTTP/9.9",
    b"GET / HTTP/1.1 ",
    b"GET /a b HTTP/1.1",
    b"get / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET / http/1.1",
    b"GET /\x0c HTTP/1.1",
    b"GET /\xe9 HTTP/1.1",
    b"CONNECT a:1 HTTP/1.1",
    b"CONNECT / HTTP/1.1",
    b"SMUGGLE / HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01",
    b"GET / HTTP/1.1\n",
    b"GET / HTTP/1.1\r",
    b": a",
    b"GET / HTTP/1.01",
    b"GET / HTTP/11",
    b"GET / HTTP/ 1.1",
    b"GET",
]
HEAD_FAULTS = [
    b"\n\n",
    b"X: a\n\n",
    b"X: a\r\r",
    b"X\r\n\r\n",
    b": a\r\n\r\n",
    b"X: \x00\r\n\r\n",
    b"X Y: a\r\n\r\n",
    b"X: a\r\n\tb\r\n\r\n",
    b"X\xe9: a\r\n\r\n",
    b"(: a\r\n\r\n",
    b"X: a\r\n\n",
    b"\r\r\n\r\n",
    b"X: \x7f\r\n\r\n",
]
