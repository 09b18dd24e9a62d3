"""A figure that is known as a range: least, expected and most."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Band:
    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Band:
        return cls(value, value, value)

    def __add__(self, other: Band) -> Band:
        return Band(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __sub__(self, other: Band) -> Band:
        """The difference of each of the three; not a band of its own."""
        return Band(self.low - other.low, self.expected - other.expected, self.high - other.high)

    def __mul__(self, other: Band | float) -> Band:
        if isinstance(other, Band):
            return Band(self.low * other.low, self.expected * other.expected, self.high * other.high)
        return Band(self.low * other, self.expected * other, self.high * other)

    __rmul__ = __mul__

    def each(self, function: Callable[[float], float]) -> Band:
        return Band(function(self.low), function(self.expected), function(self.high))


NOTHING = Band(0, 0, 0)


def total(bands: Iterable[Band]) -> Band:
    return sum(bands, NOTHING)
