"""The server's bounds and its end, over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from groundplan_chassis import connection, serving
from groundplan_chassis.connection import HEAD_BYTES
from groundplan_chassis.health import App, Health, Receive, Scope, Send
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.serving import Server, listen

GET = b"GET /things HTTP/1.1\r\nhost: service\r\n\r\n"


class Gate:
    """An application whose answers wait until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.served = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.begun.set()
        await self.open.wait()
        self.served += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def code(self) -> tuple[int, str]:
        """Status and code of an error envelope."""
        status, _, body = await self.answer()
        return status, json.loads(body)["error"]["code"]

    async def closed(self) -> bool:
        """Also by a reset, as of a server that had closed before it read all that was sent."""
        with contextlib.suppress(ConnectionResetError):
            return await self.reader.read() == b""
        return True


@asynccontextmanager
async def serving_app(
    app: App | None, health: Health | None = None
) -> AsyncIterator[tuple[Server, asyncio.Task[None]]]:
    server = Server(app, health or Health(), listen("127.0.0.1", 0))
    task = asyncio.create_task(server.run())
    try:
        yield server, task
    finally:
        server.stop()
        server.stop()
        await task


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_requests_are_answered_on_one_connection_without_a_server_header() -> None:
    gate = Gate()
    gate.open.set()
    async with serving_app(gate) as (server, _), connected(server) as client:
        for _ in range(3):
            client.send(GET)
            status, headers, body = await client.answer()
            assert (status, body) == (200, b"ok")
            assert "server" not in headers
            assert "date" in headers
    assert gate.served == 3


async def test_health_is_answered_before_and_without_an_application() -> None:
    health = Health()
    async with serving_app(None, health) as (server, _), connected(server) as client:
        client.send(b"GET /health/ready HTTP/1.1\r\nhost: s\r\n\r\n")
        assert (await client.answer())[0] == 200
        health.drain()
        client.send(b"GET /health/ready HTTP/1.1\r\nhost: s\r\n\r\n")
        assert (await client.answer())[0] == 503
        client.send(GET)
        assert await client.code() == (404, "NOT_FOUND")


async def test_a_stop_lets_running_requests_end_and_takes_no_new_ones() -> None:
    gate = Gate()
    async with serving_app(gate) as (server, task), connected(server) as client, connected(server) as idle:
        client.send(GET)
        await gate.begun.wait()
        server.stop()
        assert await idle.closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        assert not task.done()
        gate.open.set()
        assert (await client.answer())[::2] == (200, b"ok")
        await task
        assert await client.closed()


async def test_a_second_stop_does_not_wait() -> None:
    gate = Gate()
    async with serving_app(gate) as (server, task), connected(server) as client:
        client.send(GET)
        await gate.begun.wait()
        server.stop()
        await asyncio.sleep(0.2)
        assert not task.done()
        server.stop()
        await task
        gate.open.set()


async def test_a_request_that_outlasts_the_drain_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DRAIN_SECONDS", 1)
    gate = Gate()
    async with serving_app(gate) as (server, task), connected(server) as client:
        client.send(GET)
        await gate.begun.wait()
        server.stop()
        await task
    assert gate.served == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"SMUGGLE / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_in_the_envelope(data: bytes) -> None:
    gate = Gate()
    gate.open.set()
    async with serving_app(gate) as (server, _), connected(server) as client:
        client.send(data)
        assert await client.code() == (400, "BAD_REQUEST")
        assert await client.closed()
    assert gate.served == 0


async def test_a_head_that_is_too_large_is_refused_before_it_ends() -> None:
    async with serving_app(Gate()) as (server, _), connected(server) as client:
        client.send(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(HEAD_BYTES // 4096 + 1):
            client.send(b"a" * 4096)
            await asyncio.sleep(0)
        assert await client.code() == (431, "HEADERS_TOO_LARGE")


async def test_a_head_that_drips_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    gate = Gate()
    gate.open.set()
    async with serving_app(gate) as (server, _), connected(server) as client, connected(server) as silent:
        client.send(GET)
        assert (await client.answer())[0] == 200
        client.send(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        client.send(b"host: a\r\n")
        assert await client.code() == (408, "REQUEST_TIMEOUT")
        assert await client.closed()
        assert await silent.closed()


async def test_blank_lines_keep_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "KEEP_ALIVE_SECONDS", 1)
    gate = Gate()
    gate.open.set()
    async with serving_app(gate) as (server, _), connected(server) as client:
        client.send(GET)
        assert (await client.answer())[0] == 200
        async with asyncio.timeout(5):
            closed = asyncio.create_task(client.closed())
            while not closed.done():
                client.send(b"\r\n")
                await asyncio.sleep(0.1)
            assert await closed


async def test_a_slow_answer_is_no_slow_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)
    gate = Gate()
    async with serving_app(gate) as (server, _), connected(server) as client:
        client.send(GET)
        await gate.begun.wait()
        await asyncio.sleep(0.3)
        gate.open.set()
        assert (await client.answer())[0] == 200


async def test_too_many_at_a_time_are_asked_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_IN_FLIGHT", 2)
    gate = Gate()
    async with serving_app(gate) as (server, _), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(server)) for _ in range(4)]
        for client in clients[:2]:
            client.send(GET)
        while len(server._server.server_state.tasks) < 2:
            await asyncio.sleep(0.01)
        clients[2].send(GET)
        status, headers, _ = await clients[2].answer()
        assert (status, headers["retry-after"]) == (503, "1")
        clients[3].send(b"GET /health/live HTTP/1.1\r\nhost: s\r\n\r\n")
        assert (await clients[3].answer())[0] == 200
        gate.open.set()
        assert [(await client.answer())[0] for client in clients[:2]] == [200, 200]


async def test_an_upgrade_is_an_ordinary_request() -> None:
    gate = Gate()
    gate.open.set()
    async with serving_app(gate) as (server, _), connected(server) as client:
        client.send(
            b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-key: eA==\r\nsec-websocket-version: 13\r\n\r\n"
        )
        assert (await client.answer())[0] == 200


def test_a_port_that_is_taken_says_so() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ProblemsFound, match="a port that is free"):
        listen("127.0.0.1", taken.getsockname()[1])
