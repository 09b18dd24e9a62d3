"""Caches (C1)."""

from __future__ import annotations

from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
_USER = "aws:elasticache/user:User"
_USERS = "aws:elasticache/userGroup:UserGroup"
_PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
_SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"


def subnets(world: World) -> Inputs:
    return {"subnetIds": world.subnets()}


def user(_: World) -> Inputs:
    return {
        "userId": "orders",
        "userName": "orders",
        "engine": "valkey",
        "accessString": "on ~orders:* +@read",
        "authenticationMode": {"type": "iam"},
    }


def users(world: World) -> Inputs:
    secret = {"type": "password", "passwords": ["a-password-of-length"]}
    spare = {**user(world), "engine": "redis", "userId": "spare", "authenticationMode": secret}
    world.make(_USER, "spare", spare)
    default = {
        "userId": "nobody",
        "userName": "default",
        "engine": "redis",
        "accessString": "off -@all",
        "noPasswordRequired": True,
    }
    first = world.make(_USER, "default", default)
    second = world.make(_USER, "orders", {**user(world), "engine": "redis"})
    return {"userGroupId": "shop", "engine": "redis", "userIds": [first.id, second.id]}


def parameters(_: World) -> Inputs:
    return {"family": "valkey8", "parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]}


def cache(world: World) -> Inputs:
    group = world.make(_SUBNETS, "data", subnets(world))
    family = world.make(_PARAMETERS, "valkey", parameters(world))
    world.make(_PARAMETERS, "old", {"family": "valkey7"})
    one_zone = [world.subnet(0).id, world.subnet(3, "a").id]
    world.make(_SUBNETS, "narrow", {"subnetIds": one_zone})
    member = world.make(_USER, "orders", user(world))
    members = world.make(_USERS, "shop", {"userGroupId": "shop", "engine": "valkey", "userIds": [member.id]})
    return {
        "description": "Cache",
        "engine": "valkey",
        "engineVersion": "8.1",
        "nodeType": "cache.m7g.large",
        "numNodeGroups": 1,
        "replicasPerNodeGroup": 1,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "atRestEncryptionEnabled": True,
        "kmsKeyId": world.key().arn,
        "userGroupIds": [members.id],
        "subnetGroupName": group.id,
        "securityGroupIds": [world.group().id],
        "parameterGroupName": family.id,
        "snapshotRetentionLimit": 7,
        "logDeliveryConfigurations": [
            {"destination": "/slow", "destinationType": "cloudwatch-logs", "logFormat": "json", "logType": "slow-log"}
        ],
    }


def named(world: World, token: str, name: str) -> str:
    return next(item.id for item in world.cloud.of(token) if item.name == name)


CASES = (
    Case("caches.sizes", _GROUP, cache, {"numCacheClusters": 2}, "numNodeGroups", "numCacheClusters is given"),
    Case("caches.sizes", _GROUP, cache, {"replicasPerNodeGroup": 6}, "replicasPerNodeGroup", "0 to 5"),
    Case("caches.sizes", _GROUP, cache, {"nodeType": "db.m7g.large"}, "nodeType", "cache.m7g.large"),
    Case(
        "caches.failover",
        _GROUP,
        cache,
        {"replicasPerNodeGroup": 0},
        "automaticFailoverEnabled",
        "at least one replica",
    ),
    Case("caches.failover", _GROUP, cache, {"automaticFailoverEnabled": False}, "multiAzEnabled", "automatic failover"),
    Case(
        "caches.failover",
        _GROUP,
        cache,
        {"numNodeGroups": 2, "automaticFailoverEnabled": False, "multiAzEnabled": False},
        "automaticFailoverEnabled",
        "has shards",
    ),
    Case(
        "caches.failover",
        _GROUP,
        cache,
        lambda world: {"subnetGroupName": named(world, _SUBNETS, "narrow")},
        "subnetGroupName",
        "two zones",
    ),
    Case(
        "caches.encryption", _GROUP, cache, {"transitEncryptionEnabled": False}, "userGroupIds", "encryption in transit"
    ),
    Case("caches.encryption", _GROUP, cache, {"atRestEncryptionEnabled": False}, "kmsKeyId", "encryption at rest"),
    Case("caches.encryption", _GROUP, cache, {"authToken": "x" * 20}, "authToken", "has users"),
    Case("caches.engine", _GROUP, cache, {"engineVersion": "7.1"}, "engineVersion", "a version of valkey"),
    Case(
        "caches.engine",
        _GROUP,
        cache,
        lambda world: {"parameterGroupName": named(world, _PARAMETERS, "old")},
        "parameterGroupName",
        "family valkey8",
    ),
    Case("caches.upkeep", _GROUP, cache, {"snapshotRetentionLimit": 36}, "snapshotRetentionLimit", "0 to 35"),
    Case(
        "caches.upkeep",
        _GROUP,
        cache,
        {"logDeliveryConfigurations[0].logType": "query-log"},
        "logDeliveryConfigurations[0].logType",
        "slow-log, engine-log",
    ),
    Case("caches.user", _USER, user, {"userName": "order"}, "userName", "signs in by IAM"),
    Case("caches.user", _USER, user, {"accessString": "~* +@all"}, "accessString", "on or off"),
    Case(
        "caches.user",
        _USER,
        user,
        {"authenticationMode": {"type": "password", "passwords": ["short"]}},
        "authenticationMode.passwords[0]",
        "16 to 128",
    ),
    Case("caches.user", _USER, user, {"authenticationMode": ABSENT}, "authenticationMode", "one way of signing in"),
    Case(
        "caches.user_group",
        _USERS,
        users,
        lambda world: {"userIds": [named(world, _USER, "orders")]},
        "userIds",
        "named default",
    ),
    Case(
        "caches.user_group",
        _USERS,
        users,
        lambda world: {"userIds[2]": named(world, _USER, "spare")},
        "userIds",
        "different names",
    ),
    Case("caches.parameter_group", _PARAMETERS, parameters, {"family": "valkey12"}, "family", "valkey8"),
    Case(
        "caches.parameter_group",
        _PARAMETERS,
        parameters,
        {"parameters[1]": {"name": "maxmemory-policy", "value": "x"}},
        "parameters[1].name",
        "set once",
    ),
    Case(
        "caches.subnet_group",
        _SUBNETS,
        subnets,
        lambda world: {"subnetIds[0]": foreign_subnet(world)},
        "subnetIds",
        "one VPC",
    ),
)


def foreign_subnet(world: World) -> str:
    return world.make(
        "aws:ec2/subnet:Subnet",
        "far",
        {"vpcId": world.other_vpc().id, "cidrBlock": "10.1.0.0/20", "availabilityZone": "eu-central-1b"},
    ).id
