"""Token-bucket arithmetic (S7) in whole numbers: exact, and equal in Python and in Lua.

A bucket is told by its debt. Full means no debt. In the units used here a request costs the window's length in
microseconds, and each microsecond pays back as many units as the bucket holds requests: an empty bucket fills up in
one window, and a fraction of a request is never lost. With at most 2,000,000 requests in at most 3,600 seconds
(`groundplan_chassis.settings`) a debt stays below 2^53, up to which Lua's numbers are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

MICROSECONDS: Final = 1_000_000
LARGEST: Final = 2**53
"""Beyond it Lua's numbers, which are IEEE doubles, leave out whole ones."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``requests`` at once at most, and on the average in ``seconds``."""

    requests: int
    seconds: int
    cost: int = field(init=False, repr=False, compare=False)
    """Of one request, in units of debt."""
    capacity: int = field(init=False, repr=False, compare=False)
    """The largest debt: that of an empty bucket."""
    paid_a_second: int = field(init=False, repr=False, compare=False)
    """Units of debt."""

    def __post_init__(self) -> None:
        cost = self.seconds * MICROSECONDS
        object.__setattr__(self, "cost", cost)
        object.__setattr__(self, "capacity", self.requests * cost)
        object.__setattr__(self, "paid_a_second", self.requests * MICROSECONDS)
        if self.requests < 1 or self.seconds < 1 or self.capacity >= LARGEST:
            raise ValueError(
                f"{self.requests} requests in {self.seconds} s: expected 1 or more of both, and less of them"
            )


class Verdict(msgspec.Struct, frozen=True):
    """On one request."""

    allowed: bool
    limit: int
    """Requests that a full bucket holds."""
    remaining: int
    """Whole requests that are left in it."""
    reset_seconds: int
    """Until it is full again, rounded up."""
    retry_after: int
    """Seconds until one request will be allowed, rounded up; 0 where one is now."""
    window_seconds: int
    """In which an empty bucket fills up."""


def paid_back(limit: Limit, debt: int, elapsed: int) -> int:
    """The debt after so many microseconds. Time that runs backwards pays nothing."""
    if elapsed >= limit.cost:
        return 0
    return max(0, debt - max(0, elapsed) * limit.requests)


def verdict_of(limit: Limit, debt: int, allowed: bool) -> Verdict:
    """``debt`` after the request, if it was allowed; before it else."""
    cost, paid = limit.cost, limit.paid_a_second
    left = limit.capacity - debt
    return Verdict(
        allowed,
        limit.requests,
        left // cost,
        -(-debt // paid),
        -(-(cost - left) // paid) if left < cost else 0,
        limit.seconds,
    )


class LocalBuckets:
    """The most recently used buckets of one process, in bounded number."""

    def __init__(self, limit: Limit, most: int) -> None:
        self._limit = limit
        self._most = most
        self._buckets: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: int) -> Verdict:
        """``now`` in microseconds, on any clock."""
        limit = self._limit
        bucket = self._buckets.pop(key, (0, now))
        owed, since = bucket
        debt = paid_back(limit, owed, now - since)
        allowed = debt + limit.cost <= limit.capacity
        if allowed:
            debt += limit.cost
        # A refusal changes nothing, unless the clock was set back: as in the script.
        if allowed or now < since:
            bucket = (debt, now)
        if len(self._buckets) >= self._most:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = bucket
        return verdict_of(limit, debt, allowed)
