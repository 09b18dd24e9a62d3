"""Responses whose body is there: sent at once, byte for byte what two messages of ASGI would have sent."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.test_exchange import GET, App, Client
from groundplan_chassis.exchange import Exchange, exchange_of
from groundplan_chassis.health import Receive, Scope, Send
from groundplan_chassis.response import Block, Defaults, Header, read, whole, written

BLOCK = Block((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
OWN = ((b"etag", b'"1"'), (b"x-request-id", b"a"))
STATUSES = (200, 201, 204, 299, 304, 404, 503)

Answer = tuple[int, tuple[Header, ...], bytes]


def at_once(answer: Answer, *, closes: bool = False) -> App:
    """An application that sends all of it by `respond`, and by messages where that sends nothing."""
    status, own, body = answer

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(send)
        assert exchange is not None
        if not exchange.respond(status, BLOCK, written(own), body, closes=closes):
            await in_messages(answer, closes=closes)(scope, receive, send)

    return app


def in_messages(answer: Answer, *, closes: bool = False) -> App:
    """The same by messages."""
    status, own, body = answer

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        framing = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
        closing = [(b"connection", b"close")] if closes else []
        headers = [*BLOCK.headers, *own, *framing, *closing]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize("request_", [GET, GET.replace(b"1.1", b"1.0"), GET.replace(b"GET", b"HEAD")])
@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("status", STATUSES)
async def test_a_whole_response_is_what_messages_would_have_sent(status: int, closes: bool, request_: bytes) -> None:
    answer = (status, OWN, b"" if status in (204, 304) or request_.startswith(b"HEAD") else b'{"a":1}')
    one, other = Client(at_once(answer, closes=closes)), Client(in_messages(answer, closes=closes))
    sent = await one.ask(request_)
    assert sent == await other.ask(request_)
    assert sent.startswith(b"HTTP/1.1 %d " % status)
    assert one.is_closing() == other.is_closing()
    # The next request is answered on the same connection, or not at all.
    assert await one.ask(request_) == await other.ask(request_)


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    client = Client(at_once((200, OWN, b"{}")))
    client.protocol.pause_writing()
    assert await client.ask() == b""
    client.protocol.resume_writing()
    assert (await client.ask(b"")).endswith(b"\r\n\r\n{}")


async def test_a_second_response_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        exchange = exchange_of(send)
        assert exchange is not None
        assert exchange.respond(200, BLOCK, written(OWN), b"{}")
        assert not exchange.respond(200, BLOCK, written(OWN), b"{}")
        await send({"type": "http.response.start", "status": 200, "headers": []})

    sent = await Client(app).ask()
    assert sent.count(b"HTTP/1.1") == 1
    assert "the application has failed" in caplog.text


async def test_another_server_s_send_has_no_exchange() -> None:
    async def send(_message: object) -> None: ...

    assert exchange_of(send) is None

    def wrapping(inner: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def wrapped(message: object) -> None:
            await inner(message)

        return wrapped

    assert exchange_of(wrapping(Exchange.send)) is None


BAD = [
    (b"x", b"a\r\nset-cookie: b"),
    (b"x", b"a\nb"),
    (b"x", b"a\x00b"),
    (b"x", b"\x7f"),
    (b"x: y\r\nz", b"a"),
    (b"", b"a"),
    (b"x y", b"a"),
    (b"content-length", b"7"),
    (b"Content-Length", b"7"),
    (b"transfer-encoding", b"chunked"),
    (b"Connection", b"close"),
]


@pytest.mark.parametrize("header", BAD)
async def test_nothing_in_a_header_ends_it_or_frames_the_body(header: Header, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="header"):
        Block((b"a", b"b"), header)
    # Twice: names are remembered.
    for _ in range(2):
        sent = await Client(at_once((200, (*OWN, header), b"{}"))).ask()
        assert sent.startswith(b"HTTP/1.1 500 ")
        assert sent.count(b"content-length") == 1
    assert "the application has failed" in caplog.text
    # In messages they mean what they meant.
    sent = await Client(in_messages((200, OWN, b"{}"))).ask()
    assert b"\r\ncontent-length: 2\r\n" in sent


VALUES = st.binary(max_size=6)


@given(st.lists(st.tuples(st.sampled_from([b"a", b"etag", b"x-y"]), VALUES), max_size=4), st.binary(max_size=8))
def test_a_head_has_the_lines_that_were_given_or_is_refused(headers: list[Header], body: bytes) -> None:
    allowed = all(byte == 9 or 32 <= byte != 127 for byte in itertools.chain(*(value for _, value in headers)))
    try:
        own = written(headers)
    except ValueError:
        assert not allowed
        return
    assert allowed
    assert read(own) == headers
    head, _, rest = whole(200, BLOCK, own, body, Defaults(), closes=False).partition(b"\r\n\r\n")
    assert rest == body
    lines = head.split(b"\r\n")
    assert lines[3:-1] == [b"%b: %b" % header for header in headers]
    assert lines[-1] == b"content-length: %d" % len(body)


async def test_after_a_whole_response_nothing_else_of_it_leaves() -> None:
    heard: list[str] = []

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(send)
        assert exchange is not None
        assert exchange.respond(200, BLOCK, written(OWN), b"{}")
        heard.append((await receive())["type"])

    request = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    sent = await Client(app).ask(request)
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent.endswith(b"\r\n\r\n{}")
    assert heard == ["http.disconnect"]
