"""The garbage collector in a process that imports the SDKs, declares and ends (docs/adr/0021-client-cpu.md)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)
"""Of the three generations. With these shop/prod takes 262 MiB instead of 258, and 264 without any collection, which
saves no more time (docs/adr/0021-client-cpu.md)."""


@contextmanager
def uncollected() -> Iterator[None]:
    """What is imported inside is never looked at by the collector.

    The SDKs are some 900 modules of classes, none of which is ever garbage; the collector walks all of them again and
    again while they are imported, and in each later collection.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def collect_seldom() -> None:
    """From now on, for a process that ends with its program: nearly all that a program makes lives as long as it does.

    Python's own thresholds look through it hundreds of times, which is a third of the time of declaring.
    """
    gc.set_threshold(*THRESHOLDS)
