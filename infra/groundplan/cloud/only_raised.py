"""Properties that AWS only raises: a deployment that lowers one is refused, or accepted and not done.

The table names every such property of the types that the program declares. A property whose change makes a new
resource is none of them: the new one may have any size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_Properties = Mapping[str, Any]
_Rank = Callable[[object], tuple[float, ...] | None]
"""Where a value stands among those that the property may have; None: not known, so nothing is said of it."""


@dataclass(frozen=True, slots=True)
class OnlyRaised:
    """One property. ``applies`` says of which resources, judged by what is deployed."""

    type: str
    path: str
    rank: _Rank
    source: str
    remedy: str
    applies: Callable[[_Properties], bool] = lambda _: True
    least: Callable[[_Properties], object] | None = None
    """What the new value is compared with, where that isn't the old one: computed from the deployed properties."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A property that a change lowers. ``old`` is the least that AWS accepts."""

    path: str
    old: object
    new: object
    source: str
    remedy: str


def _number(value: object) -> tuple[float, ...] | None:
    try:
        return None if isinstance(value, bool) else (float(value),)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _version(value: object) -> tuple[float, ...] | None:
    """`17.4` or `3.9.x.kraft` as numbers. A part that isn't named ends it: `17` is any 17."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    parts = re.match(r"\d+(\.\d+)*", str(value))
    return tuple(float(part) for part in parts[0].split(".")) if parts else None


def _choices(*ranks: Iterable[str]) -> _Rank:
    known = {name: (float(rank),) for rank, names in enumerate(ranks) for name in names}
    return lambda value: known.get(value) if isinstance(value, str) else None


def _standard_brokers(cluster: _Properties) -> bool:
    return str(_at(cluster, "brokerNodeGroupInfo.instanceType") or "").startswith("kafka.")


def _smallest_ceiling(instance: _Properties) -> object:
    allocated = _number(instance.get("allocatedStorage"))
    # In tenths, as 30 * 1.1 is more than 33 in floating point.
    return allocated[0] * 11 / 10 if allocated else None


_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
_MSK = "https://docs.aws.amazon.com/msk/latest/developerguide"
_KEEP = "keep the deployed value; README.md, Sizes that only grow, says how to start anew"
_NO_WAY_BACK = "keep the deployed version: restore a backup into a new resource to go back"

ONLY_RAISED: tuple[OnlyRaised, ...] = (
    OnlyRaised(
        "aws:msk/topic:Topic",
        "partitionCount",
        _number,
        "Apache Kafka documentation, Modifying topics: https://kafka.apache.org/documentation/#basic_ops_modify_topic",
        _KEEP,
    ),
    OnlyRaised(
        "aws:msk/cluster:Cluster",
        "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize",
        _number,
        f"{_MSK}/msk-update-storage.html",
        _KEEP,
    ),
    OnlyRaised(
        "aws:msk/cluster:Cluster",
        "numberOfBrokerNodes",
        _number,
        f"{_MSK}/msk-remove-broker.html: Standard brokers go once no partition is on them; MSK empties Express brokers",
        "keep them, or move all partitions off the brokers that are to go first",
        applies=_standard_brokers,
    ),
    OnlyRaised(
        "aws:msk/cluster:Cluster",
        "kafkaVersion",
        _version,
        f"{_MSK}/version-upgrades.html",
        _NO_WAY_BACK,
    ),
    OnlyRaised(
        "aws:rds/instance:Instance",
        "allocatedStorage",
        _number,
        f"{_RDS}/USER_PIOPS.ModifyingExisting.html",
        _KEEP,
    ),
    OnlyRaised(
        "aws:rds/instance:Instance",
        "maxAllocatedStorage",
        _number,
        f"{_RDS}/USER_PIOPS.Autoscaling.html: at least 10 % more than what is allocated",
        _KEEP,
        least=_smallest_ceiling,
    ),
    OnlyRaised(
        "aws:rds/instance:Instance",
        "engineVersion",
        _version,
        f"{_RDS}/USER_UpgradeDBInstance.Upgrading.html",
        _NO_WAY_BACK,
    ),
    OnlyRaised(
        "aws:eks/cluster:Cluster",
        "version",
        _version,
        "https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html; a roll-back within seven days is an "
        "operation of its own: https://docs.aws.amazon.com/eks/latest/userguide/rollback-cluster.html",
        "keep the deployed version",
    ),
    OnlyRaised(
        "aws:eks/cluster:Cluster",
        "accessConfig.authenticationMode",
        _choices(["CONFIG_MAP"], ["API_AND_CONFIG_MAP"], ["API"]),
        "https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html",
        "keep the deployed mode",
    ),
    OnlyRaised(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "engineVersion",
        _version,
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VersionManagement.HowTo.html",
        "keep the deployed version, or make a new group",
    ),
    OnlyRaised(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "clusterMode",
        _choices(["disabled", "compatible"], ["enabled"]),
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/modify-cluster-mode.html",
        "keep cluster mode, or make a new group",
    ),
    OnlyRaised(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "engine",
        _choices(["redis"], ["valkey"]),
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VersionManagement.HowTo.cross-engine-upgrade.html",
        "keep Valkey, or make a new one",
    ),
    OnlyRaised(
        "aws:elasticache/userGroup:UserGroup",
        "engine",
        _choices(["redis"], ["valkey"]),
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VersionManagement.HowTo.cross-engine-upgrade.html",
        "keep Valkey, or make a new one",
    ),
    OnlyRaised(
        "aws:s3/bucketVersioning:BucketVersioning",
        "versioningConfiguration.status",
        _choices(["Disabled"], ["Suspended", "Enabled"]),
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
        "suspend versioning; a bucket never becomes unversioned again",
    ),
)


def shrinks(type_: str, old_inputs: _Properties, new_inputs: _Properties) -> list[Shrunk]:
    """What a change of one resource in place lowers, though AWS only raises it.

    Properties that are not given, or not known yet, are not compared.
    """
    found = []
    for rule in ONLY_RAISED:
        if rule.type != type_ or not rule.applies(old_inputs):
            continue
        old = rule.least(old_inputs) if rule.least else _at(old_inputs, rule.path)
        new = _at(new_inputs, rule.path)
        before, after = rule.rank(old), rule.rank(new)
        if before is None or after is None:
            continue
        # A version with fewer parts names all that begin with it.
        shared = min(len(before), len(after))
        if after[:shared] < before[:shared]:
            found.append(Shrunk(rule.path, old, new, rule.source, rule.remedy))
    return found


def _at(properties: _Properties, path: str) -> object:
    value: object = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
