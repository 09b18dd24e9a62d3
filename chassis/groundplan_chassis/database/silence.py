"""Finds a server that takes statements and answers none: frozen, or cut off without a reset.

The kernel of a frozen server still acknowledges what is sent, so no time-out of TCP tells it from a slow statement.
A second question does: a server that answers neither it nor any other statement meanwhile is silent. A statement that
is only slow keeps its time (`limits.STATEMENT_SECONDS`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import asyncpg

from groundplan_chassis.database import limits
from groundplan_chassis.environment import Address

if TYPE_CHECKING:
    from groundplan_chassis.database.place import Pooled

LOOK_SECONDS: Final = 0.1
"""Between two looks at what waits, while something does."""
LATE_SECONDS: Final = 0.2
"""A timer of this process that fires so late says that the process was held up, and nothing about the server."""

Probe = Callable[[Address], Awaitable[None]]
"""Returns once the server has said anything at all; an error that the server answers counts as an answer. Raises what
the network says, for a server that can't be reached."""
Report = Callable[[Address], Awaitable[None]]
"""Called once the server is known to be silent, before its connections end."""


class Watch:
    """The statements of one place that wait for an answer. Costs them two entries in dictionaries."""

    def __init__(self, probe: Probe, report: Report) -> None:
        self._probe = probe
        self._report = report
        self._waiting: dict[Pooled, tuple[Address, float]] = {}
        self._answered: dict[Address, float] = {}
        self._silenced: set[Pooled] = set()
        self._task: asyncio.Task[None] | None = None

    def sent(self, connection: Pooled, address: Address) -> None:
        """A statement was sent on the connection."""
        self._waiting[connection] = (address, asyncio.get_running_loop().time())
        if self._task is None:
            self._task = asyncio.create_task(self._look(), name="watch over silent servers")

    def over(self, connection: Pooled, *, answered: bool) -> bool:
        """The wait has ended. Returns whether it was ended here, for the server's silence."""
        waited = self._waiting.pop(connection, None)
        if answered and waited is not None:
            self._answered[waited[0]] = asyncio.get_running_loop().time()
        if connection in self._silenced:
            self._silenced.discard(connection)
            return True
        return False

    async def close(self) -> None:
        """Ends the watch."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _look(self) -> None:
        """While statements wait; the next one starts it again."""
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_SECONDS)
                now = asyncio.get_running_loop().time()
                suspects = {
                    address
                    for address, since in self._waiting.values()
                    if now - max(since, self._answered.get(address, 0.0)) >= limits.SUSPICIOUS_SECONDS
                }
                await asyncio.gather(*(self._ask(address) for address in suspects))
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _ask(self, address: Address) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        asking = asyncio.ensure_future(self._probe(address))
        try:
            done, _ = await asyncio.wait([asking], timeout=limits.PROBE_SECONDS)
        finally:
            asking.cancel()
        if done and asking.exception() is None:
            self._answered[address] = loop.time()
            return
        late = loop.time() - begun - limits.PROBE_SECONDS
        if late > LATE_SECONDS or self._answered.get(address, 0.0) >= begun:
            return
        await self._report(address)
        for connection, (where, _) in list(self._waiting.items()):
            if where == address:
                self._silenced.add(connection)
                # One that was lost meanwhile is known to its caller: the others end all the same.
                with contextlib.suppress(asyncpg.InterfaceError):
                    connection.terminate()
