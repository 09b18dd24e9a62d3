"""The same metrics for an OpenTelemetry collector."""

from __future__ import annotations

from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter

from groundplan_chassis.observe import names

_UNITS: Final = {"Milliseconds": "ms", "Seconds": "s"}


class Telemetry:
    """An observer of `Metrics` that exports its values, once for each flush."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def counted(self, name: str, count: int) -> None:
        if name not in self._counters:
            self._counters[name] = self._meter.create_counter(name)
        self._counters[name].add(count)

    def recorded(self, name: str, value: float, count: int) -> None:
        if name not in self._histograms:
            unit = _UNITS.get(names.UNITS.get(name, ""), "1")
            self._histograms[name] = self._meter.create_histogram(name, unit)
        histogram = self._histograms[name]
        for _ in range(count):
            histogram.record(value)
