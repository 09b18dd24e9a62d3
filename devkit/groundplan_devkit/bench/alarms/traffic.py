"""Requests at a steady rate, seen from where gateway and load balancer stand. None is sent twice: what
lasts for minutes would gather them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from time import monotonic
from uuid import uuid4

import httpx

from groundplan_devkit.bench.alarms.sources import Sources
from groundplan_devkit.bench.faults.clients import Body
from groundplan_devkit.bench.faults.whole import Whole
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage

RATE = 10.0
"""Writes/s, and as many reads/s."""
ANSWER_SECONDS = 29.0
"""The gateway's own time-out (`groundplan_components.gateway`)."""


@contextlib.asynccontextmanager
async def traffic(
    on: Stage, running: Whole, service: str, target: Target, bodies: Iterator[Body], sources: Sources
) -> AsyncIterator[None]:
    """While the block runs."""
    tokens = {operation: on.sign(target.role(operation) or "none", subject="bench") for operation in ("create", "list")}
    headers = {operation: {"Authorization": f"Bearer {token}"} for operation, token in tokens.items()}

    async def write(client: httpx.AsyncClient) -> None:
        url = f"{running.writing(service).url}{target.path}"
        key = {"Idempotency-Key": str(uuid4())}
        begun = monotonic()
        status = await _status(client.post(url, json=next(bodies), headers=headers["create"] | key))
        sources.answered(status, monotonic() - begun)
        if status is not None:
            sources.answered_by(running.writing(service), status)

    async def read(client: httpx.AsyncClient) -> None:
        url = f"{running.reading(service).url}{target.path}?limit=20"
        begun = monotonic()
        sources.answered(await _status(client.get(url, headers=headers["list"])), monotonic() - begun)

    async def steadily(client: httpx.AsyncClient, group: asyncio.TaskGroup) -> None:
        begun, number = monotonic(), 0
        while True:
            group.create_task(write(client))
            group.create_task(read(client))
            number += 1
            await asyncio.sleep(max(0.0, begun + number / RATE - monotonic()))

    async def all_of_it() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=limits) as client, asyncio.TaskGroup() as group:
            await steadily(client, group)

    working = asyncio.create_task(all_of_it())
    try:
        yield
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _status(request: Awaitable[httpx.Response]) -> int | None:
    """None: the connection broke, or nothing listened."""
    try:
        answer = await request
    except httpx.TimeoutException:
        return int(httpx.codes.GATEWAY_TIMEOUT)
    except httpx.HTTPError:
        return None
    return answer.status_code
