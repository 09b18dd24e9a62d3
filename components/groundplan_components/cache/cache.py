"""A Valkey cache that services share; each has its own user, keys and channels (C1, S2, S5)."""

import re
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, elasticache

from groundplan_components.cache._alarms import node_alarms
from groundplan_components.cache._rotation import rotating_function
from groundplan_components.cache.rotation_function import USER_TAG
from groundplan_components.keys import StoredSecret, generated_password, require_rotation_days, rotate
from groundplan_components.shared.alarms import declare
from groundplan_components.shared.checks import require
from groundplan_components.shared.client_access import client_security_group
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import autonamed, bounded, require_name
from groundplan_components.shared.windows import require_windows

VALKEY_PORT = 6379

# Of the identifiers of replication groups and users.
ID_LENGTH = 40
# What `-default`, the longest that is put behind it in an identifier, leaves.
NAME_LENGTH = 32
PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SERVICE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SERVICE_LENGTH = 20
NODE_TYPE = re.compile(r"cache\.[a-z0-9]+\.[a-z0-9]+")
VERSION = re.compile(r"(7\.2|[89]\.[0-9]+)")
# ElastiCache user guide, "Quotas": 90 nodes in a group by default, 5 replicas of a shard.
MOST_NODES = 90
MOST_REPLICAS = 5
MOST_SNAPSHOT_DAYS = 35
LEAST_WINDOW_MINUTES = 60
# Nodes with data tiering to local disks, which ElastiCache requires to be enabled.
TIERED = re.compile(r"cache\.r6gd\.")
# Commands slower than this are logged, in microseconds: half of what a database statement may take (T2).
SLOW_COMMAND_MICROSECONDS = 10_000

# Commands of a cache client: data of its own keys, transactions, scripts, channels. `@dangerous` commands read or
# change all data or the server (KEYS, FLUSHALL, CONFIG …); INFO and the topology are allowed again, because clients
# need them. SCAN, RANDOMKEY, DBSIZE and PUBSUB reveal other services' keys despite the key pattern, and services would
# share one library of scripts and functions. TIME is in none of these categories: the rate limit's script uses the
# server's clock, which all processes share.
COMMANDS = (
    "-@all +@read +@write +@connection +@transaction +@scripting +@pubsub -@dangerous "
    "-scan -randomkey -dbsize -pubsub -function -script|flush -script|kill "
    "+info +cluster|slots +cluster|shards +cluster|nodes +cluster|myid +time"
)
NO_ACCESS = "off -@all"


class CacheArgs(TypedDict):
    """Args of `Cache`."""

    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Security groups that may connect, by a label (`pods`) that the rule's logical name carries."""
    kms_key_arn: pulumi.Input[str]
    """The customer key of data, snapshots and logs (S5)."""
    secrets_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The customer key of the users' secrets. Default: ``kms_key_arn``."""
    services: list[str]
    """Services; each gets a user of its name with access to the keys and channels `<service>:*` only (A2, S4)."""
    node_type: str
    """Type of the nodes, for example `cache.m7g.large`."""
    id_prefix: NotRequired[str]
    """What the ids of users and of their group begin with, which are unique in an account and region: system and stack,
    for example. Taken when they are made; a later prefix does not rename them. Default: the name."""

    shards: NotRequired[int]
    """Shards that hold the keys. Default: 1."""
    replicas: NotRequired[int]
    """Replicas of each shard. Default: 1."""
    node_quota: NotRequired[int]
    """The account's quota of nodes for one cluster. Default: AWS's default of 90."""
    cluster_mode: NotRequired[bool]
    """Cluster mode: clients speak the cluster protocol, so that shards can be added online (P1). Needed for more than
    one shard. Default: true, also for one shard: enabling cluster mode later takes several steps."""
    multi_zone: NotRequired[bool]
    """Place replicas in other zones than their primary, with automatic failover (P2). Default: whether there are
    replicas."""
    valkey_version: NotRequired[str]
    """Valkey `7.2`, `8.0` and later. Default: `8.0`."""
    rotation_days: NotRequired[int]
    """Days between rotations of a service's password; the previous one stays valid until the next rotation. Default:
    30."""
    password_generation: NotRequired[int]
    """Generation of the passwords that users are made with. Rotation changes them from there on: raising this later
    does nothing. Default: 1."""

    protect: NotRequired[bool]
    """Pulumi's protection (ElastiCache has none), and changes in the maintenance window only. Default: true."""
    snapshot_days: NotRequired[int]
    """Retention of daily snapshots in days, for a warm start after a disaster; 0 for none. Default: 1."""
    snapshot_window: NotRequired[str]
    """Daily, UTC. Default: `02:00-03:00`."""
    maintenance_window: NotRequired[str]
    """Weekly, UTC. Default: `sun:04:00-sun:05:00`."""
    log_days: NotRequired[int]
    """Retention of the slow log and the engine's log, in days. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""


class Cache(pulumi.ComponentResource):
    """Valkey on ElastiCache: TLS only, encrypted by a customer key, in the data subnets, users with least access.

    All its data may be lost: copies of rows, and counters of the rate limit. When memory is full, it evicts the least
    frequently used entry, with or without an expiry, so that keys without expiry never block writes.
    """

    endpoint: pulumi.Output[str]
    """Host name to connect to: the configuration endpoint in cluster mode, the primary else."""
    reader_endpoint: pulumi.Output[str]
    """Host name to read from; in cluster mode the same, because clients discover replicas."""
    port: pulumi.Output[int]
    clustered: bool
    """Whether clients must speak the cluster protocol."""
    security_group_id: pulumi.Output[str]
    arn: pulumi.Output[str]
    replication_group_id: pulumi.Output[str]
    cache_cluster_ids: dict[str, pulumi.Output[str]]
    """By node (`shard-1-node-2`): its name in ElastiCache's metrics."""
    user_names: dict[str, str]
    """By service."""
    key_prefixes: dict[str, str]
    """Key prefixes by service, with the colon."""
    secret_arns: dict[str, pulumi.Output[str]]
    """By service: JSON with ``host``, ``reader``, ``port``, ``username``, ``password``, ``prefix``, ``tls`` and
    ``cluster``."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:Cache", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        shards = args.get("shards", 1)
        replicas = args.get("replicas", 1)
        version = args.get("valkey_version", "8.0")
        self.clustered = args.get("cluster_mode", True)

        group = client_security_group(
            name,
            parent=self,
            description=f"Cache {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="Valkey",
            port=VALKEY_PORT,
        )
        subnets = elasticache.SubnetGroup(
            f"{name}-subnets",
            subnet_ids=args["subnet_ids"],
            description=f"Data subnets of {name}",
            tags={"Name": name},
            opts=inside,
        )
        settings = elasticache.ParameterGroup(
            f"{name}-parameters",
            family=f"valkey{version.split('.')[0]}",
            description=f"Settings of {name}",
            parameters=[
                elasticache.ParameterGroupParameterArgs(name=parameter, value=value)
                for parameter, value in sorted(_parameters(self.clustered).items())
            ],
            tags={"Name": name},
            opts=inside,
        )
        passwords = {service: self._passwords(name, service, args) for service in args["services"]}
        self._user_ids: dict[str, pulumi.Output[str]] = {}
        users = self._users(name, args.get("id_prefix", name), passwords)
        logs = {
            log_type: cloudwatch.LogGroup(
                f"{name}-{log_type}",
                # Log groups with this prefix need no resource policy, of which an account allows few (CloudWatch Logs
                # user guide, "Enable logging from AWS services").
                name_prefix=f"/aws/vendedlogs/elasticache/{name}-{log_type}-",
                kms_key_id=args["kms_key_arn"],
                retention_in_days=args.get("log_days", 90),
                tags={"Name": f"{name}-{log_type}"},
                opts=inside,
            )
            for log_type in ("slow-log", "engine-log")
        }

        cluster = elasticache.ReplicationGroup(
            autonamed(f"{name}-valkey", ID_LENGTH),
            description=f"Cache of {name}",
            engine="valkey",
            engine_version=version,
            node_type=args["node_type"],
            data_tiering_enabled=True if TIERED.match(args["node_type"]) else None,
            port=VALKEY_PORT,
            cluster_mode="enabled" if self.clustered else "disabled",
            num_node_groups=shards,
            replicas_per_node_group=replicas,
            # Cluster mode requires failover, even without a replica.
            automatic_failover_enabled=self.clustered or replicas > 0,
            multi_az_enabled=args.get("multi_zone", replicas > 0),
            parameter_group_name=settings.name,
            subnet_group_name=subnets.name,
            security_group_ids=[group.id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=args["kms_key_arn"],
            user_group_ids=[users.user_group_id],
            log_delivery_configurations=[
                elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=log.name,
                    destination_type="cloudwatch-logs",
                    log_format="json",
                    log_type=log_type,
                )
                for log_type, log in logs.items()
            ],
            auto_minor_version_upgrade=True,
            maintenance_window=args.get("maintenance_window", "sun:04:00-sun:05:00"),
            snapshot_retention_limit=args.get("snapshot_days", 1),
            snapshot_window=args.get("snapshot_window", "02:00-03:00"),
            apply_immediately=not protect,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

        if self.clustered:
            self.endpoint = cluster.configuration_endpoint_address
            self.reader_endpoint = cluster.configuration_endpoint_address
        else:
            self.endpoint = cluster.primary_endpoint_address
            self.reader_endpoint = cluster.reader_endpoint_address
        self.port = pulumi.Output.from_input(VALKEY_PORT)
        self.security_group_id = group.id
        self.arn = cluster.arn
        self.replication_group_id = cluster.id
        self.user_names = {service: service for service in args["services"]}
        self.key_prefixes = {service: key_prefix(service) for service in args["services"]}
        secrets = {service: self._secret(name, service, passwords[service][0], args) for service in args["services"]}
        self.secret_arns = {service: secret.arn for service, secret in secrets.items()}
        self._rotate(name, args, secrets, cluster)
        # ElastiCache's numbering of nodes; without cluster mode the name has no shard.
        self.cache_cluster_ids = {
            f"shard-{shard}-node-{node}": pulumi.Output.concat(
                cluster.id, f"-{shard:04}-{node:03}" if self.clustered else f"-{node:03}"
            )
            for shard in range(1, shards + 1)
            for node in range(1, replicas + 2)
        }
        self._alarms(name, args)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "reader_endpoint": self.reader_endpoint,
                "port": self.port,
                "clustered": self.clustered,
                "security_group_id": self.security_group_id,
                "arn": self.arn,
                "replication_group_id": self.replication_group_id,
                "cache_cluster_ids": self.cache_cluster_ids,
                "user_names": self.user_names,
                "key_prefixes": self.key_prefixes,
                "secret_arns": self.secret_arns,
            }
        )

    def _passwords(self, name: str, service: str, args: CacheArgs) -> list[pulumi.Output[str]]:
        """The current password and, from the second generation on, the previous one; ElastiCache allows two."""
        generation = args.get("password_generation", 1)
        return [
            generated_password(f"{name}-{service}-password-{number}", self).result
            for number in range(generation, max(0, generation - 2), -1)
        ]

    def _users(self, name: str, prefix: str, passwords: dict[str, list[pulumi.Output[str]]]) -> elasticache.UserGroup:
        # Their ids are given, so the old one has to go before its like can be made (terraform-provider-aws#36848). An
        # id changes by replacement only, and stacks are deployed whose ids begin with the name alone: they keep them
        # (docs/adr/0002-account-wide-names.md).
        given_id = pulumi.ResourceOptions(parent=self, delete_before_replace=True, ignore_changes=["userId"])
        # Rotation changes passwords after that: Pulumi must not bring the first one back.
        rotated = pulumi.ResourceOptions(
            parent=self, delete_before_replace=True, ignore_changes=["userId", "authenticationMode"]
        )
        # Clients without a user name become `default`. Groups of the engine `redis` must have that user, groups of
        # `valkey` may: here it is disabled, and has a password because Valkey's groups require one (ElastiCache user
        # guide, "Role-Based Access Control").
        users = [
            elasticache.User(
                f"{name}-default",
                user_id=bounded(f"{prefix}-default", ID_LENGTH),
                user_name="default",
                engine="valkey",
                access_string=NO_ACCESS,
                authentication_mode=elasticache.UserAuthenticationModeArgs(
                    type="password", passwords=[generated_password(f"{name}-default-password", self).result]
                ),
                tags={"Name": f"{name}-default"},
                opts=given_id,
            )
        ]
        for service, service_passwords in passwords.items():
            user = elasticache.User(
                f"{name}-{service}",
                user_id=bounded(f"{prefix}-{service}", ID_LENGTH),
                user_name=service,
                engine="valkey",
                access_string=access_string(service),
                authentication_mode=elasticache.UserAuthenticationModeArgs(
                    type="password", passwords=list(service_passwords)
                ),
                tags={"Name": f"{name}-{service}"},
                opts=rotated,
            )
            self._user_ids[service] = user.user_id
            users.append(user)
        return elasticache.UserGroup(
            f"{name}-users",
            user_group_id=bounded(f"{prefix}-users", ID_LENGTH),
            engine="valkey",
            user_ids=[user.user_id for user in users],
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["userGroupId"]),
        )

    def _secret(self, name: str, service: str, password: pulumi.Output[str], args: CacheArgs) -> StoredSecret:
        return StoredSecret(
            f"{name}-{service}-access",
            {
                "description": f"Cache user of the service {service}",
                "kms_key_arn": args.get("secrets_kms_key_arn", args["kms_key_arn"]),
                "content": {
                    "host": self.endpoint,
                    "reader": self.reader_endpoint,
                    "port": str(VALKEY_PORT),
                    "username": service,
                    "password": password,
                    "prefix": key_prefix(service),
                    "tls": "true",
                    "cluster": "true" if self.clustered else "false",
                },
                "rotated": True,
                "tags": {USER_TAG: self._user_ids[service]},
                "protect": args.get("protect", True),
            },
            pulumi.ResourceOptions(parent=self),
        )

    def _rotate(
        self,
        name: str,
        args: CacheArgs,
        secrets: dict[str, StoredSecret],
        cluster: elasticache.ReplicationGroup,
    ) -> None:
        """The first rotation comes ``rotation_days`` after the deployment, when services run."""
        rotator = rotating_function(
            name,
            self,
            id_prefix=args.get("id_prefix", name),
            user_ids=list(self._user_ids.values()),
            function_name=cluster.id,
            kms_key_arn=args.get("secrets_kms_key_arn", args["kms_key_arn"]),
            log_days=args.get("log_days", 90),
            alarm_topic_arn=args.get("alarm_topic_arn"),
        )
        for service, secret in secrets.items():
            days = args.get("rotation_days", 30)
            rotate(f"{name}-{service}-schedule", secret, rotator, days, immediately=False, parent=self)

    def _alarms(self, name: str, args: CacheArgs) -> None:
        if "alarm_topic_arn" not in args:
            return
        for node, cache_cluster_id in self.cache_cluster_ids.items():
            for what, alarm in node_alarms(cache_cluster_id).items():
                declare(
                    f"{name}-{node}-{what}",
                    alarm,
                    [args["alarm_topic_arn"]],
                    pulumi.ResourceOptions(parent=self),
                )


def key_prefix(service: str) -> str:
    """Prefix of the service's keys and channels."""
    return f"{service}:"


def access_string(service: str) -> str:
    """Permissions of the service's user, in Valkey's notation; rules apply from left to right."""
    return f"on ~{key_prefix(service)}* &{key_prefix(service)}* {COMMANDS}"


def _parameters(clustered: bool) -> dict[str, str]:
    return {
        "cluster-enabled": "yes" if clustered else "no",
        # All data may be lost, so eviction may take any key. By frequency of use, a scan through many keys evicts
        # neither hot keys nor the rate limit's counters of busy clients.
        "maxmemory-policy": "allkeys-lfu",
        "slowlog-log-slower-than": str(SLOW_COMMAND_MICROSECONDS),
    }


def _check(name: str, args: CacheArgs) -> None:
    component = f'Cache "{name}"'
    require_name(component, name, NAME_LENGTH)
    prefix = args.get("id_prefix", name)
    require(
        PREFIX.fullmatch(prefix) is not None,
        component,
        "id_prefix",
        prefix,
        "lower-case letters, digits and single hyphens, a letter first",
        "use the system's and the stack's names",
    )
    require_log_days(component, args.get("log_days", 90))
    require_rotation_days(component, args.get("rotation_days", 30))
    for service in args["services"]:
        require(
            SERVICE.fullmatch(service) is not None and len(service) <= SERVICE_LENGTH and service != "default",
            component,
            "services",
            service,
            f"lower-case letters, digits and single hyphens, at most {SERVICE_LENGTH} characters, not `default`",
            "rename the service",
        )
    require(
        len(set(args["services"])) == len(args["services"]),
        component,
        "services",
        args["services"],
        "each service once",
        "leave out the repetition",
    )
    require(
        NODE_TYPE.fullmatch(args["node_type"]) is not None,
        component,
        "node_type",
        args["node_type"],
        "an ElastiCache node type",
        "write it as ElastiCache does, for example cache.m7g.large",
    )
    version = args.get("valkey_version", "8.0")
    require(
        VERSION.fullmatch(version) is not None,
        component,
        "valkey_version",
        version,
        "a version of Valkey: 7.2, 8.0 or later, major and minor",
        "leave it out to have 8.0",
    )
    shards = args.get("shards", 1)
    replicas = args.get("replicas", 1)
    require(
        0 <= replicas <= MOST_REPLICAS,
        component,
        "replicas",
        replicas,
        f"0 to {MOST_REPLICAS} replicas of a shard",
        "add shards rather than replicas",
    )
    nodes = args.get("node_quota", MOST_NODES)
    require(
        shards >= 1 and shards * (1 + replicas) <= nodes,
        component,
        "shards",
        shards,
        f"at least 1, and with replicas ({replicas}) at most {nodes} nodes, the account's quota for a cluster",
        "have AWS raise the quota `Nodes per cluster per instance type`, then say so in node_quota",
    )
    require(
        shards == 1 or args.get("cluster_mode", True),
        component,
        "cluster_mode",
        False,
        f"true with more than one shard ({shards})",
        "leave it out, or use one shard",
    )
    require(
        replicas > 0 or not args.get("multi_zone", False),
        component,
        "multi_zone",
        True,
        "a replica to fail over to",
        "set replicas to 1 or more, or multi_zone to false",
    )
    days = args.get("snapshot_days", 1)
    require(
        0 <= days <= MOST_SNAPSHOT_DAYS,
        component,
        "snapshot_days",
        days,
        f"0 to {MOST_SNAPSHOT_DAYS} days",
        "1 is enough for a warm start",
    )
    generation = args.get("password_generation", 1)
    require(
        generation >= 1,
        component,
        "password_generation",
        generation,
        "1 or more",
        "raise it by one to change the passwords",
    )
    require_windows(
        component,
        "snapshot_window",
        args.get("snapshot_window", "02:00-03:00"),
        args.get("maintenance_window", "sun:04:00-sun:05:00"),
        LEAST_WINDOW_MINUTES,
    )
