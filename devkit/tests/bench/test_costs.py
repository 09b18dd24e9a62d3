"""The rate at which a request's CPU time is measured: the one at which plans let pods be busy (q8)."""

from __future__ import annotations

import pytest

from groundplan.capacity.figures import TARGET_UTILISATION
from groundplan_devkit.bench.costs import AT_FIRST, FASTEST, PROBES, next_rate


@pytest.mark.parametrize(("busy_ms", "waking_ms"), [(0.15, 0.9), (0.3, 0.3), (1.0, 1.5), (2.5, 0.0), (12.0, 1.0)])
def test_a_few_probes_find_the_rate_that_keeps_a_process_as_busy_as_plans_say(busy_ms: float, waking_ms: float) -> None:
    """A process that sleeps between requests takes some time more for each of them."""

    def taken(rate: float) -> float:
        asleep = max(0.0, 1 - rate * busy_ms / 1000)
        return (busy_ms + waking_ms * asleep**2) / 1000

    rate = AT_FIRST
    for _ in range(PROBES):
        rate = next_rate(rate, taken(rate))
    assert rate * taken(rate) == pytest.approx(TARGET_UTILISATION, rel=0.25)


def test_a_rate_stays_within_what_the_generator_sends() -> None:
    assert next_rate(FASTEST, 1e-9) == FASTEST
    assert next_rate(AT_FIRST, 0.0) == 3 * AT_FIRST
