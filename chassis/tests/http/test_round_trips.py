"""A cached GET costs one round trip: commands for rate limit and cache leave in one tick, and nothing else is called
before both have answered (T3, C1)."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import pytest

from chassis.tests.http.shop import Stage, Verdict, as_, document
from groundplan_chassis.documents import Document
from groundplan_chassis.http.errors import NotFound


class Wire:
    """Answers questions when the test says so, and knows in which tick of the loop each was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.futures: dict[str, asyncio.Future[Any]] = {}
        self._tick = 0
        self._ticking = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._tick += 1
        self._ticking = asyncio.get_running_loop().call_soon(self._next)

    def stop(self) -> None:
        self._ticking.cancel()

    def ask(self, what: str) -> asyncio.Future[Any]:
        self.calls.append((what, self._tick))
        self.futures[what] = asyncio.get_running_loop().create_future()
        return self.futures[what]

    async def until_called(self, count: int) -> None:
        while len(self.calls) < count:
            await asyncio.sleep(0)


class WiredLimiter:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def take(self, _key: str) -> Awaitable[Verdict]:
        return self._wire.ask("limit")


class WiredStage(Stage):
    wire: Wire

    def __post_init__(self) -> None:
        self.wire = Wire()
        self.limiter = WiredLimiter(self.wire)  # type: ignore[assignment]
        super().__post_init__()

    def look_up(self, _context: object, item_id: UUID) -> Awaitable[Document | None]:
        return self.wire.ask(f"cache {item_id.int & 0xFF}")


@pytest.fixture
async def wired() -> Any:
    stage = WiredStage()
    async with stage.client:
        yield stage
    stage.wire.stop()


async def test_both_are_asked_in_one_tick(wired: WiredStage) -> None:
    order = wired.orders.add()
    answering = asyncio.create_task(wired.client.get(f"/api/v1/orders/{order.id}"))
    await wired.wire.until_called(2)
    (first, first_tick), (second, second_tick) = wired.wire.calls
    assert (first, second) == ("limit", "cache 1")
    assert first_tick == second_tick
    wired.wire.futures["cache 1"].set_result(document(order))
    wired.wire.futures["limit"].set_result(Verdict())
    answer = await answering
    assert answer.status_code == 200
    assert wired.orders.calls == []


async def test_on_a_miss_the_handler_is_called_after_the_verdict(wired: WiredStage) -> None:
    order = wired.orders.add()
    answering = asyncio.create_task(wired.client.get(f"/api/v1/orders/{order.id}"))
    await wired.wire.until_called(2)
    wired.wire.futures["cache 1"].set_result(None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert wired.orders.calls == []
    wired.wire.futures["limit"].set_result(Verdict())
    assert (await answering).status_code == 200
    assert len(wired.orders.calls) == 1


@pytest.mark.parametrize("late", ["result", "error"])
async def test_what_the_cache_says_of_a_refused_request_is_let_go(
    wired: WiredStage, late: str, caplog: pytest.LogCaptureFixture
) -> None:
    order = wired.orders.add()
    answering = asyncio.create_task(wired.client.get(f"/api/v1/orders/{order.id}"))
    await wired.wire.until_called(2)
    wired.wire.futures["limit"].set_result(Verdict(allowed=False))
    assert (await answering).status_code == 429
    assert wired.orders.calls == []
    # asyncio reports an exception that was never retrieved when the future is collected.
    if late == "error":
        wired.wire.futures.pop("cache 1").set_exception(RuntimeError("late"))
    else:
        wired.wire.futures.pop("cache 1").set_result(document(order))
    await asyncio.sleep(0)
    gc.collect()
    assert not [record for record in caplog.records if "never retrieved" in record.message]


async def test_what_isnt_there_is_remembered_by_the_cache(wired: WiredStage) -> None:
    order = wired.orders.add()
    answering = asyncio.create_task(wired.client.get(f"/api/v1/orders/{order.id}"))
    await wired.wire.until_called(2)
    wired.wire.futures["cache 1"].set_exception(NotFound())
    wired.wire.futures["limit"].set_result(Verdict())
    assert (await answering).status_code == 404
    assert wired.orders.calls == []


@pytest.mark.parametrize(
    ("token", "method"), [("eve", "GET"), ("unknown", "GET"), ("new-anna", "GET"), ("anna", "PUT"), ("ada", "DELETE")]
)
async def test_who_isnt_known_or_doesnt_read_asks_the_limit_alone(wired: WiredStage, token: str, method: str) -> None:
    order = wired.orders.add()
    answering = asyncio.create_task(wired.client.request(method, f"/api/v1/orders/{order.id}", headers=as_(token)))
    await wired.wire.until_called(1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [what for what, _ in wired.wire.calls] == ["limit"]
    assert wired.tokens.verified == []
    wired.wire.futures["limit"].set_result(Verdict(allowed=False))
    assert (await answering).status_code == 429
