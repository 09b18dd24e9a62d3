"""What the README says of services under load is what every run held that is kept."""

from __future__ import annotations

import pytest

from devkit.tests.bench.results import results
from groundplan_devkit.bench import report
from tools.service_runs import ROWS, block, in_readme, read


def test_the_readme_has_the_worst_of_the_runs() -> None:
    assert in_readme() == block(read()), "`python -m tools.service_runs` writes it"


def test_every_figure_of_the_bench_has_a_row() -> None:
    assert report.figures(results()).keys() - ROWS.keys() == set()


@pytest.mark.parametrize(
    ("name", "worst"), [("cached_get_of_stock", "at least 0.50"), ("p95_ms_at_share", "at most 0.7 ms")]
)
def test_a_good_run_improves_nothing_that_a_worse_one_did_not_hold(name: str, worst: str) -> None:
    runs = [{"figures": {name: {"median": each}}} for each in (0.5, 0.7)]
    line = block(runs).splitlines()[-2]
    assert line.endswith(f"| {worst} | 2 |")
