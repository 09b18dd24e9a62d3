"""Backup and maintenance windows."""

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan_components.shared.windows import DAYS, MINUTES_A_DAY, MINUTES_A_WEEK, replica_window, require_windows


def minutes(moment: str) -> int:
    day, hours, rest = moment.split(":")
    return DAYS.index(day) * MINUTES_A_DAY + int(hours) * 60 + int(rest)


def test_replicas_are_maintained_one_by_one_on_the_day_before_the_primary() -> None:
    assert [replica_window("sun:04:00-sun:05:00", number) for number in (1, 2, 15)] == [
        "sat:04:00-sat:04:30",
        "sat:04:30-sat:05:00",
        "sat:11:00-sat:11:30",
    ]
    assert replica_window("mon:00:15-mon:01:00", 1) == "sun:00:15-sun:00:45"


@given(st.integers(0, MINUTES_A_WEEK - 1), st.integers(1, 15))
def test_p2_every_replica_window_ends_before_the_primarys_begins(start: int, replica: int) -> None:
    day, rest = divmod(start, MINUTES_A_DAY)
    primary = f"{DAYS[day]}:{rest // 60:02}:{rest % 60:02}-sun:00:00"
    begins, ends = replica_window(primary, replica).split("-")
    ahead = (start - minutes(begins)) % MINUTES_A_WEEK
    assert 0 < ahead <= MINUTES_A_DAY
    assert (minutes(ends) - minutes(begins)) % MINUTES_A_WEEK == 30
    assert (start - minutes(ends)) % MINUTES_A_WEEK < ahead


@pytest.mark.parametrize(
    ("daily", "weekly"),
    [
        ("02:00-03:00", "sun:04:00-sun:05:00"),
        ("23:30-00:30", "sun:00:30-sun:01:00"),
        ("03:00-04:00", "tue:02:00-tue:03:00"),
    ],
)
def test_windows_that_aws_accepts(daily: str, weekly: str) -> None:
    require_windows("Database", "backup_window", daily, weekly, 30)


@pytest.mark.parametrize(
    ("daily", "weekly", "argument"),
    [
        ("2:00-3:00", "sun:04:00-sun:05:00", "backup_window"),
        ("02:00-02:10", "sun:04:00-sun:05:00", "backup_window"),
        ("02:00-02:00", "sun:04:00-sun:05:00", "backup_window"),
        ("24:00-01:00", "sun:04:00-sun:05:00", "backup_window"),
        ("02:00-03:00", "Sunday 4 am", "maintenance_window"),
        ("02:00-03:00", "sun:04:00-sun:04:10", "maintenance_window"),
        ("02:00-03:00", "sun:04:00-wed:04:00", "maintenance_window"),
        ("02:00-03:00", "sun:02:30-sun:03:30", "maintenance_window"),
        ("23:30-00:30", "mon:00:00-mon:01:00", "maintenance_window"),
        ("02:00-03:00", "sun:01:00-sun:02:30", "maintenance_window"),
    ],
)
def test_windows_that_aws_refuses(daily: str, weekly: str, argument: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"^Database: {argument} is "):
        require_windows("Database", "backup_window", daily, weekly, 30)
