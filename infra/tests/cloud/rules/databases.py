"""Databases (D1, D3)."""

from __future__ import annotations

from groundplan.cloud.item import Item
from groundplan.cloud.rules.databases import SNAPSHOT
from infra.tests.cloud.world import ABSENT, Case, Inputs, World

_INSTANCE = "aws:rds/instance:Instance"
_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
_SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
_PROXY = "aws:rds/proxy:Proxy"
_POOL = "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup"
_TARGET = "aws:rds/proxyTarget:ProxyTarget"


def subnets(world: World) -> Inputs:
    return {"subnetIds": world.subnets()}


def narrow(world: World) -> list[str]:
    return [world.subnet(0).id, world.subnet(3, "a").id]


def parameters(_: World) -> Inputs:
    return {
        "family": "postgres17",
        "parameters": [
            {"name": "rds.force_ssl", "value": "1"},
            {"name": "max_connections", "value": "500", "applyMethod": "pending-reboot"},
        ],
    }


def instance(world: World) -> Inputs:
    group = world.make(_SUBNETS, "data", subnets(world))
    family = world.make(_PARAMETERS, "postgres", parameters(world))
    return {
        "engine": "postgres",
        "engineVersion": "17.4",
        "instanceClass": "db.m7g.large",
        "allocatedStorage": 400,
        "maxAllocatedStorage": 1000,
        "storageType": "gp3",
        "iops": 12_000,
        "storageThroughput": 500,
        "username": "owner",
        "password": "p" * 24,
        "dbSubnetGroupName": group.id,
        "parameterGroupName": family.id,
        "vpcSecurityGroupIds": [world.group().id],
        "multiAz": True,
        "storageEncrypted": True,
        "kmsKeyId": world.key().arn,
        "backupRetentionPeriod": 14,
        "backupWindow": "02:00-03:00",
        "maintenanceWindow": "sun:04:00-sun:05:00",
        "finalSnapshotIdentifier": "shop-final",
        "performanceInsightsEnabled": True,
        "performanceInsightsRetentionPeriod": 465,
        "databaseInsightsMode": "advanced",
        "enabledCloudwatchLogsExports": ["postgresql"],
    }


def from_a_snapshot(world: World) -> Inputs:
    """As the restored instance has to be; a second snapshot is in another region."""
    wanted = instance(world)
    holds = {"kmsKeyId": wanted["kmsKeyId"], "allocatedStorage": 400, "engineVersion": "17.4"}
    for name, place in (("awsbackup:copyjob-1", "eu-central-1"), ("awsbackup:copyjob-2", "eu-west-1")):
        world.cloud.add(Item(f"copy::{name}", SNAPSHOT, name, place, dict(holds), adopted=True, id=name))
    return {**wanted, "snapshotIdentifier": "awsbackup:copyjob-1"}


def replica(world: World) -> Inputs:
    source = world.make(_INSTANCE, "primary", instance(world))
    return {
        "replicateSourceDb": source.physical_name,
        "instanceClass": "db.m7g.large",
        "storageEncrypted": True,
        "skipFinalSnapshot": True,
    }


def managed(world: World) -> str:
    owned = {**instance_like(world), "manageMasterUserPassword": True}
    del owned["password"]
    return world.make(_INSTANCE, "managed", owned).physical_name


def without_backups(world: World) -> str:
    return world.make(_INSTANCE, "careless", {**instance_like(world), "backupRetentionPeriod": 0}).physical_name


def instance_like(world: World) -> Inputs:
    return dict(next(item.inputs for item in world.cloud.of(_INSTANCE)))


def proxy(world: World) -> Inputs:
    secret = world.make("aws:secretsmanager/secret:Secret", "owner", {})
    return {
        "engineFamily": "POSTGRESQL",
        "roleArn": world.role("rds.amazonaws.com").arn,
        "vpcSubnetIds": world.subnets(),
        "requireTls": True,
        "auths": [{"authScheme": "SECRETS", "iamAuth": "REQUIRED", "secretArn": secret.arn}],
        "idleClientTimeout": 1800,
    }


def pool(world: World) -> Inputs:
    return {
        "dbProxyName": world.make(_PROXY, "proxy", proxy(world)).physical_name,
        "connectionPoolConfig": {
            "maxConnectionsPercent": 80,
            "maxIdleConnectionsPercent": 40,
            "connectionBorrowTimeout": 5,
        },
    }


def target(world: World) -> Inputs:
    copy = replica(world)
    world.make(_INSTANCE, "copy", copy)
    proxied = world.make(_PROXY, "proxy", proxy(world))
    return {
        "dbProxyName": proxied.physical_name,
        "targetGroupName": "default",
        "dbInstanceIdentifier": copy["replicateSourceDb"],
    }


def old_family(world: World) -> str:
    return world.make(_PARAMETERS, "old", {"family": "postgres16"}).id


CASES = (
    Case("databases.new_instance", _INSTANCE, instance, {"username": ABSENT}, "username", "the instance is new"),
    Case("databases.new_instance", _INSTANCE, instance, {"password": ABSENT}, "password", "RDS to manage one"),
    Case("databases.new_instance", _INSTANCE, replica, {"username": "other"}, "username", "takes it from its source"),
    Case(
        "databases.made_from_a_snapshot",
        _INSTANCE,
        from_a_snapshot,
        {"snapshotIdentifier": "awsbackup:copyjob-2"},
        "snapshotIdentifier",
        "a snapshot in eu-central-1",
    ),
    Case(
        "databases.made_from_a_snapshot",
        _INSTANCE,
        from_a_snapshot,
        lambda world: {"kmsKeyId": world.key("own").arn},
        "kmsKeyId",
        "the snapshot's key",
    ),
    Case(
        "databases.made_from_a_snapshot",
        _INSTANCE,
        from_a_snapshot,
        {"allocatedStorage": 300, "iops": ABSENT, "storageThroughput": ABSENT},
        "allocatedStorage",
        "at least the snapshot's 400 GiB",
    ),
    Case(
        "databases.made_from_a_snapshot",
        _INSTANCE,
        from_a_snapshot,
        lambda world: {"engineVersion": "16.8", "parameterGroupName": old_family(world)},
        "engineVersion",
        "the snapshot's major version, 17",
    ),
    Case(
        "databases.managed_password_and_replicas",
        _INSTANCE,
        replica,
        lambda world: {"replicateSourceDb": managed(world)},
        "replicateSourceDb",
        "manage_master_user_password",
    ),
    Case(
        "databases.replica_source",
        _INSTANCE,
        replica,
        lambda world: {"replicateSourceDb": without_backups(world)},
        "replicateSourceDb",
        "keeps none",
    ),
    Case(
        "databases.replica_source",
        _INSTANCE,
        replica,
        {"allocatedStorage": 100},
        "allocatedStorage",
        "at least its source's 400",
    ),
    Case(
        "databases.replica_source", _INSTANCE, replica, {"storageEncrypted": False}, "storageEncrypted", "as its source"
    ),
    Case(
        "databases.storage",
        _INSTANCE,
        instance,
        {"maxAllocatedStorage": 420},
        "maxAllocatedStorage",
        "at least 10 % above",
    ),
    Case("databases.storage", _INSTANCE, instance, {"allocatedStorage": 10}, "allocatedStorage", "20 to 65536"),
    Case("databases.storage", _INSTANCE, instance, {"allocatedStorage": 100}, "iops", "nothing below 400 GiB"),
    Case("databases.storage", _INSTANCE, instance, {"iops": 3000}, "iops", "12000 to 64000"),
    Case(
        "databases.storage",
        _INSTANCE,
        instance,
        {"storageThroughput": 4000},
        "storageThroughput",
        "a quarter of the IOPS",
    ),
    Case(
        "databases.version",
        _INSTANCE,
        instance,
        {"engineVersion": "seventeen"},
        "engineVersion",
        "a version of postgres",
    ),
    Case(
        "databases.version",
        _INSTANCE,
        instance,
        lambda world: {"parameterGroupName": old_family(world)},
        "parameterGroupName",
        "of family postgres17",
    ),
    Case(
        "databases.version",
        _INSTANCE,
        instance,
        {"enabledCloudwatchLogsExports[0]": "slowquery"},
        "enabledCloudwatchLogsExports[0]",
        "postgresql, upgrade",
    ),
    Case(
        "databases.final_snapshot",
        _INSTANCE,
        instance,
        {"finalSnapshotIdentifier": ABSENT},
        "finalSnapshotIdentifier",
        "skipFinalSnapshot is false",
    ),
    Case(
        "databases.final_snapshot",
        _INSTANCE,
        instance,
        {"finalSnapshotIdentifier": "shop--final"},
        "finalSnapshotIdentifier",
        "single hyphens",
    ),
    Case(
        "databases.insights",
        _INSTANCE,
        instance,
        {"performanceInsightsRetentionPeriod": 31},
        "performanceInsightsRetentionPeriod",
        "465 days or more",
    ),
    Case(
        "databases.insights",
        _INSTANCE,
        instance,
        {"performanceInsightsRetentionPeriod": 500},
        "performanceInsightsRetentionPeriod",
        "a multiple of 31",
    ),
    Case(
        "databases.insights",
        _INSTANCE,
        instance,
        {"performanceInsightsEnabled": False},
        "performanceInsightsEnabled",
        "advanced",
    ),
    Case("databases.monitoring", _INSTANCE, instance, {"monitoringInterval": 20}, "monitoringInterval", "0, 1, 5, 10"),
    Case(
        "databases.monitoring",
        _INSTANCE,
        instance,
        {"monitoringInterval": 60},
        "monitoringRoleArn",
        "sends the metrics",
    ),
    Case(
        "databases.windows",
        _INSTANCE,
        instance,
        {"maintenanceWindow": "sun:02:30-sun:04:00"},
        "maintenanceWindow",
        "apart from the backup's",
    ),
    Case("databases.windows", _INSTANCE, instance, {"backupWindow": "2am"}, "backupWindow", "hh:mm-hh:mm"),
    Case("databases.windows", _INSTANCE, instance, {"backupRetentionPeriod": 36}, "backupRetentionPeriod", "0 to 35"),
    Case(
        "databases.placement",
        _INSTANCE,
        instance,
        {"availabilityZone": "eu-central-1a"},
        "availabilityZone",
        "multiAz is true",
    ),
    Case("databases.placement", _INSTANCE, instance, {"instanceClass": "m7g.large"}, "instanceClass", "db.m7g.large"),
    Case("databases.passwords", _INSTANCE, instance, {"password": "p@ssword-of-length"}, "password", "without /"),
    Case("databases.passwords", _INSTANCE, instance, {"username": "admin"}, "username", "doesn't reserve"),
    Case(
        "databases.subnet_group",
        _SUBNETS,
        subnets,
        lambda world: {"subnetIds": narrow(world)},
        "subnetIds",
        "at least two zones",
    ),
    Case(
        "databases.parameter_group",
        _PARAMETERS,
        parameters,
        {"parameters[1].applyMethod": "immediate"},
        "parameters[1].applyMethod",
        "is static",
    ),
    Case("databases.parameter_group", _PARAMETERS, parameters, {"family": "postgres"}, "family", "postgres17"),
    Case("databases.proxy", _PROXY, proxy, {"auths": []}, "auths", "at least one secret"),
    Case("databases.proxy", _PROXY, proxy, {"auths[0].secretArn": ABSENT}, "auths[0].secretArn", "the credentials"),
    Case(
        "databases.proxy",
        _PROXY,
        proxy,
        lambda world: {"vpcSubnetIds": narrow(world)},
        "vpcSubnetIds",
        "at least two zones",
    ),
    Case(
        "databases.proxy_pool",
        _POOL,
        pool,
        {"connectionPoolConfig.maxIdleConnectionsPercent": 90},
        "connectionPoolConfig.maxIdleConnectionsPercent",
        "maxConnectionsPercent, 80",
    ),
    Case(
        "databases.proxy_target",
        _TARGET,
        target,
        lambda world: {"dbInstanceIdentifier": world.cloud.of(_INSTANCE)[1].physical_name},
        "dbInstanceIdentifier",
        "is a read replica",
    ),
)
