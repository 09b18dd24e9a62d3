"""A request and its response on one connection: framing, flow control, and what becomes of applications that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from chassis.tests.http.framing import Transport
from groundplan_chassis import connection
from groundplan_chassis.connection import UNRECEIVED_BYTES, BoundedProtocol
from groundplan_chassis.health import Receive, Scope, Send

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]


class Client(Transport):
    """A connection of the protocol, whose writes and pauses are counted."""

    def __init__(self, app: App, keep_alive: int = 75) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.reading = True
        config = uvicorn.Config(
            app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=keep_alive
        )
        self.state = ServerState()
        self.protocol = BoundedProtocol(config, self.state, {})
        self.protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.writes.append(bytes(data))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    async def ask(self, data: bytes = GET) -> bytes:
        """All that is written until nothing moves."""
        at = len(self.sent)
        self.protocol.data_received(data)
        await turns()
        return bytes(self.sent[at:])


async def turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def answering(*bodies: bytes, status: int = 200, headers: tuple[Header, ...] = ()) -> App:
    """An application that answers so, each body in a part of its own."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for number, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    return app


def length(count: int) -> Header:
    return b"content-length", b"%d" % count


async def test_head_and_body_leave_together() -> None:
    client = Client(answering(b"ok", headers=(length(2), (b"X-Own", b"a\tb"))))
    client.state.default_headers = [(b"date", b"today")]
    assert await client.ask() == (b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\nx-own: a\tb\r\n\r\nok")
    assert len(client.writes) == 1
    client.state.default_headers = [(b"date", b"tomorrow")]
    assert b"date: tomorrow\r\n" in await client.ask()


@pytest.mark.parametrize(
    ("app", "request_", "expected"),
    [
        pytest.param(
            answering(b"a", b"", b"bc", headers=((b"x", b"y"),)),
            GET,
            b"HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
            id="no length",
        ),
        pytest.param(
            answering(b"abc"),
            GET.replace(b"1.1", b"1.0"),
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc",
            id="no length for a client without chunks",
        ),
        pytest.param(
            answering(b"", headers=(length(3),)),
            GET.replace(b"GET", b"HEAD"),
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
            id="HEAD",
        ),
        pytest.param(answering(b"", status=204), GET, b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
        pytest.param(answering(b"", status=304), GET, b"HTTP/1.1 304 Not Modified\r\n\r\n", id="304"),
        pytest.param(
            answering(b"", status=299, headers=(length(0),)),
            GET,
            b"HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n",
            id="a status without a phrase",
        ),
    ],
)
async def test_a_response_ends_where_its_head_says(app: App, request_: bytes, expected: bytes) -> None:
    assert await Client(app).ask(request_) == expected


@pytest.mark.parametrize(
    "headers",
    [
        ((b"x", b"a\r\nset-cookie: b"),),
        ((b"x", b"a\nb"),),
        ((b"x", b"a\x00b"),),
        ((b"x", b"\x7f"),),
        ((b"x: y\r\nz", b"a"),),
        ((b"", b"a"),),
        ((b"x y", b"a"),),
    ],
)
async def test_nothing_in_a_header_ends_it(headers: tuple[Header, ...], caplog: pytest.LogCaptureFixture) -> None:
    client = Client(answering(b"ok", headers=(length(2), *headers)))
    answer = await client.ask()
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b'"INTERNAL_ERROR"' in answer
    assert client.closed
    assert "ValueError" in caplog.text


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (answering(b"abc", headers=(length(2),)), 1),
        (answering(b"a", headers=(length(2),)), 1),
        (answering(b"a", b"bc", headers=(length(2),)), 0),
        (answering(b"a", b"", headers=(length(2),)), 0),
        (answering(), 1),
        (answering(headers=(length(2),)), 1),
    ],
)
async def test_a_response_that_is_not_whole_ends_the_connection(
    app: App, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    """By an error of its own where nothing has left yet."""
    client = Client(app)
    answer = await client.ask()
    assert answer.count(b"HTTP/1.1 500 ") == expected
    assert answer.count(b"HTTP/1.1 ") == 1
    assert client.closed
    assert "the application has" in caplog.text
    assert not client.state.tasks


async def test_an_application_that_fails_later_breaks_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(b"a", b"b")(scope, receive, send)
        await send({"type": "http.response.body", "body": b"c"})

    client = Client(app)
    assert (await client.ask()).endswith(b"1\r\nb\r\n0\r\n\r\n")
    assert client.closed
    assert "no next message" in caplog.text


async def test_a_response_waits_for_a_client_that_does_not_read() -> None:
    client = Client(answering(b"a", b"b", headers=(length(2),)))
    client.protocol.pause_writing()
    assert await client.ask() == b""
    client.protocol.resume_writing()
    await turns()
    assert client.sent.endswith(b"ab")


async def test_a_client_that_leaves_ends_the_waiting() -> None:
    client = Client(answering(b"a", headers=(length(1),)))
    client.protocol.pause_writing()
    await client.ask()
    assert len(client.state.tasks) == 1
    client.protocol.connection_lost(None)
    await turns()
    assert not client.state.tasks
    assert not client.state.connections
    assert client.sent == b""


async def test_a_body_that_nobody_receives_makes_the_client_wait() -> None:
    gate = asyncio.Event()
    received = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal received
        await gate.wait()
        more = True
        while more:
            message = await receive()
            received += len(message["body"])
            more = message["more_body"]
        await answering(b"", headers=(length(0),))(scope, receive, send)

    client = Client(app)
    part = b"a" * UNRECEIVED_BYTES
    await client.ask(POST % (3 * len(part)) + part)
    assert client.reading
    await client.ask(part)
    assert not client.reading
    gate.set()
    await turns()
    assert client.reading
    assert received == 2 * len(part)
    assert (await client.ask(part)).startswith(b"HTTP/1.1 200 OK")
    assert received == 3 * len(part)


async def test_requests_that_wait_for_others_are_bounded() -> None:
    """Not read on before all of them have begun: else a client could send more and more."""
    gates = [asyncio.Event() for _ in range(3)]
    begun = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal begun
        begun += 1
        await gates[begun - 1].wait()
        await receive()
        await answering(b"", headers=(length(0),))(scope, receive, send)

    client = Client(app)
    await client.ask(GET * 3)
    for number, gate in enumerate(gates):
        assert (begun, client.reading) == (number + 1, number == 2)
        gate.set()
        await turns()
    assert client.sent.count(b"200 OK") == 3
    assert client.reading


async def test_an_application_hears_that_the_client_is_gone() -> None:
    heard: list[str] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while not heard or heard[-1] != "http.disconnect":
            heard.append((await receive())["type"])

    client = Client(app)
    await client.ask()
    assert heard == ["http.request"]
    client.protocol.connection_lost(None)
    await turns()
    assert heard == ["http.request", "http.disconnect"]


async def test_a_connection_that_closes_already_is_not_ended_twice() -> None:
    """As a client's own end closes it, before the protocol is told."""
    client = Client(answering(b"", headers=(length(0), (b"connection", b"close"))))
    client.protocol.data_received(POST % 9)
    client.close()
    await turns()
    assert not client.sent_eof


async def test_a_client_that_waits_to_continue_is_told_to_once_its_body_is_wanted() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        await answering(body, headers=(length(len(body)),))(scope, receive, send)

    client = Client(app)
    head = (POST % 2).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    assert await client.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await client.ask(b"ok")).endswith(b"connection: close\r\n\r\nok")


async def test_a_connection_in_use_stays_and_an_idle_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_TIMER_SECONDS", 0.001)
    client = Client(answering(b"", headers=(length(0),)))
    client.protocol._keep_alive_seconds = 0.1  # type: ignore[assignment]
    for _ in range(6):
        await client.ask()
        await asyncio.sleep(0.04)
        assert not client.closed
    await asyncio.sleep(0.2)
    assert client.closed


async def test_a_stop_answers_what_is_in_work() -> None:
    gate = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await answering(b"", headers=(length(0),))(scope, receive, send)

    busy, idle = Client(app), Client(app)
    await busy.ask()
    for client in (busy, idle):
        client.protocol.shutdown()
    assert (busy.closed, idle.closed) == (False, True)
    gate.set()
    await turns()
    assert b"connection: close\r\n" in busy.sent
    assert busy.closed


async def test_a_request_s_scope_is_its_own() -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scopes.append(dict(scope))
        scope.update(path="/mine", root_path="/mine", state={})
        await answering(b"")(scope, _receive, send)

    client = Client(app)
    await client.ask(b"PUT /a%20b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    await client.ask(GET)
    shared = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 2),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "root_path": "",
    }
    put = {"method": "PUT", "path": "/a b", "raw_path": b"/a%20b", "query_string": b"c=d"}
    get = {"method": "GET", "path": "/a", "raw_path": b"/a", "query_string": b""}
    host, length_ = (b"host", b"a"), (b"content-length", b"0")
    assert scopes == [shared | put | {"headers": [host, length_]}, shared | get | {"headers": [host]}]
