"""What was measured, and CloudWatch's statistics of it over a period."""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one subject: a service, a reader's topic, a workload, a server; empty where there is one only."""

    name: str
    subject: str = ""


@dataclass(frozen=True, slots=True, order=True)
class _Sample:
    at: float
    value: float = field(compare=False)
    count: int = field(compare=False)


def _at(sample: _Sample) -> float:
    return sample.at


@dataclass
class Readings:
    """All that was measured, by metric in the order of time; moments are seconds of one clock."""

    _samples: dict[Metric, list[_Sample]] = field(default_factory=lambda: defaultdict(list))

    def add(self, metric: Metric, at: float, value: float, count: int = 1) -> None:
        """``count``: how often the value was measured."""
        bisect.insort(self._samples[metric], _Sample(at, value, count))

    def statistic(self, metric: Metric, statistic: str, start: float, end: float) -> float | None:
        """`Sum`, `Average`, `Minimum`, `Maximum` or a percentile (`p95`) of ``[start, end)``; None: no data."""
        every = self._samples.get(metric, [])
        samples = every[bisect.bisect_left(every, start, key=_at) : bisect.bisect_left(every, end, key=_at)]
        if not samples:
            return None
        if statistic.startswith("p"):
            return _percentile(samples, float(statistic[1:]) / 100)
        values = [each.value for each in samples]
        total = sum(each.value * each.count for each in samples)
        return {
            "Sum": total,
            "Average": total / sum(each.count for each in samples),
            "Minimum": min(values),
            "Maximum": max(values),
        }[statistic]


def _percentile(samples: Sequence[_Sample], share: float) -> float:
    ordered = sorted(samples, key=lambda each: each.value)
    wanted = math.ceil(share * sum(each.count for each in ordered))
    passed = 0
    for each in ordered:
        passed += each.count
        if passed >= wanted:
            return each.value
    return ordered[-1].value
