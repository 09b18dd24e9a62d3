"""Requests at a steady rate, seen from where gateway and load balancer stand. None is sent twice: what
lasts for minutes would gather them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from time import monotonic
from uuid import uuid4

import httpx

from groundplan_devkit.bench.alarms.sources import By, Sources
from groundplan_devkit.bench.faults.clients import Body
from groundplan_devkit.bench.faults.whole import Whole
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.services import RunningService

RATE = 10.0
"""Writes/s, and as many reads/s."""
ANSWER_SECONDS = 10.0
"""So long the gateway waits for an answer (`timeout_ms` of `groundplan_components.gateway`)."""


@contextlib.asynccontextmanager
async def traffic(
    on: Stage, running: Whole, service: str, target: Target, bodies: Iterator[Body], sources: Sources
) -> AsyncIterator[None]:
    """While the block runs."""
    tokens = {operation: on.sign(target.role(operation) or "none", subject="bench") for operation in ("create", "list")}
    headers = {operation: {"Authorization": f"Bearer {token}"} for operation, token in tokens.items()}

    async def write(client: httpx.AsyncClient) -> None:
        process = running.writing(service)
        key = {"Idempotency-Key": str(uuid4())}
        request = client.post(f"{process.url}{target.path}", json=next(bodies), headers=headers["create"] | key)
        await send(sources, process, request)

    async def read(client: httpx.AsyncClient) -> None:
        process = running.reading(service)
        request = client.get(f"{process.url}{target.path}?limit=20", headers=headers["list"])
        await send(sources, process, request)

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


async def send(sources: Sources, process: RunningService, request: Awaitable[httpx.Response]) -> None:
    """One request through gateway and load balancer to a process, counted as they count it.

    Where the process says nothing in time, the gateway answers, and closes its connection to the load balancer, which
    takes that for the client's doing. Where there is no connection, or it breaks, the load balancer answers.
    """
    begun = monotonic()
    status: int
    try:
        status, by = (await request).status_code, By.TARGET
    except (httpx.ReadTimeout, httpx.WriteTimeout):
        status, by = httpx.codes.GATEWAY_TIMEOUT, By.GATEWAY
    except httpx.HTTPError:
        status, by = httpx.codes.BAD_GATEWAY, By.BALANCER
    sources.answered(process, status, by, monotonic() - begun)
