"""How numbers are written in reasons, reports and documents."""

from __future__ import annotations

import math
from itertools import groupby


def number(value: float, digits: int = 1) -> str:
    """Thousands separated, and no more digits after the point than say something: ``1,250``, ``0.25``, ``3.3``."""
    if 0 < abs(value) < 0.01:
        return "less than 0.01"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".")


def whole(value: float) -> str:
    """A load that can still be borne: rounded down, but not for what floating point took away."""
    return f"{math.floor(value + 1e-6):,}"


def percent(share: float) -> str:
    """A share of one as whole percent: ``63 %``."""
    return f"{share:.0%}".replace("%", " %")


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """``1 replica``, ``3 replicas``."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def span(least: int, most: int) -> str:
    """``3 to 8``, or ``2`` where both are the same."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def sizes(each: tuple[int, ...]) -> str:
    """Sizes of things alike, runs together: ``1300``, ``6500, 3 x 200``."""
    runs = [(size, len(list(same))) for size, same in groupby(each)]
    if len(runs) == 1:
        return str(runs[0][0])
    return ", ".join(str(size) if times == 1 else f"{times} x {size}" for size, times in runs)
