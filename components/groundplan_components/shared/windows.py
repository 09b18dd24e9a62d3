"""Backup and maintenance windows of a database or a cache: a daily and a weekly time that don't overlap."""

import re

from groundplan_components.shared.checks import require

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_DAILY = re.compile(rf"{_CLOCK}-{_CLOCK}")
_WEEKLY = re.compile(rf"({'|'.join(DAYS)}):{_CLOCK}-({'|'.join(DAYS)}):{_CLOCK}")
# Half an hour each, so that fifteen replicas fit into the day before their primary's window.
REPLICA_WINDOW_MINUTES = 30


def require_windows(component: str, argument: str, daily: str, weekly: str, least_minutes: int) -> None:
    """Raises pulumi.RunError for a pair of windows that AWS doesn't accept.

    ``argument`` is the daily window's name; the weekly one's is always ``maintenance_window``.
    """
    require(
        _DAILY.fullmatch(daily) is not None and _length(daily, MINUTES_A_DAY) >= least_minutes,
        component,
        argument,
        daily,
        f"hh:mm-hh:mm in UTC, at least {least_minutes} minutes",
        "for example 02:00-03:00",
    )
    require(
        _WEEKLY.fullmatch(weekly) is not None and least_minutes <= _length(weekly, MINUTES_A_WEEK) < MINUTES_A_DAY,
        component,
        "maintenance_window",
        weekly,
        f"ddd:hh:mm-ddd:hh:mm in UTC, at least {least_minutes} minutes and less than 24 hours",
        "for example sun:04:00-sun:05:00",
    )
    require(
        not _overlap(daily, weekly),
        component,
        "maintenance_window",
        weekly,
        f"a time outside the {argument} ({daily})",
        "move one of them",
    )


def replica_window(maintenance_window: str, replica: int) -> str:
    """Maintenance window of the ``replica``-th replica, counted from 1: on the day before the primary's, one by one.

    AWS applies minor versions of itself inside these windows, and replicas must have theirs before the primary (RDS
    user guide, "Upgrading the PostgreSQL DB engine").
    """
    primary = _minutes(maintenance_window.split("-")[0])
    start = (primary - MINUTES_A_DAY + (replica - 1) * REPLICA_WINDOW_MINUTES) % MINUTES_A_WEEK
    return f"{_moment(start)}-{_moment((start + REPLICA_WINDOW_MINUTES) % MINUTES_A_WEEK)}"


def _minutes(moment: str) -> int:
    """Minutes since midnight of `hh:mm`, or since Monday's of `ddd:hh:mm`."""
    *day, hours, minutes = moment.split(":")
    return (DAYS.index(day[0]) * MINUTES_A_DAY if day else 0) + int(hours) * 60 + int(minutes)


def _moment(minutes: int) -> str:
    day, rest = divmod(minutes, MINUTES_A_DAY)
    return f"{DAYS[day]}:{rest // 60:02}:{rest % 60:02}"


def _length(window: str, cycle: int) -> int:
    start, end = (_minutes(moment) for moment in window.split("-"))
    return (end - start) % cycle


def _overlap(daily: str, weekly: str) -> bool:
    """Whether the daily window overlaps the weekly one, which is shorter than a day."""
    daily_start = _minutes(daily.split("-")[0])
    weekly_start = _minutes(weekly.split("-")[0])
    after = (weekly_start - daily_start) % MINUTES_A_DAY
    before = (daily_start - weekly_start) % MINUTES_A_DAY
    return after < _length(daily, MINUTES_A_DAY) or before < _length(weekly, MINUTES_A_WEEK)
