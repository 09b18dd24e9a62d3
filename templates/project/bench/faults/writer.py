"""Clients that write and do not give up: each write has a key, and is sent again until it is acknowledged (R1, A3)."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID, uuid4

import httpx

ATTEMPT_SECONDS = 5.0
"""A client's own time-out; what the server did by then is unknown to it."""
PAUSE_SECONDS = 0.25
"""Between two attempts at the same write."""
GIVE_UP_SECONDS = 180.0
"""A write that isn't acknowledged by then is the bench's finding, not the client's patience."""

Body = dict[str, object]


@dataclass(slots=True)
class Ledger:
    """What clients know: writes acknowledged with their ids, and every failure on the way there.

    ``failures`` are seconds since the start, by what came instead of an acknowledgement: a status, or the class of an
    error of the connection.
    """

    acknowledged: dict[UUID, UUID] = field(default_factory=dict)
    """The write's key to the id of the row that the service said it made."""
    given_up: list[UUID] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    attempts: int = 0
    begun: float = field(default_factory=monotonic)

    def between(self, start: float, end: float) -> Counter[str]:
        """Failures from ``start`` to ``end`` seconds after the beginning, by kind."""
        return Counter(kind for at, kind in self.failures if start <= at < end)

    @property
    def now(self) -> float:
        return monotonic() - self.begun


class Writer:
    """Writes at a steady rate until it is told to stop, then ends what it began."""

    def __init__(self, url: Callable[[], str], token: str, bodies: Iterator[Body], rate: float) -> None:
        """``url`` of the collection; asked for each time, as a service that starts again may have moved."""
        self._url, self._token, self._bodies, self._rate = url, token, bodies, rate
        self._stopped = asyncio.Event()
        self.ledger = Ledger()

    async def run(self) -> Ledger:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=ATTEMPT_SECONDS, limits=limits) as client, asyncio.TaskGroup() as group:
            begun = monotonic()
            for number in itertools.count():
                if self._stopped.is_set():
                    break
                group.create_task(self._write(client, next(self._bodies)))
                await asyncio.sleep(max(0.0, begun + (number + 1) / self._rate - monotonic()))
        return self.ledger

    def stop(self) -> None:
        self._stopped.set()

    async def _write(self, client: httpx.AsyncClient, body: Body) -> None:
        key = uuid4()
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(key)}
        deadline = monotonic() + GIVE_UP_SECONDS
        ledger = self.ledger
        while monotonic() < deadline:
            ledger.attempts += 1
            try:
                answer = await client.post(self._url(), json=body, headers=headers)
            except httpx.HTTPError as error:
                ledger.failures.append((ledger.now, type(error).__name__))
            else:
                if answer.status_code == httpx.codes.CREATED:
                    ledger.acknowledged[key] = UUID(answer.json()["data"]["id"])
                    return
                ledger.failures.append((ledger.now, str(answer.status_code)))
            await asyncio.sleep(PAUSE_SECONDS)
        ledger.given_up.append(key)
