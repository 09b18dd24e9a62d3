"""What a bench is doing, said line by line with the seconds since it began: a run takes minutes, and nobody guesses."""

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
