"""The arithmetic of error budgets (T4), checked against simulated requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan_components.shared.alarms import LONGEST_RANGE_SECONDS
from groundplan_components.shared.burn_rate import BUDGET_HOURS, BURNS, Urgency, burns_for, error_budget


@pytest.mark.parametrize(
    ("target", "thresholds"),
    [
        (99.9, {"1h": 0.0144, "6h": 0.006, "1d": 0.003, "3d": 0.001}),
        (99.95, {"1h": 0.0072, "6h": 0.003, "1d": 0.0015, "3d": 0.0005}),
    ],
)
def test_thresholds_are_the_workbooks_t4(target: float, thresholds: dict[str, float]) -> None:
    assert {burn.name: burn.threshold(target) for burn in BURNS} == pytest.approx(thresholds)


def test_factors_are_the_workbooks_t4() -> None:
    assert {burn.name: burn.factor for burn in BURNS} == pytest.approx({"1h": 14.4, "6h": 6, "1d": 3, "3d": 1})


@pytest.mark.parametrize("target", [99.9, 99.95])
@pytest.mark.parametrize("burn", BURNS, ids=lambda burn: burn.name)
def test_at_the_threshold_the_long_window_spends_exactly_its_share_of_the_budget_t4(burn, target) -> None:  # type: ignore[no-untyped-def]
    per_hour = 3_600_000
    may_fail = BUDGET_HOURS * per_hour * (1 - target / 100)
    failed = burn.threshold(target) * per_hour * burn.long_seconds / 3600
    assert failed / may_fail == pytest.approx(burn.budget_share)


@pytest.mark.parametrize("target", [99.9, 99.95])
def test_a_total_outage_pages_long_before_the_budget_is_gone_t4(target: float) -> None:
    fastest = BURNS[0]
    minutes_until_it_rings = 60 * fastest.threshold(target)
    minutes_of_budget = BUDGET_HOURS * 60 * error_budget(target)
    assert minutes_until_it_rings < 1
    assert minutes_until_it_rings / minutes_of_budget == pytest.approx(fastest.budget_share)


@given(st.floats(min_value=50, max_value=99.999))
def test_every_alarm_can_ring(target: float) -> None:
    assert all(0 < burn.threshold(target) < 1 for burn in burns_for(target))


def test_a_lax_target_drops_the_burns_that_cannot_happen() -> None:
    assert [burn.name for burn in burns_for(90)] == ["6h", "1d", "3d"]
    assert burns_for(99.9) == BURNS


def test_cloudwatch_can_look_back_as_far_as_each_window() -> None:
    for burn in BURNS:
        assert burn.long_seconds <= LONGEST_RANGE_SECONDS
        assert burn.long_seconds / burn.short_seconds == pytest.approx(12)


def test_fast_burns_page_and_slow_ones_can_wait() -> None:
    assert [burn.urgency for burn in BURNS] == [Urgency.PAGE, Urgency.PAGE, Urgency.TICKET, Urgency.TICKET]
