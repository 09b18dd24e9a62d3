"""What a bench calls wrong, and what its report and its record hold."""

from __future__ import annotations

import pytest

from devkit.tests.bench.results import results
from groundplan_devkit.bench import floors, report
from groundplan_devkit.bench.capacity import Results
from groundplan_devkit.bench.rounds import Figure


def test_nothing_is_wrong_with_what_meets_every_target() -> None:
    assert results().wrong == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (results(cached=0.6), "a cached GET reaches 0.61 of the bare handler"),
        (results(database=0.5), "a GET from the database reaches 0.51"),
        (results(p95_ms=(5.0, 5.0, 25.0, 5.0, 5.0)), "25.0 ms in the worst of 5 rounds"),
        (results(failed=3), "3 requests failed"),
    ],
)
def test_each_target_is_told_when_it_is_missed(found: Results, said: str) -> None:
    [wrong] = found.wrong
    assert said in wrong


def test_shares_are_taken_within_rounds() -> None:
    """A machine that slows down in the middle changes both, and not their share."""
    cached = results().cached
    share = cached.share(floors.CACHED_GET, floors.STOCK)
    assert (share.median, share.least, share.most) == pytest.approx((0.714, 0.7, 0.728))
    assert Figure.of([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)


def test_the_report_leads_with_processor_time_and_shows_the_spread() -> None:
    text = report.load(results(), "a machine")
    [head] = [line for line in text.splitlines() if line.startswith("| one worker process at its peak")][:1]
    assert head.split("|")[2].strip() == "server CPU a request, µs"
    assert "| 0.71 (0.70 to 0.73) |" in text
    assert report.figures(results())["cached_get_cpu_us"].median == pytest.approx(142.9, abs=0.1)
