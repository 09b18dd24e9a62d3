"""An open-loop load generator: requests leave when they are due, however late the answers are.

A closed loop waits for its answers and so asks less of a server that stalls, which hides the stall. Here latency counts
from the moment at which a request was due, queueing on this side included ("coordinated omission", Gil Tene, 2013).
One process, its answers parsed by httptools, costs a tenth of a core at 1,000 requests/s.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import httptools

TICK_SECONDS = 0.001
"""Requests that fall due within one tick leave together."""
ANSWER_SECONDS = 10.0
"""What is not answered by then counts as failed."""
LOOK_SECONDS = 0.1
"""Between two looks for what is overdue."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One request, ready to be written: ``name`` is what its latency is reported under."""

    name: str
    request: bytes


@dataclass(slots=True)
class Samples:
    """Latencies in milliseconds of one kind of request, and its answers by status (0: none came)."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Nearest rank; ``share`` from 0 to 1. What was never answered took for ever."""
        ordered = sorted(self.latencies_ms)
        rank = min(self.statuses.total() - 1, int(self.statuses.total() * share))
        return ordered[rank] if rank < len(ordered) else math.inf

    @property
    def failed(self) -> int:
        """Requests without an answer, or refused: all of them could have been done."""
        return sum(count for status, count in self.statuses.items() if status == 0 or status >= 400)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run saw: ``rate`` is what was asked for, ``achieved`` what was answered, in requests/s; ``seconds`` in
    which all were to leave."""

    rate: float
    seconds: float
    achieved: float
    samples: dict[str, Samples]

    def all(self) -> Samples:
        joined = Samples()
        for each in self.samples.values():
            joined.latencies_ms.extend(each.latencies_ms)
            joined.statuses.update(each.statuses)
        return joined


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with at most one request under way."""

    def __init__(self, generator: _Generator) -> None:
        self._generator = generator
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._current: tuple[Shot, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._generator.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's own name
        self._transport = None
        if self._current is not None:
            self._finish(0)
        self._generator.lost(self)

    def fire(self, shot: Shot, due: float) -> None:
        assert self._transport is not None
        self._current = (shot, due)
        self._transport.write(shot.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_message_complete(self) -> None:
        status, keep = self._parser.get_status_code(), self._parser.should_keep_alive()
        self._finish(status)
        if keep:
            self._generator.free(self)
        else:
            self.close()

    def overdue(self, now: float) -> bool:
        return self._current is not None and now - self._current[1] > ANSWER_SECONDS

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _finish(self, status: int) -> None:
        assert self._current is not None
        shot, due = self._current
        self._current = None
        self._generator.answered(shot, due, status)


class _Generator:
    def __init__(self, host: str, port: int, connections: int, sources: Iterator[str] | None) -> None:
        self._address = (host, port)
        self._sources = sources
        self._wanted = connections
        self._connections: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._idle: deque[_Connection] = deque()
        self._due: deque[tuple[Shot, float]] = deque()
        self._outstanding = 0
        self._looked = 0.0
        self.samples: dict[str, Samples] = {}

    async def run(self, shots: Sequence[Shot], rate: float) -> Run:
        start = perf_counter()
        total, sent = len(shots), 0
        seconds = total / rate
        while sent < total:
            now = perf_counter()
            while sent < total and start + sent / rate <= now:
                self._due.append((shots[sent], start + sent / rate))
                self._outstanding += 1
                sent += 1
            self._fill(now)
            await asyncio.sleep(TICK_SECONDS)
        deadline = perf_counter() + ANSWER_SECONDS
        while self._outstanding and perf_counter() < deadline:
            self._fill(perf_counter())
            await asyncio.sleep(TICK_SECONDS)
        elapsed = perf_counter() - start
        for shot, _ in self._due:
            self.samples.setdefault(shot.name, Samples()).statuses[0] += 1
        self._due.clear()
        for connection in tuple(self._connections):
            connection.close()
        for task in self._opening:
            task.cancel()
        # What is still under way counts as unanswered once its connection is gone, which the loop tells in a next turn.
        while self._connections and perf_counter() < deadline + ANSWER_SECONDS:
            await asyncio.sleep(TICK_SECONDS)
        answered = sum(len(each.latencies_ms) for each in self.samples.values())
        return Run(rate, seconds, answered / max(elapsed, seconds), self.samples)

    def _fill(self, now: float) -> None:
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            for connection in [each for each in self._connections if each.overdue(now)]:
                connection.close()
        missing = self._wanted - len(self._connections) - len(self._opening)
        for _ in range(missing):
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        self._send()

    async def _open(self) -> None:
        source = None if self._sources is None else (next(self._sources), 0)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), *self._address, local_addr=source
            )
        except OSError:
            # The server is away: requests wait, and their latency tells.
            await asyncio.sleep(0.05)

    def _send(self) -> None:
        while self._due and self._idle:
            connection = self._idle.popleft()
            connection.fire(*self._due.popleft())

    def opened(self, connection: _Connection) -> None:
        self._connections.add(connection)
        self.free(connection)

    def free(self, connection: _Connection) -> None:
        self._idle.append(connection)
        self._send()

    def lost(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def answered(self, shot: Shot, due: float, status: int) -> None:
        self._outstanding -= 1
        samples = self.samples.setdefault(shot.name, Samples())
        samples.statuses[status] += 1
        if status:
            samples.latencies_ms.append((perf_counter() - due) * 1000)


async def drive(
    host: str,
    port: int,
    shots: Sequence[Shot],
    *,
    connections: int,
    rate: float = math.inf,
    sources: Iterator[str] | None = None,
) -> Run:
    """Sends ``shots`` over ``connections``, ``rate`` of them a second, and waits for the answers.

    Without a rate all are due at once, and each connection always has one. One that breaks is opened anew; its request
    counts as unanswered, status 0. ``sources``: the local address of each connection, one after the other; Linux lets
    any of 127.0.0.0/8 be one.
    """
    return await _Generator(host, port, connections, sources).run(shots, rate)
