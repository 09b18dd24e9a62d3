"""Metrics by CloudWatch's embedded metric format (EMF): lines among the logs, of which CloudWatch makes metrics.

Counts and durations are gathered for some seconds and leave in one line, as value and count of each bucket of a
logarithmic histogram: a hundred thousand measurements cost as much log as a hundred, and CloudWatch's percentiles are
right to one percent. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from groundplan_chassis.observe import names

FLUSH_SECONDS: Final = 5.0
"""CloudWatch's own resolution is a minute; a killed process loses no more than this."""
MOST_VALUES: Final = 100
"""Values of one metric in one line (EMF's limit for arrays)."""
BUCKET_RATIO: Final = 1.02
"""Upper to lower edge of a bucket: the value told for a measurement is at most one percent away from it."""
_LOG_RATIO: Final = math.log(BUCKET_RATIO)
_SMALLEST: Final = 0.001
"""Anything smaller counts as this: a microsecond where the unit is milliseconds."""
_GATHERED: Final = 20_000
"""Measurements of one metric that wait before they are put into buckets, and counts before they are added up."""

log = logging.getLogger(__name__)


class Observer(Protocol):
    """A second destination of the metrics: OpenTelemetry."""

    def counted(self, name: str, count: int) -> None: ...

    def recorded(self, name: str, value: float, count: int) -> None: ...


class Distribution:
    """Measurements in buckets; smallest, largest and sum are exact."""

    __slots__ = ("counts", "least", "most", "total")

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.least = math.inf
        self.most = -math.inf
        self.total = 0.0

    def add(self, values: Sequence[float]) -> None:
        log, floor, smallest = math.log, math.floor, _SMALLEST
        self.counts.update([floor(log(value if value > smallest else smallest) / _LOG_RATIO) for value in values])
        self.least = min(self.least, min(values))
        self.most = max(self.most, max(values))
        self.total += sum(values)

    def values(self) -> list[tuple[float, int]]:
        """Value and count of each bucket, rising: the bucket's middle, or the exact end where that is inside of it."""
        found = []
        for bucket, count in sorted(self.counts.items()):
            middle = math.exp((bucket + 0.5) * _LOG_RATIO)
            found.append((round(min(max(middle, self.least), self.most), 6), count))
        return found


class Metrics:
    """Collects counts and measurements, and writes them as EMF lines every few seconds.

    Counting and recording are appends that any thread may make; arithmetic happens in the flushing thread.
    """

    def __init__(
        self,
        namespace: str,
        service: str,
        write: Callable[[bytes], None],
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """``write`` takes a line; see `groundplan_chassis.observe.sink.Sink`."""
        self._namespace = namespace
        self._service = service
        self._write = write
        self._flush_seconds = flush_seconds
        self._counts: dict[str, list[int]] = {}
        self._records: dict[str, list[float]] = {}
        self._distributions: dict[str, Distribution] = {}
        self._observers: list[Observer] = []
        self._flushing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, name: str, n: int = 1) -> None:
        """Adds ``n`` to a counter; 0 creates the metric."""
        try:
            numbers = self._counts[name]
        except KeyError:
            numbers = self._counts.setdefault(name, [])
        numbers.append(n)
        if len(numbers) >= _GATHERED:
            with self._flushing:
                numbers.append(sum(_taken(numbers)))

    def record(self, name: str, value: float) -> None:
        """One measurement, in the unit of `names.UNITS`; not-a-number and infinity are left out."""
        try:
            values = self._records[name]
        except KeyError:
            values = self._records.setdefault(name, [])
        values.append(value)
        if len(values) >= _GATHERED:
            self._fold(name, values)

    def observe(self, observer: Observer) -> None:
        """The observer gets the collected values at each flush."""
        self._observers.append(observer)

    def start(self) -> None:
        """Flushes every few seconds from now on, in a thread."""
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and writes what is left."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Writes all values since the last flush; nothing without values."""
        with self._flushing:
            counts = {name: _taken(numbers) for name, numbers in list(self._counts.items())}
            totals = {name: sum(numbers) for name, numbers in counts.items() if numbers}
            for name, values in list(self._records.items()):
                self._fold_held(name, values)
            distributions, self._distributions = self._distributions, {}
        for line in self._lines(totals, distributions):
            self._write(line)
        for observer in self._observers:
            for name, total in totals.items():
                observer.counted(name, total)
            for name, distribution in distributions.items():
                for value, count in distribution.values():
                    observer.recorded(name, value, count)

    def _run(self) -> None:
        while not self._stopped.wait(self._flush_seconds):
            try:
                self.flush()
            except Exception as error:
                # Without this thread what is counted would be gathered for ever, and no alarm would ring.
                log.exception("metrics were lost", extra={"error": type(error).__name__})

    def _fold(self, name: str, values: list[float]) -> None:
        with self._flushing:
            self._fold_held(name, values)

    def _fold_held(self, name: str, values: list[float]) -> None:
        finite = [value for value in _taken(values) if math.isfinite(value)]
        if finite:
            self._distributions.setdefault(name, Distribution()).add(finite)

    def _lines(self, totals: Mapping[str, int], distributions: Mapping[str, Distribution]) -> Iterator[bytes]:
        if totals:
            yield self._line(totals)
        for name, distribution in distributions.items():
            values = distribution.values()
            for start in range(0, len(values), MOST_VALUES):
                part = values[start : start + MOST_VALUES]
                yield self._line({name: _statistics(part, distribution)})

    def _line(self, metrics: Mapping[str, object]) -> bytes:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [[names.SERVICE_DIMENSION]],
            "Metrics": [{"Name": name, "Unit": names.UNITS.get(name, "Count")} for name in metrics],
        }
        return (
            _encode(
                {
                    "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
                    names.SERVICE_DIMENSION: self._service,
                    **metrics,
                }
            )
            + b"\n"
        )


_encode = msgspec.json.Encoder().encode
Number = TypeVar("Number", int, float)


def _taken(gathered: list[Number]) -> list[Number]:
    """What is in the list, out of it. Others may append meanwhile: what comes later stays for the next time."""
    taken = gathered[:]
    del gathered[: len(taken)]
    return taken


def _statistics(part: Sequence[tuple[float, int]], whole: Distribution) -> dict[str, object]:
    """Buckets as the value of a metric, in the shape that AWS's own collector writes for exponential histograms
    (open-telemetry/opentelemetry-collector-contrib, `awsemfexporter`): CloudWatch reckons by `Values` and `Counts`."""
    complete = sum(count for _, count in part) == whole.counts.total()
    return {
        "Values": [value for value, _ in part],
        "Counts": [count for _, count in part],
        "Max": round(whole.most, 6) if complete else part[-1][0],
        "Min": round(whole.least, 6) if complete else part[0][0],
        "Count": sum(count for _, count in part),
        "Sum": round(whole.total if complete else sum(value * count for value, count in part), 6),
    }
