"""GETs of one worker process against floors: bare handlers with one round trip, in turns (T3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Final

from groundplan_devkit.bench.floor_server import Order, Row, Server, start_floor
from groundplan_devkit.bench.mix import Target, Tokens
from groundplan_devkit.bench.rounds import PEAK_SECONDS, ROUNDS, Contender, Rounds, take_turns
from groundplan_devkit.bench.stage import NEVER_REFUSED, Stage

STOCK: Final = "floor: bare handler, uvicorn as it comes"
OWN: Final = "floor: bare handler, the service's protocol"
CACHED_GET: Final = "GET by id from the cache: token, role and rate limit checked"
INDEXED: Final = "floor: bare handler, one indexed read, uvicorn as it comes"
DATABASE_GET: Final = "GET by id from PostgreSQL, the cache away"


async def cached_get(on: Stage, service: str, target: Target, tokens: Tokens, seconds: float) -> Rounds:
    """A GET that the cache answers, beside two floors that ask it once."""
    duration = _duration(seconds)
    on.say(f"A GET from the cache and two floors, in {ROUNDS} rounds of {duration} s each")
    async with contextlib.AsyncExitStack() as stack:
        get = await stack.enter_async_context(_service(on, service, target, tokens, CACHED_GET, target.ids[0]))
        stock = await stack.enter_async_context(floor(on, service, target, STOCK, "uvicorn"))
        own = await stack.enter_async_context(floor(on, service, target, OWN, "chassis"))
        return await take_turns([stock, own, get], on.say, rounds=ROUNDS, seconds=duration)


async def database_get(on: Stage, service: str, target: Target, tokens: Tokens, seconds: float) -> Rounds:
    """The same GET while the cache is away, beside a floor that reads one row by its key."""
    duration = _duration(seconds)
    on.say(f"A GET while the cache is away and a floor with one indexed read, in {ROUNDS} rounds of {duration} s each")
    assert on.servers.postgres is not None
    dsn = on.servers.postgres.dsn(on.installation.database_name(service), shard=0)
    row = Row(dsn, target.resource.table(target.name), target.ids[1])
    cache = on.server("valkey")
    async with contextlib.AsyncExitStack() as stack:
        get = await stack.enter_async_context(_service(on, service, target, tokens, DATABASE_GET, target.ids[1]))
        read = await stack.enter_async_context(floor(on, service, target, INDEXED, "uvicorn", row))
        await asyncio.to_thread(on.servers.kill, cache)
        try:
            return await take_turns([read, get], on.say, rounds=ROUNDS, seconds=duration)
        finally:
            await asyncio.to_thread(on.servers.start, cache)


def bearer(tokens: Tokens) -> dict[str, str]:
    token = tokens.of("get")[0]
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _duration(seconds: float) -> int:
    return max(1, min(PEAK_SECONDS, int(seconds)))


@contextlib.asynccontextmanager
async def _service(
    on: Stage, service: str, target: Target, tokens: Tokens, name: str, identifier: object
) -> AsyncIterator[Contender]:
    running = await asyncio.to_thread(on.start, service, "api", **NEVER_REFUSED)
    try:
        yield Contender(name, f"{running.url}{target.path}/{identifier}", running.process.pid, bearer(tokens))
    finally:
        await asyncio.to_thread(running.stop)


@contextlib.asynccontextmanager
async def floor(
    on: Stage, service: str, target: Target, name: str, server: Server, row: Row | None = None
) -> AsyncIterator[Contender]:
    body = json.dumps({"data": {"id": str(target.ids[0])}})
    floor = await asyncio.to_thread(start_floor, on, service, Order(server, body, row))
    try:
        yield Contender(name, floor.url, floor.process.pid)
    finally:
        await asyncio.to_thread(floor.stop)
