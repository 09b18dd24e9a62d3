"""Databases and caches: RDS, RDS Proxy, ElastiCache.

Names: API reference of each service. Replacements: CloudFormation reference. Endpoints: user guides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.simulation.catalogue.kind import Kind, Name
from infra.simulation.item import ACCOUNT, Item, look_up

if TYPE_CHECKING:
    from infra.simulation.cloud import Cloud

INSTANCE = "aws:rds/instance:Instance"
PROXY = "aws:rds/proxy:Proxy"
GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
_HYPHENATED = r"[a-z](?!.*--)[a-z0-9-]*(?<!-)"
_HYPHENATED_SAYS = "lower-case letters, digits and single hyphens, a letter first, no hyphen last"
_DB_NAME = {"pattern": _HYPHENATED, "says": _HYPHENATED_SAYS, "lower": True}
_PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306}
_HOSTED_ZONES = {"eu-central-1": "Z1RLNUO7B9Q6NB", "eu-west-1": "Z29XKXDKYMONMX", "us-east-1": "Z2R2ITUGPM61AM"}


def _host(item: Item) -> str:
    return f"{item.physical_name}.c{item.hex(11, item.place)}.{item.place}.rds.amazonaws.com"


def _source(item: Item, cloud: Cloud) -> Item | None:
    return cloud.find(INSTANCE, item.known("replicateSourceDb"))


def _inherited(name: str, otherwise: object) -> object:
    """What a read replica takes from its source."""

    def value(item: Item, cloud: Cloud) -> object:
        source = _source(item, cloud)
        return source.outputs.get(name, otherwise) if source is not None else otherwise

    return value


def _port(item: Item, cloud: Cloud) -> int:
    source = _source(item, cloud)
    engine = item.known("engine") or (source.outputs.get("engine") if source is not None else "")
    return int(
        item.known("port") or (source.outputs.get("port") if source is not None else 0) or _PORTS.get(str(engine), 5432)
    )


def _endpoint(item: Item, cloud: Cloud) -> str:
    return f"{_host(item)}:{_port(item, cloud)}"


def _master_secret(item: Item, _: Cloud) -> list[dict[str, str]]:
    if item.known("manageMasterUserPassword") is not True:
        return []
    arn = f"arn:aws:secretsmanager:{item.place}:{ACCOUNT}:secret:rds!db-{item.uuid()}-{item.hex(6)}"
    return [{"secretArn": arn, "secretStatus": "active", "kmsKeyId": str(item.known("masterUserSecretKmsKeyId") or "")}]


def _network_of(item: Item, cloud: Cloud) -> str:
    subnet = next((cloud.find("aws:ec2/subnet:Subnet", each) for each in item.each("subnetIds")), None)
    return str(subnet.known("vpcId") or "") if subnet is not None else ""


def _clustered(item: Item) -> bool:
    shards = item.known("numNodeGroups")
    return item.known("clusterMode") == "enabled" or (isinstance(shards, int) and shards > 1)


def _cache_host(role: str) -> object:
    def host(item: Item, _: Cloud) -> str:
        code = item.hex(6)
        zone = item.place.replace("-", "")[:3] + item.place[-1]
        if role == "configuration":
            return f"clustercfg.{item.physical_name}.{code}.{zone}.cache.amazonaws.com" if _clustered(item) else ""
        if _clustered(item):
            return ""
        return f"{role}.{item.physical_name}.{code}.{zone}.cache.amazonaws.com"

    return host


def _members(item: Item, _: Cloud) -> list[str]:
    shards = item.known("numNodeGroups") or 1
    replicas = item.known("replicasPerNodeGroup") or 0
    count = item.known("numCacheClusters") or shards * (replicas + 1)
    return [f"{item.physical_name}-{number:03}" for number in range(1, int(count) + 1)]


def _proxy_target(item: Item, cloud: Cloud) -> Item | None:
    return cloud.find(INSTANCE, item.known("dbInstanceIdentifier"))


def _from_target(name: str, otherwise: object) -> object:
    def value(item: Item, cloud: Cloud) -> object:
        instance = _proxy_target(item, cloud)
        return look_up(instance.outputs, name) if instance is not None else otherwise

    return value


KINDS = (
    Kind(
        INSTANCE,
        id=lambda item, _: f"db-{item.hex(26).upper()}",
        arn="arn:aws:rds:{region}:{account}:db:{name}",
        name=Name("identifier", longest=63, source="RDS API: CreateDBInstance", **_DB_NAME),  # type: ignore[arg-type]
        outputs={
            "address": lambda item, _: _host(item),
            "port": _port,
            "endpoint": _endpoint,
            "resourceId": "{id}",
            "hostedZoneId": lambda item, _: _HOSTED_ZONES.get(item.place, "Z1RLNUO7B9Q6NB"),
            "status": "available",
            "engine": _inherited("engine", ""),
            "engineVersion": _inherited("engineVersion", ""),
            "engineVersionActual": lambda item, cloud: str(
                item.known("engineVersion") or _inherited("engineVersion", "")(item, cloud)  # type: ignore[operator]
            ),
            "username": _inherited("username", ""),
            "dbName": _inherited("dbName", ""),
            "allocatedStorage": _inherited("allocatedStorage", 20),
            "storageEncrypted": _inherited("storageEncrypted", False),
            "kmsKeyId": _inherited("kmsKeyId", ""),
            "dbSubnetGroupName": _inherited("dbSubnetGroupName", "default"),
            "availabilityZone": "{region}a",
            "masterUserSecrets": _master_secret,
            "replicas": [],
            "backupRetentionPeriod": 0,
            "multiAz": False,
            "storageType": "gp3",
            "latestRestorableTime": "",
        },
        references={
            "replicateSourceDb": INSTANCE,
            "parameterGroupName": "aws:rds/parameterGroup:ParameterGroup",
            "dbSubnetGroupName": "aws:rds/subnetGroup:SubnetGroup",
            "monitoringRoleArn": "aws:iam/role:Role",
        },
        replaces=(
            "identifierPrefix",
            "availabilityZone",
            "backupTarget",
            "characterSetName",
            "dbName",
            "engine",
            "kmsKeyId",
            "replicateSourceDb",
            "restoreToPointInTime",
            "s3Import",
            "snapshotIdentifier",
            "storageEncrypted",
            "timezone",
            "username",
        ),
        protection="deletionProtection",
        stateful=True,
        guarded=True,
    ),
    Kind(
        "aws:rds/subnetGroup:SubnetGroup",
        arn="arn:aws:rds:{region}:{account}:subgrp:{name}",
        name=Name(
            longest=255,
            pattern=r"(?!default$)[a-z0-9._ -]+",
            says="lower-case letters, digits and ._ -, not default",
            lower=True,
            source="RDS API: CreateDBSubnetGroup",
        ),
        outputs={"vpcId": _network_of, "supportedNetworkTypes": ["IPV4"], "description": "Managed by Pulumi"},
        replaces=("name", "namePrefix"),
        guarded=True,
    ),
    Kind(
        "aws:rds/parameterGroup:ParameterGroup",
        arn="arn:aws:rds:{region}:{account}:pg:{name}",
        name=Name(longest=255, source="RDS API: CreateDBParameterGroup", **_DB_NAME),  # type: ignore[arg-type]
        outputs={"description": "Managed by Pulumi"},
        replaces=("name", "namePrefix", "family", "description"),
        guarded=True,
    ),
    Kind(
        PROXY,
        arn="arn:aws:rds:{region}:{account}:db-proxy:prx-{hex17}",
        name=Name(
            longest=63,
            pattern=r"[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)",
            says="letters, digits and single hyphens, a letter first, no hyphen last",
            source="RDS API: CreateDBProxy",
        ),
        outputs={
            "endpoint": lambda item, _: f"{item.physical_name}.proxy-c{item.hex(11)}.{item.place}.rds.amazonaws.com"
        },
        references={"vpcSubnetIds": "aws:ec2/subnet:Subnet", "secretArn": "aws:secretsmanager/secret:Secret"},
        replaces=("name", "engineFamily", "vpcSubnetIds"),
    ),
    Kind(
        "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup",
        id="{dbProxyName}",
        arn="arn:aws:rds:{region}:{account}:target-group:prx-tg-{hex17}",
        outputs={"name": "default"},
        references={"dbProxyName": PROXY},
        replaces=("dbProxyName",),
        singleton=True,
    ),
    Kind(
        "aws:rds/proxyTarget:ProxyTarget",
        id="{dbProxyName}/{targetGroupName}/RDS_INSTANCE/{dbInstanceIdentifier}",
        outputs={
            "endpoint": _from_target("address", ""),
            "port": _from_target("port", 5432),
            "rdsResourceId": "{dbInstanceIdentifier}",
            "targetArn": _from_target("arn", ""),
            "type": "RDS_INSTANCE",
        },
        references={"dbProxyName": PROXY, "dbInstanceIdentifier": INSTANCE},
        replaces=("*",),
    ),
    Kind(
        "aws:rds/proxyEndpoint:ProxyEndpoint",
        id="{dbProxyName}/{dbProxyEndpointName}",
        arn="arn:aws:rds:{region}:{account}:db-proxy-endpoint:prx-endpoint-{hex17}",
        outputs={
            "endpoint": "{dbProxyEndpointName}.endpoint.proxy-c{hex11}.{region}.rds.amazonaws.com",
            "isDefault": False,
        },
        references={"dbProxyName": PROXY, "vpcSubnetIds": "aws:ec2/subnet:Subnet"},
        replaces=("dbProxyName", "dbProxyEndpointName", "targetRole", "vpcSubnetIds"),
    ),
    Kind(
        "aws:rds/eventSubscription:EventSubscription",
        arn="arn:aws:rds:{region}:{account}:es:{name}",
        name=Name(longest=255),
    ),
    Kind(
        GROUP,
        arn="arn:aws:elasticache:{region}:{account}:replicationgroup:{name}",
        name=Name("replicationGroupId", longest=40, source="ElastiCache API: CreateReplicationGroup", **_DB_NAME),  # type: ignore[arg-type]
        outputs={
            "primaryEndpointAddress": _cache_host("master"),
            "readerEndpointAddress": _cache_host("replica"),
            "configurationEndpointAddress": _cache_host("configuration"),
            "clusterEnabled": lambda item, _: _clustered(item),
            "memberClusters": _members,
            "port": 6379,
            "engineVersionActual": "{engineVersion}",
            "engine": "redis",
        },
        references={
            "subnetGroupName": "aws:elasticache/subnetGroup:SubnetGroup",
            "parameterGroupName": "aws:elasticache/parameterGroup:ParameterGroup",
            "userGroupIds": "aws:elasticache/userGroup:UserGroup",
        },
        replaces=(
            "replicationGroupId",
            "atRestEncryptionEnabled",
            "dataTieringEnabled",
            "globalReplicationGroupId",
            "kmsKeyId",
            "networkType",
            "port",
            "securityGroupNames",
            "snapshotArns",
            "snapshotName",
            "subnetGroupName",
        ),
        stateful=True,
        guarded=True,
    ),
    Kind(
        "aws:elasticache/subnetGroup:SubnetGroup",
        arn="arn:aws:elasticache:{region}:{account}:subnetgroup:{name}",
        name=Name(
            longest=255,
            pattern=r"[a-z0-9-]+",
            says="lower-case letters, digits and hyphens",
            lower=True,
            source="ElastiCache API: CreateCacheSubnetGroup",
        ),
        outputs={"vpcId": _network_of, "description": "Managed by Pulumi"},
        replaces=("name",),
        guarded=True,
    ),
    Kind(
        "aws:elasticache/parameterGroup:ParameterGroup",
        arn="arn:aws:elasticache:{region}:{account}:parametergroup:{name}",
        name=Name(longest=255, source="ElastiCache API: CreateCacheParameterGroup", **_DB_NAME),  # type: ignore[arg-type]
        outputs={"description": "Managed by Pulumi"},
        replaces=("name", "family", "description"),
        guarded=True,
    ),
    Kind(
        "aws:elasticache/user:User",
        id="{userId}",
        arn="arn:aws:elasticache:{region}:{account}:user:{userId}",
        name=Name(
            "userId",
            longest=40,
            pattern=r"[a-z][a-z0-9-]*",
            says="lower-case letters, digits and hyphens, a letter first",
            auto=False,
            source="ElastiCache API: CreateUser",
        ),
        # Not guarded: its groups lose a user that is deleted (ElastiCache API, DeleteUser).
        replaces=("userId", "userName"),
    ),
    Kind(
        "aws:elasticache/userGroup:UserGroup",
        id="{userGroupId}",
        arn="arn:aws:elasticache:{region}:{account}:usergroup:{userGroupId}",
        name=Name(
            "userGroupId",
            longest=40,
            pattern=r"[a-z][a-z0-9-]*",
            says="lower-case letters, digits and hyphens, a letter first",
            auto=False,
            source="ElastiCache API: CreateUserGroup",
        ),
        references={"userIds": "aws:elasticache/user:User"},
        replaces=("userGroupId",),
        guarded=True,
    ),
    Kind(
        "aws:elasticache/userGroupAssociation:UserGroupAssociation",
        id="{userGroupId},{userId}",
        references={"userGroupId": "aws:elasticache/userGroup:UserGroup", "userId": "aws:elasticache/user:User"},
        replaces=("*",),
    ),
)
