"""Requests leave nothing behind: after thousands that differ there are as many objects as before (h6)."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
import sys
from collections.abc import Iterator
from uuid import UUID

import pytest

from chassis.tests.http.shop import Stage
from chassis.tests.test_exchange import Client

# Every task of the loop is looked at.
pytestmark = pytest.mark.asyncio(loop_scope="function")

WARM, MORE = 1_000, 4_000
"""Requests before the first look, and between the two."""
MOST = 0.05
"""What may be there for each request between the looks: of a store that is not full, or of a cycle not yet collected,
something; of a request, nothing."""


def made_up(chance: random.Random) -> bytes:
    """A request as any client can make it up: ids, names, tokens, queries, headers, bodies."""
    word = f"{chance.getrandbits(64):x}"
    method, target, headers, body = chance.choice(
        [
            ("GET", f"/api/v1/orders/{UUID(int=chance.getrandbits(128), version=4)}", {}, b""),
            ("GET", f"/api/v1/orders/{word}", {}, b""),
            ("GET", f"/{word}/{word}", {}, b""),
            ("GET", f"/api/v1/orders?{word}={word}", {}, b""),
            ("GET", f"/api/v1/orders?quantity={chance.randrange(1, 1000)}&sort=-total,note", {}, b""),
            ("GET", f"/api/v1/orders?cursor={word}", {}, b""),
            ("GET", "/api/v1/offers", {"Authorization": f"Bearer {word}.{word}.{word}"}, b""),
            ("GET", "/api/v1/orders", {"X-Request-Id": word, f"X-{word}": word}, b""),
            ("GET", "/api/v1/orders", {"If-None-Match": f'"{word}"'}, b""),
            ("GET", f"/api/v1/orders/{UUID(int=7)}", {"Consistency-Token": f"{UUID(int=7)}.1.1"}, b""),
            ("POST", "/api/v1/orders", {"Content-Type": "application/json"}, json.dumps({word: word}).encode()),
            ("POST", "/api/v1/orders", {"Content-Type": "application/json"}, word.encode()),
            ("PUT", f"/api/v1/orders/{UUID(int=8)}", {"If-Match": f'"{chance.randrange(1, 99)}"'}, b"{}"),
            (word.upper()[:3] or "X", "/", {}, b""),
        ]
    )
    head = {"Host": "a", "Authorization": "Bearer ada", "Content-Length": str(len(body))} | headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def send(stage: Stage, chance: random.Random, count: int) -> None:
    """Some on each connection, and now and then a client that leaves in the middle."""
    client = Client(stage.app)
    for number in range(count):
        if client.closed or number % 50 == 0:
            client.protocol.connection_lost(None)
            client = Client(stage.app)
        request = made_up(chance)
        client.protocol.data_received(request[: chance.randrange(len(request))] if chance.random() < 0.05 else request)
        for _ in range(chance.randrange(3, 12)):
            await asyncio.sleep(0)
        client.sent.clear()
        client.writes.clear()
    client.protocol.connection_lost(None)
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
    # What the test's own stand-ins remember.
    for known in (stage.orders.calls, stage.limiter.keys, stage.lines, stage.tokens.verified):
        known.clear()
    stage.metrics.flush()
    stage.lines.clear()


def held() -> tuple[int, int]:
    """Objects that the garbage collector knows, and blocks of Python's allocator."""
    gc.collect()
    return len(gc.get_objects()), sys.getallocatedblocks()


@pytest.fixture
def _no_lines() -> Iterator[None]:
    """pytest keeps all that is logged."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_no_lines")
async def test_requests_leave_nothing_behind() -> None:
    stage = Stage()
    chance = random.Random(6)  # noqa: S311  a choice of requests, no secret
    await send(stage, chance, WARM)
    before = held()
    await send(stage, chance, MORE)
    grown = [now - then for now, then in zip(held(), before, strict=True)]
    assert max(grown) < MOST * MORE, grown
    await stage.client.aclose()
