"""Ends a process whose event loop stands still (docs/adr/0022-liveness.md).

Kubernetes doesn't ask the event loop whether it lives: under load it would answer late, and be restarted for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import sys
from collections.abc import Iterator
from typing import Final

BEAT_SECONDS: Final = 1.0
"""Time between two signs of life."""
STALLED_SECONDS: Final = 30.0
"""Time without one after which the process ends. All requests have passed their deadline by then
(`groundplan_chassis.http.app`), and each of them has many turns of the loop, of milliseconds."""


@contextlib.contextmanager
def watchdog() -> Iterator[None]:
    """While it is open, the running event loop must turn, or the process ends with status 1.

    What its threads are at goes to standard error first, without values. The interpreter itself does both, in a thread
    that needs no lock of it: a loop that hangs in C code is ended, too.
    """
    loop = asyncio.get_running_loop()
    beat: asyncio.TimerHandle

    def turn() -> None:
        nonlocal beat
        faulthandler.dump_traceback_later(STALLED_SECONDS, exit=True, file=sys.stderr)
        beat = loop.call_later(BEAT_SECONDS, turn)

    turn()
    try:
        yield
    finally:
        beat.cancel()
        faulthandler.cancel_dump_traceback_later()
