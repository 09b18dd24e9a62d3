"""What requests may cost at once, for each caller and in the process: list queries, waits, and bytes in memory.

Counts are this process's own. A request in its rate limit may still ask for much: a hundred rows of a megabyte, or a
list that no index serves.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from groundplan_chassis.http.errors import TooManyAtOnce, Unavailable

LISTS_OF_CALLER: Final = 8
"""Most lists of one caller at once."""
WALKS_OF_CALLER: Final = 2
"""Most lists of one caller at once that no single index serves."""
WALKS: Final = 4
"""The same of all callers: other requests keep most of the process's database connections."""
WAITS_OF_CALLER: Final = 8
"""Most reads of one caller at once that wait for a write (`Consistency-Token`). A token is no proof of one: who makes
them up gets a dozen queries, and two seconds of a request's place, for each."""
BYTES_IN_FLIGHT: Final = 24 * 1024 * 1024
"""Bytes of bodies and large pages at once. A page is in memory three times while it is put together; a pod has 256 MiB
at least, of which 150 are the interpreter's (`groundplan.capacity.figures`)."""
SMALL: Final = 64 * 1024
"""Bodies and responses up to this size are not counted: the bound on requests (`groundplan_chassis.serving`) holds
them."""
PATIENCE_SECONDS: Final = 2.0
"""Longest wait for bytes to come free."""


Caller = tuple[str, str]
"""The subject of a token, empty without one, and then the client's address."""


class Bytes:
    """A bound on bytes that are in memory at once; who waits is served in order."""

    def __init__(self, most: int = BYTES_IN_FLIGHT) -> None:
        self._free = most
        self._most = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken(self) -> int:
        return self._most - self._free

    def take_now(self, count: int) -> None:
        """Raises Unavailable where so many are not free."""
        if self._waiting or count > self._free:
            raise _full()
        self._free -= count

    def count(self, count: int) -> int:
        """Takes bytes that are in memory already, whether or not so many are free."""
        self._free -= count
        return count

    async def take(self, count: int) -> None:
        """Waits for so many bytes. Raises Unavailable after PATIENCE_SECONDS."""
        if not self._waiting and count <= self._free:
            self._free -= count
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await asyncio.wait_for(turn, PATIENCE_SECONDS)
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.give(count)
            else:
                self._waiting = deque(each for each in self._waiting if each[1] is not turn)
                self._serve()
            if isinstance(error, TimeoutError):
                raise _full() from None
            raise

    def give(self, count: int) -> None:
        self._free += count
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= count
                turn.set_result(None)


class Admission:
    """The bounds of one process."""

    def __init__(self) -> None:
        self.bytes = Bytes()
        self._lists: Counter[Caller] = Counter()
        self._walks: Counter[Caller] = Counter()
        self._waits: Counter[Caller] = Counter()

    @contextmanager
    def waiting(self, caller: Caller) -> Iterator[None]:
        """A read while it waits for a write. Raises TooManyAtOnce where the caller has as many already."""
        if self._waits[caller] >= WAITS_OF_CALLER:
            raise TooManyAtOnce
        with _counted([self._waits], caller):
            yield

    @contextmanager
    def listing(self, caller: Caller, *, walks: bool) -> Iterator[None]:
        """A list while it is read; ``walks``: through rows that it does not answer with.

        Raises TooManyAtOnce where the caller has as many already, Unavailable where the process has.
        """
        if self._lists[caller] >= LISTS_OF_CALLER or (walks and self._walks[caller] >= WALKS_OF_CALLER):
            raise TooManyAtOnce
        if walks and self._walks.total() >= WALKS:
            raise Unavailable("Too many lists that no single index serves are read just now")
        with _counted([self._lists, *([self._walks] if walks else [])], caller):
            yield


@contextmanager
def _counted(counters: Sequence[Counter[Caller]], caller: Caller) -> Iterator[None]:
    for counter in counters:
        counter[caller] += 1
    try:
        yield
    finally:
        for counter in counters:
            counter[caller] -= 1
            if not counter[caller]:
                del counter[caller]


def _full() -> Unavailable:
    return Unavailable("Too many bytes are in work just now")
