"""Metrics as CloudWatch takes them, with percentiles that alarms can trust."""

from __future__ import annotations

import math
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tests.observe.reading import Line, parsed
from groundplan_chassis.observe import metrics as subject
from groundplan_chassis.observe import names
from groundplan_chassis.observe.metrics import MOST_VALUES, Distribution, Metrics


class Output:
    def __init__(self) -> None:
        self.data: list[bytes] = []

    def __call__(self, line: bytes) -> None:
        self.data.append(line)

    def lines(self) -> list[Line]:
        return parsed(b"".join(self.data))


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def metrics(output: Output) -> Metrics:
    return Metrics("shop-prod/services", "order", output)


def values_of(lines: list[Line], name: str) -> list[tuple[float, int]]:
    return [
        pair for line in lines if name in line for pair in zip(line[name]["Values"], line[name]["Counts"], strict=True)
    ]


def percentile(pairs: list[tuple[float, int]], share: float) -> float:
    """As CloudWatch reckons it: the value below which this share of all counts lies."""
    rank, seen = share * sum(count for _, count in pairs), 0
    for value, count in sorted(pairs):
        seen += count
        if seen >= rank:
            return value
    raise AssertionError


def test_a_line_is_in_the_embedded_metric_format(metrics: Metrics, output: Output) -> None:
    metrics.count(names.REQUESTS)
    metrics.count(names.REQUESTS, 2)
    metrics.record(names.REQUEST_DURATION_MS, 12.5)
    metrics.flush()
    counts, durations = output.lines()
    (directive,) = counts["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "shop-prod/services"
    assert directive["Dimensions"] == [["service"]]
    assert directive["Metrics"] == [{"Name": "requests", "Unit": "Count"}]
    assert (counts["service"], counts["requests"]) == ("order", 3)
    assert isinstance(counts["_aws"]["Timestamp"], int)
    (directive,) = durations["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "request_duration_ms", "Unit": "Milliseconds"}]
    assert durations["request_duration_ms"] == {
        "Values": [12.5],
        "Counts": [1],
        "Max": 12.5,
        "Min": 12.5,
        "Count": 1,
        "Sum": 12.5,
    }


def test_nothing_is_written_for_nothing(metrics: Metrics, output: Output) -> None:
    metrics.flush()
    metrics.count(names.REQUESTS)
    metrics.flush()
    metrics.flush()
    assert len(output.lines()) == 1


def test_a_count_of_nothing_makes_the_metric_exist(metrics: Metrics, output: Output) -> None:
    metrics.count(names.EVENTS_DEAD_LETTERED, 0)
    metrics.flush()
    assert output.lines()[0]["events_dead_lettered"] == 0


@pytest.mark.parametrize("spread", [0.3, 1.5])
def test_percentiles_are_right_to_a_percent(metrics: Metrics, output: Output, spread: float) -> None:
    numbers = random.Random(7)  # noqa: S311  a sample, no secret
    sample = sorted(numbers.lognormvariate(2, spread) for _ in range(20_000))
    for value in sample:
        metrics.record(names.REQUEST_DURATION_MS, value)
    metrics.flush()
    pairs = values_of(output.lines(), names.REQUEST_DURATION_MS)
    assert sum(count for _, count in pairs) == len(sample)
    for share in (0.5, 0.95, 0.99):
        assert percentile(pairs, share) == pytest.approx(sample[math.ceil(share * len(sample)) - 1], rel=0.0101)
    assert sum(line[names.REQUEST_DURATION_MS]["Sum"] for line in output.lines()) == pytest.approx(
        sum(sample), rel=0.01
    )
    assert max(line[names.REQUEST_DURATION_MS]["Max"] for line in output.lines()) == pytest.approx(sample[-1], rel=0.01)


def test_many_values_take_several_lines_of_a_hundred(metrics: Metrics, output: Output) -> None:
    for exponent in range(2000):
        metrics.record(names.QUERY_DURATION_MS, 1.01**exponent)
    metrics.flush()
    lines = output.lines()
    assert len(lines) > 1
    assert all(len(line[names.QUERY_DURATION_MS]["Values"]) <= MOST_VALUES for line in lines)
    assert sum(line[names.QUERY_DURATION_MS]["Count"] for line in lines) == 2000


@given(st.lists(st.floats(min_value=0, max_value=1e12), min_size=1, max_size=200))
def test_a_distribution_keeps_number_ends_and_closeness(sample: list[float]) -> None:
    distribution = Distribution()
    distribution.add(sample)
    pairs = distribution.values()
    assert sum(count for _, count in pairs) == len(sample)
    assert all(min(sample) - 1e-6 <= value <= max(sample) + 1e-6 for value, _ in pairs)
    recorded = sorted(value for value, count in pairs for _ in range(count))
    for value, exact in zip(recorded, sorted(sample), strict=True):
        assert value == pytest.approx(exact, rel=0.0101, abs=0.002)


def test_what_is_no_number_is_left_out(metrics: Metrics, output: Output) -> None:
    for value in (math.nan, math.inf, -math.inf):
        metrics.record(names.QUERY_DURATION_MS, value)
    metrics.flush()
    assert output.lines() == []


def test_nothing_is_lost_between_threads_and_flushes(
    metrics: Metrics, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_GATHERED", 50)

    def measure() -> None:
        for index in range(2000):
            metrics.count(names.REQUESTS)
            metrics.record(names.QUERY_DURATION_MS, index % 7 + 1)

    threads = [threading.Thread(target=measure) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.flush()
    metrics.flush()
    lines = output.lines()
    assert sum(line.get("requests", 0) for line in lines) == 8000
    assert sum(count for _, count in values_of(lines, names.QUERY_DURATION_MS)) == 8000


def test_the_thread_flushes_and_the_end_writes_the_rest(output: Output) -> None:
    metrics = Metrics("n", "order", output, flush_seconds=0.01)
    metrics.count(names.REQUESTS)
    metrics.start()
    waiting = threading.Event()
    for _ in range(500):
        if output.data:
            break
        waiting.wait(0.01)
    assert output.lines()[0]["requests"] == 1
    metrics.count(names.REQUESTS, 5)
    metrics.close()
    assert sum(line["requests"] for line in output.lines()) == 6
