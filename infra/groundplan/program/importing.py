"""Imports without the garbage collector in between."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """What is imported inside is never looked at by the collector.

    The SDKs are some 900 modules of classes, none of which is ever garbage; the collector walks all of them again and
    again while they are imported, and in each later collection (docs/adr/0021-client-cpu.md).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
