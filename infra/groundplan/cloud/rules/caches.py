"""ElastiCache: replication groups, users, parameter groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.cloud.item import Item
from groundplan.cloud.rules.addresses import zones
from groundplan.cloud.rules.registry import Broken, between, one_of, rule, transition

if TYPE_CHECKING:
    from groundplan.cloud.cloud import Cloud

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
_USER = "aws:elasticache/user:User"
_USER_GROUP = "aws:elasticache/userGroup:UserGroup"
_PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"


def _replicas(group: Item) -> int | None:
    """Replicas of each shard, as far as it is said."""
    per_shard, clusters = group.known("replicasPerNodeGroup"), group.known("numCacheClusters")
    if isinstance(per_shard, int):
        return per_shard
    if isinstance(clusters, int):
        return clusters - 1
    configured = [each.get("replicaCount") for each in group.objects("nodeGroupConfigurations")]
    if configured and all(isinstance(each, int) for each in configured):
        return min(each for each in configured if isinstance(each, int))
    return 0 if group.get("replicasPerNodeGroup") is None and group.get("numCacheClusters") is None else None


@rule(GROUP)
def sizes(group: Item, _: Cloud) -> Iterator[Broken]:
    """Either a number of nodes, or shards with up to 5 replicas each; up to 500 shards.

    Source: ElastiCache API, CreateReplicationGroup, NumCacheClusters, NumNodeGroups, ReplicasPerNodeGroup.
    """
    if group.get("numCacheClusters") is not None:
        for name in ("numNodeGroups", "replicasPerNodeGroup"):
            if group.get(name) is not None:
                yield Broken(
                    name, "nothing, as numCacheClusters is given", "say shards and replicas, or nodes, not both"
                )
    yield from between(group, "numCacheClusters", 1, 6)
    yield from between(group, "numNodeGroups", 1, 500)
    yield from between(group, "replicasPerNodeGroup", 0, 5)
    node = group.known("nodeType")
    if isinstance(node, str) and re.fullmatch(r"cache\.[a-z0-9]+\.(\d*x?large|micro|small|medium)", node) is None:
        yield Broken("nodeType", "a node type such as cache.m7g.large", "correct the type")
    if group.get("nodeType") is None and group.get("globalReplicationGroupId") is None:
        yield Broken("nodeType", "a node type", "set node_type")


@rule(GROUP)
def failover(group: Item, cloud: Cloud) -> Iterator[Broken]:
    """Automatic failover needs a replica in each shard; Multi-AZ needs automatic failover and two zones; shards need
    failover.

    Source: ElastiCache API, CreateReplicationGroup, AutomaticFailoverEnabled and MultiAZEnabled.
    """
    automatic = group.get("automaticFailoverEnabled", False)
    replicas = _replicas(group)
    shards = group.known("numNodeGroups")
    clustered = group.known("clusterMode") == "enabled" or (isinstance(shards, int) and shards > 1)
    if automatic is True and replicas is not None and replicas < 1 and not clustered:
        yield Broken(
            "automaticFailoverEnabled",
            "at least one replica in each shard",
            "set replicas_per_node_group, or num_cache_clusters to 2",
            True,
        )
    if clustered and automatic is False:
        yield Broken(
            "automaticFailoverEnabled", "true, as the group has shards", "set automatic_failover_enabled", automatic
        )
    if group.known("multiAzEnabled") is True:
        if automatic is False:
            yield Broken("multiAzEnabled", "automatic failover", "set automatic_failover_enabled")
        if replicas is not None and replicas < 1:
            yield Broken(
                "multiAzEnabled", "at least one replica in each shard, in another zone", "set replicas_per_node_group"
            )
        subnets = cloud.find("aws:elasticache/subnetGroup:SubnetGroup", group.known("subnetGroupName"))
        where = zones(subnets, cloud, "subnetIds") if subnets is not None else None
        if where is not None and len(where) < 2:
            yield Broken(
                "subnetGroupName",
                "a subnet group with two zones, as multiAzEnabled is true",
                "add a subnet of another zone",
            )


@rule(GROUP)
def encryption(group: Item, _: Cloud) -> Iterator[Broken]:
    """Users and tokens need encryption in transit; a transit mode and a key need their kind of encryption on.

    Source: ElastiCache user guide, Role-Based Access Control; ElastiCache API, TransitEncryptionMode.
    """
    on = group.get("transitEncryptionEnabled", False)
    for name in ("userGroupIds", "authToken", "transitEncryptionMode"):
        if group.get(name) and on is False:
            yield Broken(
                name,
                "encryption in transit",
                "set transit_encryption_enabled",
                "[secret]" if name == "authToken" else None,
            )
    if group.each("userGroupIds") and group.get("authToken") is not None:
        yield Broken("authToken", "nothing, as the group has users", "remove auth_token", "[secret]")
    if len(group.each("userGroupIds")) > 1:
        yield Broken("userGroupIds", "one user group", "put all users in one group")
    yield from one_of(group, "transitEncryptionMode", "preferred", "required")
    if group.get("kmsKeyId") is not None and group.get("atRestEncryptionEnabled", False) is False:
        yield Broken("kmsKeyId", "encryption at rest", "set at_rest_encryption_enabled")


@rule(GROUP)
def engine(group: Item, cloud: Cloud) -> Iterator[Broken]:
    """Engine and version belong together, and the parameter group is of their family.

    Source: ElastiCache user guide, Supported engines and versions; Parameter management.
    """
    yield from one_of(group, "engine", "redis", "valkey")
    name = group.get("engine", "redis")
    text = group.known("engineVersion")
    if isinstance(text, str):
        pattern = r"(7\.2|[89]\.\d)(\.\d+)?" if name == "valkey" else r"([5-7]\.\d|6\.x)(\.\d+)?"
        if re.fullmatch(pattern, text) is None:
            yield Broken(
                "engineVersion", f"a version of {name}", "for example 8.1" if name == "valkey" else "for example 7.1"
            )
    parameters = cloud.find(_PARAMETERS, group.known("parameterGroupName"))
    family = parameters.known("family") if parameters is not None else None
    if isinstance(family, str) and isinstance(text, str) and isinstance(name, str):
        major = text.split(".")[0]
        right = {"6": "redis6.x"}.get(major, f"{name}{major}") if name == "redis" else f"{name}{major}"
        if family != right:
            yield Broken(
                "parameterGroupName",
                f"a parameter group of family {right}; this one is of {family}",
                "create one of that family",
            )


@rule(GROUP)
def upkeep(group: Item, _: Cloud) -> Iterator[Broken]:
    """Snapshots are kept 0 to 35 days; logs are slow-log or engine-log, as json or text, to CloudWatch Logs or
    Firehose, once each.

    Source: ElastiCache API, CreateReplicationGroup, SnapshotRetentionLimit, LogDeliveryConfigurationRequest.
    """
    yield from between(group, "snapshotRetentionLimit", 0, 35)
    kinds: set[object] = set()
    for index, each in enumerate(group.objects("logDeliveryConfigurations")):
        path = f"logDeliveryConfigurations[{index}]"
        for key, allowed in (
            ("logType", ("slow-log", "engine-log")),
            ("logFormat", ("json", "text")),
            ("destinationType", ("cloudwatch-logs", "kinesis-firehose")),
        ):
            if isinstance(each.get(key), str) and each[key] not in allowed:
                yield Broken(f"{path}.{key}", f"one of {', '.join(allowed)}", "choose one of these")
        if each.get("logType") in kinds:
            yield Broken(f"{path}.logType", "a log that is delivered once", "remove one of the two")
        kinds.add(each.get("logType"))
        if isinstance(each.get("destination"), str) and each["destination"].startswith("arn:"):
            yield Broken(f"{path}.destination", "the name of the log group or stream, not its ARN", "pass the name")


@rule(GROUP)
def tiered_nodes(group: Item, _: Cloud) -> Iterator[Broken]:
    """Nodes with disks tier data, and no others do.

    Source: ElastiCache user guide, Data tiering.
    """
    node, tiered = group.known("nodeType"), group.get("dataTieringEnabled", False)
    if isinstance(node, str) and isinstance(tiered, bool) and node.startswith("cache.r6gd.") != tiered:
        path = "dataTieringEnabled" if tiered else "nodeType"
        yield Broken(path, "data tiering with nodes cache.r6gd.…, and with no others", "make the two agree")


@rule(_USER)
def user(item: Item, _: Cloud) -> Iterator[Broken]:
    """A user signs in by IAM (then its id is its name), by one or two passwords of 16 to 128 characters, or openly.

    Source: ElastiCache API, CreateUser; ElastiCache user guide, Authenticating with IAM.
    """
    yield from one_of(item, "engine", "redis", "valkey")
    kind = item.known("authenticationMode.type")
    yield from one_of(item, "authenticationMode.type", "iam", "password", "no-password-required")
    if kind == "iam" and item.known("userId") != item.known("userName"):
        yield Broken(
            "userName", f"its user id, {item.known('userId')}, as it signs in by IAM", "set user_name to user_id"
        )
    ways = [
        item.get("authenticationMode") is not None,
        item.get("passwords") is not None or item.get("passwordsWo") is not None,
        item.known("noPasswordRequired") is True,
    ]
    if sum(ways) != 1:
        yield Broken(
            "authenticationMode",
            "one way of signing in: authenticationMode, passwords or noPasswordRequired",
            "choose one",
        )
    for path in ("passwords", "authenticationMode.passwords"):
        values = item.each(path)
        if len(values) > 2:
            yield Broken(path, "at most two passwords", "remove the oldest", "[secret]")
        for index, value in enumerate(values):
            if isinstance(value, str) and not 16 <= len(value) <= 128:
                yield Broken(f"{path}[{index}]", "16 to 128 characters", "change its length", "[secret]")
    access = item.known("accessString")
    if isinstance(access, str) and not re.match(r"(on|off)( |$)", access):
        yield Broken(
            "accessString", "an access string that begins with on or off", "for example: on ~orders:* +@read +@write"
        )


@rule(_USER)
def user_passwords(item: Item, _: Cloud) -> Iterator[Broken]:
    """A user with passwords has one or two, and one without has none.

    Source: ElastiCache API, AuthenticationMode.
    """
    kind, path = item.known("authenticationMode.type"), "authenticationMode.passwords"
    if kind == "password" and not item.get(path):
        yield Broken(path, "one or two passwords, as the type is password", "set passwords", "")
    if kind in ("iam", "no-password-required") and item.get(path):
        yield Broken(path, f"nothing, as the type is {kind}", "remove the passwords", "[secret]")


@rule(_USER_GROUP)
def user_group(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A Redis group holds a user named `default`; names are unique in a group; a Redis group holds Redis users only.

    Source: ElastiCache user guide, Role-Based Access Control, Managing access with user groups.
    """
    yield from one_of(item, "engine", "redis", "valkey")
    users = [cloud.find(_USER, each) for each in item.each("userIds")]
    known = [each for each in users if each is not None]
    names = [each.known("userName") for each in known]
    if item.known("engine") == "redis":
        if len(known) == len(users) and "default" not in names:
            yield Broken("userIds", "a user named default", "create one with access `off`, and add it")
        for each in known:
            if each.known("engine") == "valkey":
                yield Broken(
                    "userIds", f"users of engine redis; {each.name} is of valkey", "set the group's engine to valkey"
                )
    if len(set(names)) != len(names):
        yield Broken("userIds", "users with different names", "rename one of the two")


@rule(_PARAMETERS)
def parameter_group(item: Item, _: Cloud) -> Iterator[Broken]:
    """A family is an engine and its major version; each parameter is set once.

    Source: ElastiCache API, CreateCacheParameterGroup, CacheParameterGroupFamily.
    """
    yield from one_of(
        item,
        "family",
        "memcached1.4",
        "memcached1.5",
        "memcached1.6",
        "redis2.6",
        "redis2.8",
        "redis3.2",
        "redis4.0",
        "redis5.0",
        "redis6.x",
        "redis7",
        "valkey7",
        "valkey8",
        "valkey9",
    )
    seen: set[object] = set()
    for index, parameter in enumerate(item.objects("parameters")):
        if parameter.get("name") in seen:
            yield Broken(f"parameters[{index}].name", "a parameter that is set once", "remove one of the two")
        seen.add(parameter.get("name"))


@rule("aws:elasticache/subnetGroup:SubnetGroup")
def subnet_group(item: Item, cloud: Cloud) -> Iterator[Broken]:
    """A subnet group names subnets of one VPC.

    Source: ElastiCache API, CreateCacheSubnetGroup.
    """
    found = {
        subnet.known("vpcId")
        for subnet in (cloud.find("aws:ec2/subnet:Subnet", each) for each in item.each("subnetIds"))
        if subnet is not None
    }
    if len(found) > 1:
        yield Broken("subnetIds", "subnets of one VPC", "use subnets of one VPC")


@transition(GROUP)
def cluster_mode_in_steps(old: Item, new: Item) -> Iterator[Broken]:
    """Cluster mode goes from disabled to compatible to enabled, and not back.

    Source: ElastiCache API, ModifyReplicationGroup, ClusterMode.
    """
    before, after = old.known("clusterMode"), new.known("clusterMode")
    if before == "disabled" and after == "enabled":
        yield Broken("clusterMode", "compatible, as it is disabled now", "deploy compatible first, then enabled")
    if before == "enabled" and after in ("disabled", "compatible"):
        yield Broken("clusterMode", "enabled: it can't be taken back", "keep it, or create a second cache")


@transition(GROUP)
def encryption_in_steps(old: Item, new: Item) -> Iterator[Broken]:
    """Encryption in transit is switched on as preferred, and required by a second change.

    Source: ElastiCache API, ModifyReplicationGroup, TransitEncryptionMode.
    """
    if (
        old.known("transitEncryptionEnabled") is True
        and new.known("transitEncryptionEnabled") is False
        and old.known("transitEncryptionMode") != "preferred"
    ):
        yield Broken(
            "transitEncryptionEnabled",
            "true, as connections must be encrypted now",
            "make it preferred first, then off",
        )
    if (
        old.get("transitEncryptionEnabled", False) is False
        and new.known("transitEncryptionEnabled") is True
        and new.known("transitEncryptionMode") != "preferred"
    ):
        yield Broken(
            "transitEncryptionMode", "preferred, as connections aren't encrypted now", "require it by a second change"
        )
