"""Waiting for what comes by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE_SECONDS: Final = 600.0
"""After that nothing will come: a test that hangs takes all that would follow with it."""


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns once the condition holds. Fails after PATIENCE_SECONDS."""
    given_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < given_up, f"it has not come in {PATIENCE_SECONDS:.0f} s"
        await asyncio.sleep(0.01)
