"""How fast a core is just now, beside the bench's begin: those of shared hosts drift by a quarter within minutes.

A figure of CPU time is brought to the speed of the begin, so that services which are measured one after the other can
be compared.
"""

from __future__ import annotations

import json
import time

LOOKS = 3
_TIMES = 1500
_DOCUMENT = json.dumps({"data": {str(number): ["text", number, number / 7, None, True] for number in range(12)}})


class Speed:
    """The speed of a core when the bench began."""

    def __init__(self) -> None:
        self._first = look()

    def factor(self, before: float, after: float) -> float:
        """What CPU time is to be multiplied by that was spent between two looks."""
        return 2 * self._first / (before + after)


def look() -> float:
    """CPU seconds of the same work at any time; the least of some, as an interrupt adds to one."""
    return min(_worked() for _ in range(LOOKS))


def _worked() -> float:
    start = time.process_time()
    for _ in range(_TIMES):
        json.dumps(json.loads(_DOCUMENT))
    return time.process_time() - start
