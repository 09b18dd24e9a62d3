"""One PostgreSQL instance, whole or one shard, with its read replicas, its administrator's secret and its alarms."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_aws import cloudwatch, ec2, iam, rds, vpc

from components.alarms import declare
from components.arn import managed_policy
from components.checks import require
from components.choices import choice
from components.client_access import client_security_group
from components.database_alarms import (
    declare_counter,
    instance_alarms,
    primary_alarms,
    primary_counters,
    replica_alarms,
)
from components.database_checks import (
    MAX_CONNECTIONS,
    POSTGRES_VERSIONS,
    require_instance_class,
    require_name,
    require_replicas,
    require_storage,
    storage_performance,
)
from components.database_parameters import parameters
from components.iam import trust
from components.log_days import require_log_days
from components.rotation import RotationFunction, RotationFunctionArgs, RotationStrategy, require_rotation_days, rotate
from components.stored_secret import StoredSecret, generated_password
from components.windows import replica_window, require_windows

POSTGRES_PORT = 5432
HTTPS_PORT = 443

# At most 16 letters, digits and underscores, and not `admin`, which RDS for PostgreSQL reserves.
ADMINISTRATOR = "dba"

# The newest authority that all Regions have, good until 2061. Named, so that a change of the account's default never
# restarts a database unasked.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"

MONITORING_SECONDS = 60
# RDS user guide, "Backup window" and "Maintaining a DB instance".
LEAST_WINDOW_MINUTES = 30
# Performance Insights' free retention, and the one that the advanced mode of Database Insights demands.
STANDARD_INSIGHTS_DAYS = 7
ADVANCED_INSIGHTS_DAYS = 465

LOG_TYPES = ("postgresql", "upgrade")
# Storage that can't grow, a failure, a failover, replication that stopped.
EVENT_CATEGORIES = ["failover", "failure", "low storage", "read replica"]

# RDS for PostgreSQL reports up to five minutes of lag on a replica while the primary writes nothing (RDS user guide,
# "Read replica limitations with PostgreSQL"). A system that always writes may set a shorter limit.
REPLICA_LAG_SECONDS = 360
# D3: over 1 TB of data, shard.
SHARD_LIMIT_GIB = 1024


class DatabaseInsights(Enum):
    """Mode of CloudWatch Database Insights."""

    STANDARD = "standard"
    """Seven days of counters and of the load by statement; no charge."""
    ADVANCED = "advanced"
    """15 months, execution plans, lock trees; charged per vCPU."""


class DatabaseArgs(TypedDict):
    """Args of `Database`."""

    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, in at least two zones."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Who may connect: a word for each security group (`pods`), which its rule's logical name carries."""
    rotation_subnet_ids: list[pulumi.Input[str]]
    """Where the rotation function runs: subnets with a way to Secrets Manager, by NAT or interface endpoint."""
    kms_key_arn: pulumi.Input[str]
    """The customer key of storage, snapshots, insights and logs (S5)."""
    secrets_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The customer key of the administrator's secret. Default: ``kms_key_arn``."""

    instance_class: str
    """Of the primary, for example `db.m7g.large`."""
    storage_gib: int
    """gp3 storage to begin with, in GiB."""
    max_storage_gib: int
    """GiB up to which storage grows by itself; of a shard, little more than a shard should hold."""
    postgres_version: NotRequired[str]
    """Major version, `15` to `17`. Default: `17`. Minor versions are AWS's to apply in the maintenance windows, and the
    provider compares only what is written here: no drift to ignore."""
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
    """Availability zones of the data subnets: replicas take turns in them. Default: RDS chooses."""
    multi_zone: NotRequired[bool]
    """A standby in another zone takes over when the primary fails (P2). Default: true."""

    protect: NotRequired[bool]
    """Deletion protection of RDS and of Pulumi, changes in the maintenance window only, backups that outlive the
    instance. Default: true."""
    final_snapshot: NotRequired[bool]
    """A snapshot is taken when the instance is deleted. Default: as ``protect``. To delete a protected database, first
    deploy ``protect=False, final_snapshot=True``."""
    backup_days: NotRequired[int]
    """Days of point-in-time recovery. Default: 14."""
    backup_window: NotRequired[str]
    """Daily, UTC. Default: `02:00-03:00`."""
    maintenance_window: NotRequired[str]
    """Weekly, UTC; the replicas' are on the day before. Default: `sun:04:00-sun:05:00`."""
    allow_major_upgrade: NotRequired[bool]
    """Let a changed ``postgres_version`` be applied; RDS upgrades the replicas of a Region with their primary. Default:
    false, the deployment then fails without harm."""

    max_connections: NotRequired[int]
    """Connections that the instance accepts. Default: RDS's own number, from the class's memory; there is then no alarm
    on connections."""
    slow_statement_ms: NotRequired[int]
    """Statements that take longer are logged, in milliseconds (T2). Default: 20."""
    statement_timeout_ms: NotRequired[int]
    """Statements that take longer are ended, in milliseconds. Default: 30,000."""
    idle_transaction_timeout_ms: NotRequired[int]
    """Transactions that do nothing for longer are ended, in milliseconds. Default: 60,000."""

    insights: NotRequired[DatabaseInsights]
    """How much of CloudWatch Database Insights is bought. Default: `STANDARD`."""
    log_days: NotRequired[int]
    """Days that PostgreSQL's logs are kept. Default: 90."""
    rotation_days: NotRequired[int]
    """Days between two passwords of the administrator. Default: 30."""
    secrets_endpoint_security_group_id: NotRequired[pulumi.Input[str]]
    """Security group of the interface endpoint of Secrets Manager: rotation may then reach nothing else by HTTPS.
    Default: HTTPS to anywhere, through NAT."""

    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms and RDS events; its policy must let `cloudwatch.amazonaws.com` and `events.rds.amazonaws.com`
    publish. Default: no alarms."""
    shard_limit_gib: NotRequired[int]
    """Data that one instance should hold (D3); an alarm rings at 80 %. Default: 1,024 GiB."""
    replica_lag_seconds: NotRequired[int]
    """Lag of a replica that alarms. Default: 360 s."""


class Database(pulumi.ComponentResource):
    """PostgreSQL on RDS: encrypted, TLS only, in the data subnets, open to named security groups only.

    The administrator's password is generated and, minutes after the first deployment, rotated: what Pulumi's state
    holds then opens nothing. RDS's own managed password isn't used, because it can't be combined with read replicas of
    PostgreSQL (RDS user guide, "Password management with Secrets Manager").

    No database is created besides `postgres`: each service's migration job creates its own (`ServiceCredentials`).
    """

    address: pulumi.Output[str]
    """Host name of the primary."""
    port: pulumi.Output[int]
    replica_addresses: list[pulumi.Output[str]]
    identifier: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    """What `rds-db:connect` policies name."""
    arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    rotation_security_group_id: pulumi.Output[str]
    """For functions that rotate the users of this database."""
    admin_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Database", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        version = args.get("postgres_version", "17")

        # Log groups bear the instance's identifier and must be there before RDS would create them itself, unencrypted
        # and kept for ever: so the identifier is made here. Its random part lets a database be deleted and made again.
        suffix = random.RandomId(f"{name}-suffix", byte_length=3, opts=inside)
        identifier = pulumi.Output.concat(name, "-", suffix.hex)

        subnets = rds.SubnetGroup(
            f"{name}-subnets",
            subnet_ids=args["subnet_ids"],
            description=f"Data subnets of {name}",
            tags={"Name": name},
            opts=inside,
        )
        # It lets nothing out: a database opens no connections (S1, P3).
        group = client_security_group(
            name,
            parent=self,
            description=f"Database {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="PostgreSQL",
            port=POSTGRES_PORT,
        )
        rotation_group = self._rotation_security_group(name, args, group)
        settings = rds.ParameterGroup(
            f"{name}-parameters",
            family=f"postgres{version}",
            description=f"Settings of {name} and its replicas",
            parameters=[
                rds.ParameterGroupParameterArgs(
                    name=parameter.name, value=parameter.value, apply_method=parameter.apply_method
                )
                for parameter in parameters(
                    slow_statement_ms=args.get("slow_statement_ms", 20),
                    statement_timeout_ms=args.get("statement_timeout_ms", 30_000),
                    idle_transaction_timeout_ms=args.get("idle_transaction_timeout_ms", 60_000),
                    max_connections=args.get("max_connections"),
                )
            ],
            tags={"Name": name},
            opts=inside,
        )
        monitoring = self._monitoring_role(name, args["kms_key_arn"])
        password = generated_password(f"{name}-admin-password", self)

        primary = rds.Instance(
            f"{name}-primary",
            identifier=identifier,
            engine="postgres",
            engine_version=version,
            instance_class=args["instance_class"],
            allow_major_version_upgrade=args.get("allow_major_upgrade", False),
            username=ADMINISTRATOR,
            password=password.result,
            port=POSTGRES_PORT,
            allocated_storage=args["storage_gib"],
            kms_key_id=args["kms_key_arn"],
            multi_az=args.get("multi_zone", True),
            db_subnet_group_name=subnets.name,
            backup_retention_period=args.get("backup_days", 14),
            backup_window=args.get("backup_window", "02:00-03:00"),
            delete_automated_backups=not protect,
            maintenance_window=args.get("maintenance_window", "sun:04:00-sun:05:00"),
            deletion_protection=protect,
            skip_final_snapshot=not args.get("final_snapshot", protect),
            final_snapshot_identifier=pulumi.Output.concat(identifier, "-final"),
            # AWS Backup selects by this tag.
            tags={"Name": name, "backup": "true"},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                depends_on=[*self._log_groups(name, identifier, args), monitoring],
                # Rotation changes the password; setting it back would lock everybody out.
                ignore_changes=["password"],
            ),
            **_shared(args, settings, group, monitoring),
        )
        replicas = [
            self._replica(name, number, primary, identifier, args, settings, group, monitoring)
            for number in range(1, args.get("replicas", 0) + 1)
        ]

        secrets_key = args.get("secrets_kms_key_arn", args["kms_key_arn"])
        secret = StoredSecret(
            f"{name}-admin",
            {
                "description": f"Administrator of the database {name}",
                "kms_key_arn": secrets_key,
                "content": {
                    "engine": "postgres",
                    "host": primary.address,
                    "port": str(POSTGRES_PORT),
                    "username": ADMINISTRATOR,
                    "password": password.result,
                    # The rotation function then never falls back to a connection without TLS.
                    "ssl": "true",
                },
                "rotated": True,
                "protect": protect,
            },
            inside,
        )
        rotation_args: RotationFunctionArgs = {
            "strategy": RotationStrategy.SINGLE_USER,
            "function_name": pulumi.Output.concat(identifier, "-admin"),
            "subnet_ids": args["rotation_subnet_ids"],
            "security_group_id": rotation_group.id,
            "kms_key_arn": secrets_key,
            "log_days": args.get("log_days", 90),
        }
        if "alarm_topic_arn" in args:
            rotation_args["alarm_topic_arn"] = args["alarm_topic_arn"]
        rotation = RotationFunction(f"{name}-admin-rotation", rotation_args, inside)
        rotate(f"{name}-admin-schedule", secret, rotation, args.get("rotation_days", 30), immediately=True, parent=self)
        self._alarms(name, args, primary, replicas)

        self.address = primary.address
        self.port = primary.port
        self.replica_addresses = [replica.address for replica in replicas]
        self.identifier = primary.identifier
        self.resource_id = primary.resource_id
        self.arn = primary.arn
        self.security_group_id = group.id
        self.rotation_security_group_id = rotation_group.id
        self.admin_secret_arn = secret.arn
        self.register_outputs(
            {
                "address": self.address,
                "port": self.port,
                "replica_addresses": self.replica_addresses,
                "identifier": self.identifier,
                "resource_id": self.resource_id,
                "arn": self.arn,
                "security_group_id": self.security_group_id,
                "rotation_security_group_id": self.rotation_security_group_id,
                "admin_secret_arn": self.admin_secret_arn,
            }
        )

    def _rotation_security_group(self, name: str, args: DatabaseArgs, group: ec2.SecurityGroup) -> ec2.SecurityGroup:
        """Lets rotation functions out to the database and to Secrets Manager, and nobody in."""
        inside = pulumi.ResourceOptions(parent=self)
        rotation = ec2.SecurityGroup(
            f"{name}-rotation",
            vpc_id=args["vpc_id"],
            description=f"Rotation of passwords in database {name}",
            tags={"Name": f"{name}-rotation"},
            opts=inside,
        )
        vpc.SecurityGroupIngressRule(
            f"{name}-from-rotation",
            security_group_id=group.id,
            referenced_security_group_id=rotation.id,
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
            description="PostgreSQL from password rotation",
            opts=inside,
        )
        vpc.SecurityGroupEgressRule(
            f"{name}-rotation-to-database",
            security_group_id=rotation.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
            description="PostgreSQL",
            opts=inside,
        )
        endpoint = args.get("secrets_endpoint_security_group_id")
        vpc.SecurityGroupEgressRule(
            f"{name}-rotation-to-secrets",
            security_group_id=rotation.id,
            referenced_security_group_id=endpoint,
            # Without an endpoint Secrets Manager is somewhere on the internet: AWS publishes no prefix list for it.
            cidr_ipv4=None if endpoint is not None else "0.0.0.0/0",
            ip_protocol="tcp",
            from_port=HTTPS_PORT,
            to_port=HTTPS_PORT,
            description="Secrets Manager",
            opts=inside,
        )
        return rotation

    def _monitoring_role(self, name: str, kms_key_arn: pulumi.Input[str]) -> iam.Role:
        role = iam.Role(
            f"{name}-monitoring",
            assume_role_policy=trust("monitoring.rds.amazonaws.com"),
            description=f"Lets RDS publish operating system metrics of {name}",
            tags={"Name": f"{name}-monitoring"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        iam.RolePolicyAttachment(
            f"{name}-monitoring",
            role=role.name,
            # AWS's own policy for this, and for nothing else: it writes the log groups whose names start with RDS.
            policy_arn=managed_policy(kms_key_arn, "service-role/AmazonRDSEnhancedMonitoringRole"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role

    def _log_groups(self, prefix: str, identifier: pulumi.Output[str], args: DatabaseArgs) -> list[cloudwatch.LogGroup]:
        return [
            cloudwatch.LogGroup(
                f"{prefix}-{log_type}-log",
                name=pulumi.Output.concat("/aws/rds/instance/", identifier, "/", log_type),
                kms_key_id=args["kms_key_arn"],
                retention_in_days=args.get("log_days", 90),
                tags={"Name": f"{prefix}-{log_type}"},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for log_type in LOG_TYPES
        ]

    def _replica(
        self,
        name: str,
        number: int,
        primary: rds.Instance,
        primary_identifier: pulumi.Output[str],
        args: DatabaseArgs,
        settings: rds.ParameterGroup,
        group: ec2.SecurityGroup,
        monitoring: iam.Role,
    ) -> rds.Instance:
        """A copy to read from. It holds nothing that the primary doesn't, so it may go without protection."""
        replica_name = f"{name}-replica-{number}"
        identifier = pulumi.Output.concat(primary_identifier, f"-replica-{number}")
        zones = args.get("zone_names", [])
        return rds.Instance(
            replica_name,
            identifier=identifier,
            # Version, subnets and key are the primary's: RDS accepts no others within a Region.
            replicate_source_db=primary.identifier,
            instance_class=args.get("replica_class", args["instance_class"]),
            allocated_storage=args["storage_gib"],
            availability_zone=zones[(number - 1) % len(zones)] if zones else None,
            multi_az=False,
            backup_retention_period=0,
            maintenance_window=replica_window(args.get("maintenance_window", "sun:04:00-sun:05:00"), number),
            deletion_protection=False,
            # RDS takes no final snapshot of a replica.
            skip_final_snapshot=True,
            tags={"Name": replica_name},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=self._log_groups(replica_name, identifier, args),
                # Identifiers are given, so the old one has to go before its like can be made.
                delete_before_replace=True,
            ),
            **_shared(args, settings, group, monitoring),
        )

    def _alarms(self, name: str, args: DatabaseArgs, primary: rds.Instance, replicas: list[rds.Instance]) -> None:
        topic_arn = args.get("alarm_topic_arn")
        if topic_arn is None:
            return
        inside = pulumi.ResourceOptions(parent=self)
        primary_class = args["instance_class"]
        replica_class = args.get("replica_class", primary_class)
        lag_seconds = args.get("replica_lag_seconds", REPLICA_LAG_SECONDS)
        watched = [(f"{name}-primary", primary_class, primary, primary_alarms(primary.identifier))]
        for number, replica in enumerate(replicas, start=1):
            alarms = replica_alarms(replica.identifier, lag_seconds=lag_seconds)
            watched.append((f"{name}-replica-{number}", replica_class, replica, alarms))
        for prefix, instance_class, instance, own_alarms in watched:
            general_alarms = instance_alarms(
                instance.identifier,
                instance_class=instance_class,
                storage_gib=args["storage_gib"],
                max_connections=args.get("max_connections"),
                slow_statement_ms=args.get("slow_statement_ms", 20),
            )
            for what, alarm in {**general_alarms, **own_alarms}.items():
                declare(f"{prefix}-{what}", alarm, [topic_arn], inside)
        for what, counter in primary_counters(shard_limit_gib=args.get("shard_limit_gib", SHARD_LIMIT_GIB)).items():
            declare_counter(f"{name}-primary-{what}", counter, primary.resource_id, topic_arn, inside)
        rds.EventSubscription(
            f"{name}-events",
            sns_topic=topic_arn,
            source_type="db-instance",
            source_ids=[instance.identifier for instance in (primary, *replicas)],
            event_categories=EVENT_CATEGORIES,
            tags={"Name": f"{name}-events"},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _shared(
    args: DatabaseArgs, settings: rds.ParameterGroup, group: ec2.SecurityGroup, monitoring: iam.Role
) -> dict[str, object]:
    """What a primary and its replicas have in common."""
    insights = _insights("Database", args)
    iops, throughput = storage_performance(args["storage_gib"], args.get("iops"), args.get("throughput_mibps"))
    return {
        "storage_type": "gp3",
        "storage_encrypted": True,
        "max_allocated_storage": args["max_storage_gib"],
        "iops": iops,
        "storage_throughput": throughput,
        "parameter_group_name": settings.name,
        "vpc_security_group_ids": [group.id],
        "publicly_accessible": False,
        "iam_database_authentication_enabled": True,
        "ca_cert_identifier": CERTIFICATE_AUTHORITY,
        "auto_minor_version_upgrade": True,
        "apply_immediately": not args.get("protect", True),
        "copy_tags_to_snapshot": True,
        "enabled_cloudwatch_logs_exports": list(LOG_TYPES),
        "monitoring_interval": MONITORING_SECONDS,
        "monitoring_role_arn": monitoring.arn,
        "database_insights_mode": insights.value,
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": args["kms_key_arn"],
        "performance_insights_retention_period": (
            ADVANCED_INSIGHTS_DAYS if insights is DatabaseInsights.ADVANCED else STANDARD_INSIGHTS_DAYS
        ),
    }


def _insights(component: str, args: DatabaseArgs) -> DatabaseInsights:
    return choice(DatabaseInsights, args.get("insights", DatabaseInsights.STANDARD), component, "insights")


def _check(name: str, args: DatabaseArgs) -> None:
    component = f'Database "{name}"'
    _insights(component, args)
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
        "at least two subnets, in different zones: RDS insists even without a standby",
        "pass the network's data subnets",
    )
    require(
        len(args["rotation_subnet_ids"]) >= 1,
        component,
        "rotation_subnet_ids",
        len(args["rotation_subnet_ids"]),
        "at least one subnet with a way to Secrets Manager",
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
