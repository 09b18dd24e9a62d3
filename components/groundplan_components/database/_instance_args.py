"""Arguments of `Database`, and what RDS accepts of them."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.database._checks import (
    MAX_CONNECTIONS,
    POSTGRES_VERSIONS,
    require_instance_class,
    require_replicas,
    require_storage,
)
from groundplan_components.keys import require_rotation_days
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import require_name
from groundplan_components.shared.windows import require_windows

# D3: over 1 TB of data, shard.
SHARD_LIMIT_GIB = 1024

# RDS user guide, "Backup window" and "Maintaining a DB instance".
LEAST_WINDOW_MINUTES = 30

# Accepted (RDS.23): another port hides nothing from who is in the network; security groups admit pods alone.
POSTGRES_PORT = 5432


class DatabaseInsights(Enum):
    """Mode of CloudWatch Database Insights."""

    STANDARD = "standard"
    """Seven days of counters and of the load by statement; no charge."""
    ADVANCED = "advanced"
    """15 months, execution plans, lock trees; charged per vCPU."""


class RestoredFrom(TypedDict):
    """A snapshot that a new instance is made from."""

    snapshot: pulumi.Input[str]
    """Identifier of a snapshot in the instance's region and account, for example `awsbackup:copyjob-…`."""
    kms_key_arn: pulumi.Input[str]
    """The key that encrypts the snapshot. RDS restores with it and accepts no other."""


class DatabaseArgs(TypedDict):
    """Args of `Database`."""

    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, in at least two zones."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Security groups that may connect, by a label (`pods`) that the rule's logical name carries."""
    rotation_subnet_ids: list[pulumi.Input[str]]
    """Subnets of the rotation function, with access to Secrets Manager by NAT or interface endpoint."""
    kms_key_arn: pulumi.Input[str]
    """The customer key of storage, snapshots, insights and logs (S5)."""
    secrets_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The customer key of the administrator's secret. Default: ``kms_key_arn``."""

    instance_class: str
    """Class of the primary, for example `db.m7g.large`."""
    storage_gib: int
    """Initial gp3 storage, in GiB."""
    max_storage_gib: int
    """GiB up to which storage grows by itself; for a shard, slightly more than it should hold."""
    postgres_version: NotRequired[str]
    """Major version, `15` to `17`. Default: `17`. AWS applies minor versions in the maintenance windows. The provider
    compares the major version only, so they cause no drift."""
    running_postgres_version: NotRequired[str]
    """Major version that the instances run, while ``postgres_version`` is the next one: the upgrade is then allowed,
    and replicas keep their parameter group until they are upgraded with their primary. Default:
    ``postgres_version``."""
    iops: NotRequired[int]
    """Provisioned IOPS, from 400 GiB on. Default: 12,000, the baseline from that size on."""
    throughput_mibps: NotRequired[int]
    """Provisioned throughput in MiB/s, from 400 GiB on. Default: 500, the baseline from that size
    on."""

    replicas: NotRequired[int]
    """Read replicas (D3). Default: none."""
    replica_class: NotRequired[str]
    """Instance class of the replicas. Default: the primary's."""
    zone_names: NotRequired[list[pulumi.Input[str]]]
    """Availability zones of the data subnets; replicas are distributed over them. Default: RDS chooses."""
    multi_zone: NotRequired[bool]
    """A standby in another zone that takes over when the primary fails (P2). Default: true."""

    protect: NotRequired[bool]
    """Deletion protection of RDS and of Pulumi, changes in the maintenance window only, backups that outlive the
    instance. Default: true."""
    final_snapshot: NotRequired[bool]
    """Take a snapshot when the instance is deleted. Default: as ``protect``. To delete a protected database, first
    deploy ``protect=False, final_snapshot=True``."""
    backup_days: NotRequired[int]
    """Days of point-in-time recovery. Default: 14."""
    backup_window: NotRequired[str]
    """Daily, UTC. Default: `02:00-03:00`."""
    maintenance_window: NotRequired[str]
    """Weekly, UTC; the replicas' are on the day before. Default: `sun:04:00-sun:05:00`."""
    restored_from: NotRequired[RestoredFrom]
    """Make the instance from a snapshot, with its storage at least and its key. Looked at when the instance is created,
    never afterwards: naming another one, or none, replaces nothing. Default: a new, empty instance."""
    allow_major_upgrade: NotRequired[bool]
    """Allow a major upgrade by a changed ``postgres_version``; RDS upgrades the replicas of a Region with their
    primary. Default: false, such a deployment fails without a change."""

    max_connections: NotRequired[int]
    """Connections that the instance accepts. Default: RDS's own number, from the class's memory, without an alarm on
    connections."""
    slow_statement_ms: NotRequired[int]
    """PostgreSQL logs statements that take longer, in milliseconds (T2). Default: 20."""
    statement_timeout_ms: NotRequired[int]
    """PostgreSQL cancels statements that take longer, in milliseconds. Default: 30,000."""
    idle_transaction_timeout_ms: NotRequired[int]
    """PostgreSQL ends transactions that are idle for longer, in milliseconds. Default: 60,000."""

    insights: NotRequired[DatabaseInsights]
    """Mode of CloudWatch Database Insights. Default: `STANDARD`."""
    log_days: NotRequired[int]
    """Retention of PostgreSQL's logs, in days. Default: 90."""
    rotation_days: NotRequired[int]
    """Days between rotations of the administrator's password. Default: 30."""
    secrets_endpoint_security_group_id: NotRequired[pulumi.Input[str]]
    """Security group of the interface endpoint of Secrets Manager: rotation then has HTTPS access to it only. Default:
    HTTPS to anywhere, through NAT."""

    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms and RDS events; its policy must let `cloudwatch.amazonaws.com` and `events.rds.amazonaws.com`
    publish. Default: no alarms."""
    shard_limit_gib: NotRequired[int]
    """Data that one instance should hold (D3); an alarm fires at 80 %. Default: 1,024 GiB."""
    replica_lag_seconds: NotRequired[int]
    """Lag of a replica that raises an alarm. Default: 360 s."""


def insights_mode(component: str, args: DatabaseArgs) -> DatabaseInsights:
    return choice(DatabaseInsights, args.get("insights", DatabaseInsights.STANDARD), component, "insights")


def check_database(name: str, args: DatabaseArgs) -> None:
    component = f'Database "{name}"'
    insights_mode(component, args)
    require_name(component, name)
    require_log_days(component, args.get("log_days", 90))
    require_instance_class(component, "instance_class", args["instance_class"])
    require_instance_class(component, "replica_class", args.get("replica_class", args["instance_class"]))
    require(
        args.get("postgres_version", "17") in POSTGRES_VERSIONS,
        component,
        "postgres_version",
        args.get("postgres_version"),
        f"a major version: {', '.join(POSTGRES_VERSIONS)}",
        "write the major version alone: minor ones are applied in the maintenance window",
    )
    running = args.get("running_postgres_version", args.get("postgres_version", "17"))
    require(
        running in POSTGRES_VERSIONS
        and int(running) in (int(args.get("postgres_version", "17")) - step for step in (0, 1)),
        component,
        "running_postgres_version",
        running,
        "postgres_version, or the major version before it",
        "upgrade by one major version at a time",
    )
    require_storage(
        component, args["storage_gib"], args["max_storage_gib"], args.get("iops"), args.get("throughput_mibps")
    )
    require_replicas(component, args.get("replicas", 0), args.get("backup_days", 14))
    require_windows(
        component,
        "backup_window",
        args.get("backup_window", "02:00-03:00"),
        args.get("maintenance_window", "sun:04:00-sun:05:00"),
        LEAST_WINDOW_MINUTES,
    )
    require_rotation_days(component, args.get("rotation_days", 30))
    require(
        len(args["subnet_ids"]) >= 2,
        component,
        "subnet_ids",
        len(args["subnet_ids"]),
        "at least two subnets, in different zones: RDS requires them even without a standby",
        "pass the network's data subnets",
    )
    require(
        len(args["rotation_subnet_ids"]) >= 1,
        component,
        "rotation_subnet_ids",
        len(args["rotation_subnet_ids"]),
        "at least one subnet with access to Secrets Manager",
        "pass the network's private subnets",
    )
    connections = args.get("max_connections")
    require(
        connections is None or connections in MAX_CONNECTIONS,
        component,
        "max_connections",
        connections,
        f"{MAX_CONNECTIONS.start} to {MAX_CONNECTIONS.stop - 1:,}",
        "leave it out to have RDS derive it from the class's memory",
    )
    for limit in ("slow_statement_ms", "statement_timeout_ms", "idle_transaction_timeout_ms", "replica_lag_seconds"):
        require(
            args.get(limit, 1) >= 1,  # type: ignore[operator]
            component,
            limit,
            args.get(limit),
            "at least 1: 0 would switch the limit off",
            "leave it out to have the default",
        )
    require(
        args.get("shard_limit_gib", SHARD_LIMIT_GIB) >= 1,
        component,
        "shard_limit_gib",
        args.get("shard_limit_gib"),
        "at least 1 GiB",
        f"leave it out to have {SHARD_LIMIT_GIB}",
    )
    require(
        args.get("statement_timeout_ms", 30_000) >= args.get("slow_statement_ms", 20),
        component,
        "statement_timeout_ms",
        args.get("statement_timeout_ms", 30_000),
        f"no less than slow_statement_ms ({args.get('slow_statement_ms', 20)})",
        "a statement must be able to become slow before it is cancelled",
    )
