"""One `make dev` at a time in a directory: two would stop each other's servers and start each other's services."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from infra.owned import claim
from local.problems import Unavailable
from local.state import adopt

LOCK = "dev.lock"
RUNNING = "dev.running"
"""Who holds the lock: its process, and its address once it has one."""


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Holds the directory until the block, or this process, has ended. Raises Unavailable when another one does."""
    adopt(directory)
    claim(directory)
    running = directory / RUNNING
    # Of the operating system: it ends with the process, however that ends.
    lock = FileLock(directory / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        holder = running.read_text(encoding="utf-8") if running.exists() else "starting"
        raise Unavailable(
            "make dev",
            f"running already ({holder})",
            "one at a time in a project",
            "use that one, or press Ctrl-C where it runs and start anew",
        ) from None
    try:
        running.write_text(f"pid {os.getpid()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def tell_address(directory: Path, url: str) -> None:
    """What a second one says of this one."""
    (directory / RUNNING).write_text(f"{url}, pid {os.getpid()}", encoding="utf-8")
