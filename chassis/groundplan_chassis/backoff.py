"""Pauses between retries: exponential, with jitter, and cut short by a stop signal."""

from __future__ import annotations

import asyncio
import random


class Backoff:
    """The pauses of one series of failures."""

    def __init__(self, first: float, longest: float) -> None:
        """Both in seconds."""
        self._first = first
        self._longest = longest
        self._number = 0

    def next(self) -> float:
        """Seconds to wait now: half to all of a figure that doubles up to the longest."""
        longest = min(self._first * 2.0 ** min(self._number, 30), self._longest)
        self._number += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def reset(self) -> None:
        """After a success the next pause is a short one."""
        self._number = 0


async def pause(seconds: float, stop: asyncio.Event) -> bool:
    """Waits, but not for longer than until ``stop`` is set; returns whether it is."""
    if seconds > 0 and not stop.is_set():
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass
    return stop.is_set()
