"""Clients under faults: some write and do not give up, some read (R1, A3).

Each write has a key, and is sent again until it is acknowledged. A read is sent once, so that each failure counts.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from uuid import UUID, uuid4

import httpx

from groundplan_devkit.bench.faults.ledger import Ledger

ATTEMPT_SECONDS = 5.0
"""Time-out of a client; the outcome at the server is then unknown to it."""
PAUSE_SECONDS = 0.25
"""Pause between two attempts at the same write."""
GIVE_UP_SECONDS = 120.0
"""Time after which an unacknowledged write is a finding of the bench."""
END_SECONDS = GIVE_UP_SECONDS + 2 * ATTEMPT_SECONDS
"""Time for requests in work after the stop."""
LISTED = 0.2
"""Share of reads that request the newest rows; the others request one row."""

Body = dict[str, object]


class Clients:
    """Write and read at a steady rate until `stop`, then finish requests in work."""

    def __init__(
        self,
        *,
        writing: Callable[[], str],
        reading: Callable[[], str],
        writer_token: str,
        reader_token: str,
        bodies: Iterator[Body],
        rate: float,
    ) -> None:
        """``writing``, ``reading``: the collection's URL; ``rate``: writes/s, and as many reads/s."""
        self._writing, self._reading = writing, reading
        self._writer = {"Authorization": f"Bearer {writer_token}"}
        self._reader = {"Authorization": f"Bearer {reader_token}"}
        self._bodies, self._rate = bodies, rate
        self._stopped = asyncio.Event()
        self._known: list[UUID] = []
        self.ledger = Ledger()

    async def run(self) -> Ledger:
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=ATTEMPT_SECONDS, limits=limits) as client, asyncio.TaskGroup() as group:
            group.create_task(self._steadily(group, lambda: self._write(client, next(self._bodies))))
            group.create_task(self._steadily(group, lambda: self._read(client)))
        return self.ledger

    def stop(self) -> None:
        self._stopped.set()

    async def _steadily(self, group: asyncio.TaskGroup, act: Callable[[], Awaitable[None]]) -> None:
        """However long each takes."""
        begun = monotonic()
        for number in itertools.count(1):
            if self._stopped.is_set():
                break
            group.create_task(_awaited(act()))
            await asyncio.sleep(max(0.0, begun + number / self._rate - monotonic()))

    async def _write(self, client: httpx.AsyncClient, body: Body) -> None:
        key = uuid4()
        headers = {**self._writer, "Idempotency-Key": str(key)}
        deadline = monotonic() + GIVE_UP_SECONDS
        ledger = self.ledger
        while monotonic() < deadline:
            ledger.attempts += 1
            try:
                answer = await client.post(self._writing(), json=body, headers=headers)
            except httpx.HTTPError as error:
                ledger.failed("write", type(error).__name__)
            else:
                if answer.status_code == httpx.codes.CREATED:
                    made = UUID(answer.json()["data"]["id"])
                    ledger.acknowledged[key] = made
                    self._known.append(made)
                    return
                ledger.failed("write", str(answer.status_code))
            await asyncio.sleep(PAUSE_SECONDS)
        ledger.given_up.append(key)

    async def _read(self, client: httpx.AsyncClient) -> None:
        """The read model may not have a row yet, so that 404 is an answer here; the verdict looks for all of them."""
        wanted = "?limit=20"
        if self._known and random.random() > LISTED:  # noqa: S311  a choice of rows, no secret
            wanted = f"/{random.choice(self._known)}"  # noqa: S311
        self.ledger.attempts += 1
        try:
            answer = await client.get(f"{self._reading()}{wanted}", headers=self._reader)
        except httpx.HTTPError as error:
            self.ledger.failed("read", type(error).__name__)
            return
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            self.ledger.failed("read", str(answer.status_code))


async def _awaited(action: Awaitable[None]) -> None:
    await action
