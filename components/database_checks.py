"""What RDS for PostgreSQL accepts, checked before any resource exists."""

from __future__ import annotations

import re

from components.checks import require

# RDS identifiers have 63 characters: a name of 40 leaves room for a random suffix and `-replica-15`.
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_LENGTH = 40
INSTANCE_CLASS = re.compile(r"db\.[a-z0-9]+\.[a-z0-9]+")

# RDS Proxy's support for 18 isn't documented, and 14 leaves standard support in February 2027.
POSTGRES_VERSIONS = ("15", "16", "17")

# RDS user guide, "Working with read replicas".
MOST_REPLICAS = 15
# RDS user guide, "Amazon RDS DB instance storage": gp3 for PostgreSQL. Below 400 GiB performance is fixed at 3,000 IOPS
# and 125 MiB/s; from there on four volumes share the work, 12,000 IOPS and 500 MiB/s at least.
LEAST_STORAGE_GIB = 20
MOST_STORAGE_GIB = 65_536
STRIPED_STORAGE_GIB = 400
IOPS = range(12_000, 64_001)
THROUGHPUT_MIBPS = range(500, 4_001)
# gp3 gives at most 0.25 MiB/s for each provisioned IOPS (EBS user guide, "General Purpose SSD volumes").
IOPS_PER_MIBPS = 4
# RDS user guide, "Managing capacity automatically with storage autoscaling": the threshold is at least 10 % above.
LEAST_AUTOSCALING_PERCENT = 110
# RDS for PostgreSQL's bounds of the parameter.
MAX_CONNECTIONS = range(6, 262_144)
MOST_BACKUP_DAYS = 35

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
LEAST_WINDOW_MINUTES = 30
_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_BACKUP_WINDOW = re.compile(rf"{_CLOCK}-{_CLOCK}")
_MAINTENANCE_WINDOW = re.compile(rf"({'|'.join(DAYS)}):{_CLOCK}-({'|'.join(DAYS)}):{_CLOCK}")
# Half an hour each, and all fifteen fit into the day before the primary's.
REPLICA_WINDOW_MINUTES = 30


def require_name(component: str, name: str, longest: int = NAME_LENGTH) -> None:
    require(
        NAME.fullmatch(name) is not None and len(name) <= longest,
        component,
        "name",
        name,
        f"lower-case letters, digits and single hyphens, a letter first, at most {longest} characters",
        "shorten the name: AWS's identifiers carry it with a suffix",
    )


def require_instance_class(component: str, argument: str, value: str) -> None:
    require(
        INSTANCE_CLASS.fullmatch(value) is not None,
        component,
        argument,
        value,
        "an RDS instance class",
        "write it as RDS does, for example db.m7g.large",
    )


def require_storage(
    component: str, storage_gib: int, max_storage_gib: int, iops: int | None, throughput_mibps: int | None
) -> None:
    """Raises pulumi.RunError for sizes and performance that gp3 storage doesn't have."""
    require(
        LEAST_STORAGE_GIB <= storage_gib <= MOST_STORAGE_GIB,
        component,
        "storage_gib",
        storage_gib,
        f"{LEAST_STORAGE_GIB} to {MOST_STORAGE_GIB:,} GiB of gp3 storage",
        "start with what the data needs in the first months; storage grows by itself, and never shrinks",
    )
    require(
        storage_gib * LEAST_AUTOSCALING_PERCENT <= max_storage_gib * 100 and max_storage_gib <= MOST_STORAGE_GIB,
        component,
        "max_storage_gib",
        max_storage_gib,
        f"at least 10 % more than storage_gib ({storage_gib}), at most {MOST_STORAGE_GIB:,} GiB",
        "raise it to the size up to which one instance may grow by itself",
    )
    for argument, value, bounds, unit in (
        ("iops", iops, IOPS, "IOPS"),
        ("throughput_mibps", throughput_mibps, THROUGHPUT_MIBPS, "MiB/s"),
    ):
        require(
            value is None or storage_gib >= STRIPED_STORAGE_GIB,
            component,
            argument,
            value,
            f"nothing while storage_gib is below {STRIPED_STORAGE_GIB}: gp3's performance is fixed there",
            f"leave it out, or raise storage_gib from {storage_gib} to {STRIPED_STORAGE_GIB}",
        )
        require(
            value is None or value in bounds,
            component,
            argument,
            value,
            f"{bounds.start:,} to {bounds.stop - 1:,} {unit}",
            "leave it out to have the least of these",
        )
    most_throughput = (iops if iops is not None else IOPS.start) // IOPS_PER_MIBPS
    require(
        throughput_mibps is None or throughput_mibps <= most_throughput,
        component,
        "throughput_mibps",
        throughput_mibps,
        f"at most {most_throughput:,} MiB/s, a quarter of the IOPS",
        f"raise iops to {(throughput_mibps or 0) * IOPS_PER_MIBPS:,}, or ask for less throughput",
    )


def require_replicas(component: str, replicas: int, backup_days: int) -> None:
    require(
        0 <= replicas <= MOST_REPLICAS,
        component,
        "replicas",
        replicas,
        f"0 to {MOST_REPLICAS} read replicas of one instance",
        "serve more reads by a larger replica_class, by the cache, or by sharding",
    )
    require(
        0 <= backup_days <= MOST_BACKUP_DAYS,
        component,
        "backup_days",
        backup_days,
        f"0 to {MOST_BACKUP_DAYS} days",
        f"keep older copies by the backup plan; {MOST_BACKUP_DAYS} is RDS's longest",
    )
    require(
        replicas == 0 or backup_days > 0,
        component,
        "backup_days",
        backup_days,
        "at least 1 while there are read replicas: they are made from the primary's backups",
        "set backup_days to 1 or more",
    )


def require_windows(component: str, backup_window: str, maintenance_window: str) -> None:
    """Raises pulumi.RunError for windows that RDS doesn't accept."""
    backup = _BACKUP_WINDOW.fullmatch(backup_window)
    require(
        backup is not None and _length(backup_window, MINUTES_A_DAY) >= LEAST_WINDOW_MINUTES,
        component,
        "backup_window",
        backup_window,
        f"hh:mm-hh:mm in UTC, at least {LEAST_WINDOW_MINUTES} minutes",
        "for example 02:00-03:00",
    )
    maintenance = _MAINTENANCE_WINDOW.fullmatch(maintenance_window)
    require(
        maintenance is not None and LEAST_WINDOW_MINUTES <= _length(maintenance_window, MINUTES_A_WEEK) < MINUTES_A_DAY,
        component,
        "maintenance_window",
        maintenance_window,
        f"ddd:hh:mm-ddd:hh:mm in UTC, at least {LEAST_WINDOW_MINUTES} minutes and less than 24 hours",
        "for example sun:04:00-sun:05:00",
    )
    require(
        not _overlap(backup_window, maintenance_window),
        component,
        "maintenance_window",
        maintenance_window,
        f"a time that is not in the backup window ({backup_window})",
        "move one of them",
    )


def replica_window(maintenance_window: str, replica: int) -> str:
    """Maintenance window of the ``replica``-th replica, counted from 1: on the day before the primary's, one by one.

    AWS applies minor versions of itself inside these windows, and replicas must have theirs before the primary (RDS
    user guide, "Upgrading the PostgreSQL DB engine").
    """
    primary = _minutes(maintenance_window.split("-")[0])
    start = (primary - MINUTES_A_DAY + (replica - 1) * REPLICA_WINDOW_MINUTES) % MINUTES_A_WEEK
    end = (start + REPLICA_WINDOW_MINUTES) % MINUTES_A_WEEK
    return f"{_moment(start)}-{_moment(end)}"


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


def _overlap(backup_window: str, maintenance_window: str) -> bool:
    """Whether the daily window meets the weekly one on any day."""
    backup_start = _minutes(backup_window.split("-")[0])
    maintenance_start = _minutes(maintenance_window.split("-")[0]) % MINUTES_A_DAY
    gap = (maintenance_start - backup_start) % MINUTES_A_DAY
    return gap < _length(backup_window, MINUTES_A_DAY) or MINUTES_A_DAY - gap < _length(
        maintenance_window, MINUTES_A_WEEK
    )
