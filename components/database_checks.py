"""What RDS for PostgreSQL accepts, checked before any resource exists."""

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


def storage_performance(
    storage_gib: int, iops: int | None, throughput_mibps: int | None
) -> tuple[int | None, int | None]:
    """IOPS and throughput to write out: none below 400 GiB, the baseline of that size from there on.

    RDS takes a larger allocation of gp3 only together with its IOPS (RDS API, ModifyDBInstance, AllocatedStorage). Left
    out, the provider sends those of the old size, 3,000, which RDS refuses from 400 GiB on
    (terraform-provider-aws#28382).
    """
    if storage_gib < STRIPED_STORAGE_GIB:
        return iops, throughput_mibps
    return (
        iops if iops is not None else IOPS.start,
        throughput_mibps if throughput_mibps is not None else THROUGHPUT_MIBPS.start,
    )


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
