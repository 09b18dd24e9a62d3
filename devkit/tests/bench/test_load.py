"""The load generator counts what it should: late answers, refusals, and answers that never come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from groundplan_devkit.bench import load
from groundplan_devkit.bench.load import Samples, Shot, drive

SHOT = Shot("get", b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[int]:
    """A server that gives each request its number."""
    number = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                number += 1
                await handle(reader, writer, number)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answer(writer: asyncio.StreamWriter, status: int) -> None:
    writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\n{}" % status)


async def test_every_answer_is_counted_by_its_status() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        answer(writer, 503 if number % 10 == 0 else 200)

    async with serving(handle) as port:
        run = await drive("127.0.0.1", port, [SHOT] * 100, rate=200, connections=4)
    assert run.samples["get"].statuses == {200: 90, 503: 10}
    assert run.all().failed == 10


async def test_latency_counts_from_when_a_request_was_due() -> None:
    """One connection, and every answer takes 20 ms: at 100 requests/s the queue grows, and latency tells."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        await asyncio.sleep(0.02)
        answer(writer, 200)

    async with serving(handle) as port:
        run = await drive("127.0.0.1", port, [SHOT] * 50, rate=100, connections=1)
    assert run.achieved < 60
    assert run.all().percentile(0.95) > 300


async def test_all_are_due_at_once_without_a_rate() -> None:
    """Two connections, and every answer takes 20 ms: the last ones have waited for all before them."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        await asyncio.sleep(0.02)
        answer(writer, 200)

    async with serving(handle) as port:
        run = await drive("127.0.0.1", port, [SHOT] * 20, connections=2)
    assert run.all().statuses == {200: 20}
    assert (run.seconds, run.rate) == (0, math.inf)
    assert run.all().percentile(0.95) >= 10 * 20
    assert run.achieved < 2 / 0.02


async def test_a_connection_that_breaks_is_a_request_without_an_answer() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if number == 5:
            writer.close()
            await writer.wait_closed()
        else:
            answer(writer, 200)

    async with serving(handle) as port:
        run = await drive("127.0.0.1", port, [SHOT] * 20, rate=200, connections=2)
    assert run.samples["get"].statuses == {200: 19, 0: 1}


async def test_a_server_that_never_answers_ends_the_run_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "ANSWER_SECONDS", 0.3)

    async def handle(_: asyncio.StreamReader, __: asyncio.StreamWriter, ___: int) -> None:
        """Silence."""

    async with serving(handle) as port:
        run = await drive("127.0.0.1", port, [SHOT] * 10, rate=100, connections=2)
    every = run.all()
    assert every.statuses == {0: 10}
    assert every.percentile(0.5) == math.inf


def test_what_was_never_answered_took_for_ever() -> None:
    samples = Samples([1.0, 2.0, 3.0])
    samples.statuses.update({200: 3, 0: 1})
    assert samples.percentile(0.5) == 3.0
    assert samples.percentile(0.99) == math.inf
