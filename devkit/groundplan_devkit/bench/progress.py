"""Progress of a bench: one line for each step, with the seconds since the start. A run takes minutes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

Say = Callable[[str], None]


class Progress:
    """Called with a line, prints it."""

    def __init__(self) -> None:
        self._begun = monotonic()

    def __call__(self, line: str) -> None:
        print(f"[{monotonic() - self._begun:6.1f} s] {line}", flush=True)
