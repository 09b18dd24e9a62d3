"""The Valkey cache that services share, each with its own user, its own keys and its own channels (C1, S2, S5)."""

import re
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, elasticache

from components.alarms import declare
from components.cache_alarms import node_alarms
from components.checks import require
from components.client_access import client_security_group
from components.database_checks import require_name
from components.log_days import require_log_days
from components.names import autonamed, bounded
from components.stored_secret import StoredSecret, generated_password
from components.windows import require_windows

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
# Nodes with local disks below memory; ElastiCache takes them only with tiering on.
TIERED = re.compile(r"cache\.r6gd\.")
# Commands slower than this are logged, in microseconds: half of what a database statement may take (T2).
SLOW_COMMAND_MICROSECONDS = 10_000

# What a cache client needs: data of its own keys, transactions, scripts, channels. `@dangerous` is what reads or
# changes everybody's data or the server (KEYS, FLUSHALL, CONFIG …); INFO and the topology are given back, because
# clients ask for them. SCAN, RANDOMKEY, DBSIZE and PUBSUB tell of other services' keys whatever the pattern says, and
# the library of scripts and functions is one for all. TIME is in none of these categories: the rate limit's script
# counts by the server's clock, the one that all processes share.
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
    """Who may connect: a word for each security group (`pods`), which its rule's logical name carries."""
    kms_key_arn: pulumi.Input[str]
    """The customer key of data, snapshots and logs (S5)."""
    secrets_kms_key_arn: NotRequired[pulumi.Input[str]]
    """The customer key of the users' secrets. Default: ``kms_key_arn``."""
    services: list[str]
    """Each gets a user of its name, who reaches the keys and channels `<service>:*` only (A2, S4)."""
    node_type: str
    """For example `cache.m7g.large`."""
    id_prefix: NotRequired[str]
    """What the ids of users and of their group begin with, which are unique in an account and region: system and stack,
    for example. Taken when they are made, and never again: another prefix later renames nobody. Default: the name."""

    shards: NotRequired[int]
    """Parts that the keys are spread over. Default: 1."""
    replicas: NotRequired[int]
    """Replicas of each shard. Default: 1."""
    cluster_mode: NotRequired[bool]
    """Clients speak the cluster protocol, so that shards can be added while the cache serves (P1). Needed for more than
    one shard. Default: true, also for one: a cache that is not in cluster mode can't be changed into one in one
    step."""
    multi_zone: NotRequired[bool]
    """Replicas are in other zones than their primary, and take over when it fails (P2). Default: whether there are
    replicas."""
    valkey_version: NotRequired[str]
    """Valkey `7.2`, `8.0` and later. Default: `8.0`."""
    password_generation: NotRequired[int]
    """Raise it by one to give every user a new password; the one before stays good until the next time. Default: 1."""

    protect: NotRequired[bool]
    """Pulumi's own protection (ElastiCache has none), and changes in the maintenance window only. Default: true."""
    snapshot_days: NotRequired[int]
    """Days that daily snapshots are kept, for a warm start after a disaster; 0: none. Default: 1."""
    snapshot_window: NotRequired[str]
    """Daily, UTC. Default: `02:00-03:00`."""
    maintenance_window: NotRequired[str]
    """Weekly, UTC. Default: `sun:04:00-sun:05:00`."""
    log_days: NotRequired[int]
    """Days that slow commands and the engine's log are kept. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""


class Cache(pulumi.ComponentResource):
    """Valkey on ElastiCache: TLS only, encrypted by a customer key, in the data subnets, users with least access.

    Everything in it may vanish: copies of rows, and counters of the rate limit. When memory is full the least
    frequently used entry goes, with an expiry or without, so that a key that lacks one can never stop writes.
    """

    endpoint: pulumi.Output[str]
    """Host name to connect to: the configuration endpoint in cluster mode, the primary else."""
    reader_endpoint: pulumi.Output[str]
    """Host name to read from; in cluster mode the same, clients find replicas by themselves."""
    port: pulumi.Output[int]
    clustered: bool
    """Clients must speak the cluster protocol."""
    security_group_id: pulumi.Output[str]
    arn: pulumi.Output[str]
    replication_group_id: pulumi.Output[str]
    cache_cluster_ids: dict[str, pulumi.Output[str]]
    """By node (`shard-1-node-2`): what ElastiCache's metrics call it."""
    user_names: dict[str, str]
    """By service."""
    key_prefixes: dict[str, str]
    """By service, with the colon."""
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
        users = self._users(name, args.get("id_prefix", name), passwords)
        logs = {
            log_type: cloudwatch.LogGroup(
                f"{name}-{log_type}",
                # Under this prefix log groups need no policy of their own, of which an account has room for few
                # (CloudWatch Logs user guide, "Enable logging from AWS services").
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
            # Cluster mode insists on failover, even where there is no replica to fail over to.
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
        self.secret_arns = {
            service: self._secret(name, service, passwords[service][0], args).arn for service in args["services"]
        }
        # ElastiCache numbers nodes so; without cluster mode there is no shard in the name.
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
        """The current password and, from the second generation on, the one before; a user has two at most."""
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
        # Clients that don't say who they are become `default`. Groups of the engine `redis` must have that user, those
        # of `valkey` may: here it is switched off, and has a password because Valkey's groups take nobody without one
        # (ElastiCache user guide, "Role-Based Access Control").
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
            users.append(
                elasticache.User(
                    f"{name}-{service}",
                    user_id=bounded(f"{prefix}-{service}", ID_LENGTH),
                    user_name=service,
                    engine="valkey",
                    access_string=access_string(service),
                    authentication_mode=elasticache.UserAuthenticationModeArgs(
                        type="password", passwords=list(service_passwords)
                    ),
                    tags={"Name": f"{name}-{service}"},
                    opts=given_id,
                )
            )
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
                "protect": args.get("protect", True),
            },
            pulumi.ResourceOptions(parent=self),
        )

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
    """What every key and channel of the service begins with."""
    return f"{service}:"


def access_string(service: str) -> str:
    """What the service's user may do, in Valkey's own notation; rules apply from left to right."""
    return f"on ~{key_prefix(service)}* &{key_prefix(service)}* {COMMANDS}"


def _parameters(clustered: bool) -> dict[str, str]:
    return {
        "cluster-enabled": "yes" if clustered else "no",
        # Everything here may vanish, so what is asked for least may go first; by frequency, a scan through many keys
        # doesn't push out those that are always asked for, nor the rate limit's counters of busy clients.
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
    require(
        shards >= 1 and shards * (1 + replicas) <= MOST_NODES,
        component,
        "shards",
        shards,
        f"at least 1, and with replicas ({replicas}) at most {MOST_NODES} nodes",
        "use larger nodes",
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
