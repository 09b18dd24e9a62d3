"""The stop signal: SIGTERM from Kubernetes, SIGINT from a keyboard."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

log = logging.getLogger(__name__)


class StopOrder:
    """Waits for a signal. A second one cancels what is still running."""

    def __init__(self) -> None:
        self._given = asyncio.Event()
        self._impatient: list[Callable[[], object]] = []
        self.reason = ""

    def listen(self) -> None:
        """Handles both signals in the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._receive, number.name)

    def give(self, reason: str) -> None:
        """Stops without a signal."""
        self.reason = self.reason or reason
        self._given.set()

    def when_impatient(self, act: Callable[[], object]) -> None:
        self._impatient.append(act)

    @property
    def given(self) -> bool:
        return self._given.is_set()

    async def wait(self) -> None:
        await self._given.wait()

    def _receive(self, name: str) -> None:
        if self.given:
            log.warning("%s again: what still runs is cut off", name)
            for act in self._impatient:
                act()
            return
        log.info("%s: stopping; no new work is taken", name)
        self.give(name)
