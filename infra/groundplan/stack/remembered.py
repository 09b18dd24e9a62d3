"""What a stack has deployed: sizes that AWS only makes larger, places that it can't leave, versions that it runs.

A part that AWS has made larger can't be made smaller by a deployment, so a plan that forgot it would be refused. A
network can't be left, a version not gone back on, and some changes wait for a maintenance window. The truth is the
stack's state; `groundplan.cli.remember` writes it into the stack's configuration, where `plan` finds it without an
account (docs/adr/0001-remember-what-only-grows.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from groundplan.declaration.shapes import said
from groundplan.stack.origin_secret import OriginSecretGenerations, next_generations

REMEMBERED = "remembered"
"""The configuration key."""

# Bounds of the services themselves: what is outside them was never deployed.
_DatabaseGib = Annotated[int, Field(ge=20, le=65_536)]
_BrokerGib = Annotated[int, Field(ge=1, le=16_384)]
_Brokers = Annotated[int, Field(ge=1, le=120)]
_Partitions = Annotated[int, Field(ge=1, le=100_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class RememberedShard(_Model):
    """The largest of a shard's instances: its primary and its replicas."""

    storage_gb: _DatabaseGib
    """Allocated storage in GiB, as far as autoscaling has raised it at the last refresh."""
    max_storage_gb: _DatabaseGib
    """GiB up to which storage may have grown by itself since."""

    @model_validator(mode="after")
    def _ceiling(self) -> Self:
        if self.max_storage_gb < self.storage_gb:
            raise said(f"max_storage_gb of at least storage_gb, {self.storage_gb}", "correct one of the two")
        return self


class RememberedDatabase(RememberedShard):
    """The largest of a database's instances, over shards and replicas; of versions and classes the lowest."""

    postgres_version: Annotated[int, Field(ge=9, le=99)] | None = None
    """Major version that all of them have reached: an upgrade may wait for a maintenance window."""
    primary_classes: list[str] = []
    """Classes that primaries run on: a larger or smaller one may wait for a maintenance window."""
    replica_classes: list[str] = []

    shards: dict[Annotated[str, Field(pattern="^[1-9][0-9]?$")], RememberedShard] = {}
    """By number, where there are several: the first generation's hold more than later ones'."""

    def of_shard(self, number: int) -> tuple[int, int]:
        """Storage and ceiling below which the shard can't go; nothing of one that isn't there yet."""
        own = self.shards.get(str(number)) if self.shards else self if number == 1 else None
        return (own.storage_gb, own.max_storage_gb) if own else (0, 0)


class RememberedKafka(_Model):
    """One MSK cluster with its topics. A cluster of the other kind is another cluster, and remembers nothing."""

    kind: Literal["standard", "express"]
    """Kind of its brokers."""
    brokers: _Brokers
    """How many there are."""
    storage_gb: _BrokerGib | None = None
    """Volume of each broker in GiB; Express brokers have none."""
    topics: dict[str, _Partitions] = {}
    """Event to the partitions of its topic."""


class Remembered(_Model):
    """What only grows, of one stack; empty before its first deployment."""

    databases: dict[str, RememberedDatabase] = {}
    """By the plan's name of the database: a service, or `shared`."""
    kafka: RememberedKafka | None = None
    """The MSK cluster, if there is one."""
    region: str | None = None
    """Where the stack is."""
    vpc_cidr: str | None = None
    """Address space of the network that the stack has made."""
    vpc_id: str | None = None
    """The network that its data stores are in."""
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.[0-9]{2}$")] | None = None
    """Minor version of the cluster that the stack has made."""
    origin_secret: OriginSecretGenerations | None = None
    """The edge's secret from its second generation on: it changes by itself at a deployment after 90 days."""
    load_balancer: list[str] = []
    """Where the load balancer stands: the ranges of its subnets, or their ids in a network that isn't the stack's."""
    pods: dict[str, Annotated[int, Field(ge=1, le=100_000)]] = {}
    """By workload, up to how many pods its autoscaler goes."""

    def __bool__(self) -> bool:
        return bool(self.model_dump(exclude_defaults=True))

    def cluster(self, kind: str) -> RememberedKafka | None:
        """The cluster of this kind, if it is the deployed one."""
        return self.kafka if self.kafka and self.kafka.kind == kind else None


def deployed(
    resources: Iterable[Mapping[str, Any]], databases: Collection[str], now: datetime | None = None
) -> Remembered:
    """What a stack's state holds of it, and which secret is due ``now``, if the time counts.

    ``resources`` are those of `pulumi stack export`; ``databases`` are names that the plan may use. Other instances
    are no part of the plan, and not remembered.
    """
    found: dict[str, _Instances] = {}
    topics: dict[str, int] = {}
    pods: dict[str, int] = {}
    cluster: dict[str, Any] = {}
    place: dict[str, str] = {}
    ranges: dict[str, str] = {}
    stands: list[str] = []
    resources = list(resources)
    for resource in resources:
        if resource.get("delete"):
            continue  # replaced already, and only waiting to be deleted
        name = str(resource.get("urn", "")).rpartition("::")[2]
        match resource.get("type"):
            case "aws:rds/instance:Instance":
                shard = _shard_of(name, databases)
                if shard:
                    found.setdefault(shard[0], _Instances()).add(resource, shard[1], replica="-replica-" in name)
            case "aws:msk/topic:Topic":
                event, partitions = name.removeprefix("kafka-topic-"), _largest(resource, "partitionCount")
                if event != name and partitions:
                    topics[event] = partitions
            case "aws:msk/cluster:Cluster":
                cluster = _cluster(resource)
            case "kubernetes:autoscaling/v2:HorizontalPodAutoscaler":
                most = _whole((_inputs(resource).get("spec") or {}).get("maxReplicas"))
                if name.endswith(_SCALING) and most:
                    pods[name.removesuffix(_SCALING)] = most
            case "aws:ec2/subnet:Subnet":
                ranges[str(resource.get("id"))] = str(_inputs(resource).get("cidrBlock"))
            case "aws:lb/loadBalancer:LoadBalancer" if name == "balancer":
                stands = [str(each) for each in _inputs(resource).get("subnets") or ()]
            case _:
                place |= _place(resource, name)
    kafka = RememberedKafka(**cluster, topics=dict(sorted(topics.items()))) if cluster else None
    return Remembered(
        databases={name: each.remembered() for name, each in sorted(found.items()) if each.shards},
        kafka=kafka,
        pods=dict(sorted(pods.items())),
        origin_secret=next_generations(resources, now or datetime.fromtimestamp(0, UTC)),
        load_balancer=sorted(ranges.get(each, each) for each in stands),
        **place,
    )


_SCALING = "-scaling"


@dataclass(slots=True)
class _Instances:
    """What is found of one database."""

    shards: dict[str, RememberedShard] = field(default_factory=dict)
    versions: list[int] = field(default_factory=list)
    primaries: list[str] = field(default_factory=list)
    replicas: list[str] = field(default_factory=list)

    def add(self, resource: Mapping[str, Any], number: str, *, replica: bool) -> None:
        storage, most = _largest(resource, "allocatedStorage"), _largest(resource, "maxAllocatedStorage")
        # A replica is given no size of its own; it has its primary's.
        if storage or most:
            self.shards[number] = _larger(self.shards.get(number), storage, most)
        version = _now(resource, "engineVersionActual") or _now(resource, "engineVersion")
        if major := re.match(r"\d+", version):
            self.versions.append(int(major[0]))
        runs_on = _now(resource, "instanceClass")
        if runs_on:
            (self.replicas if replica else self.primaries).append(runs_on)

    def remembered(self) -> RememberedDatabase:
        shards = self.shards
        return RememberedDatabase(
            storage_gb=max(shard.storage_gb for shard in shards.values()),
            max_storage_gb=max(shard.max_storage_gb for shard in shards.values()),
            shards=dict(sorted(shards.items(), key=lambda shard: int(shard[0]))) if len(shards) > 1 else {},
            postgres_version=min(self.versions, default=None),
            primary_classes=sorted(set(self.primaries)),
            replica_classes=sorted(set(self.replicas)),
        )


def _place(resource: Mapping[str, Any], name: str) -> dict[str, str]:
    """What a stack can't leave, and the version of its cluster."""
    match resource.get("type"):
        case "pulumi:providers:aws" if name == "region":
            return _text(region=_inputs(resource).get("region"))
        case "aws:ec2/vpc:Vpc" if name == "network":
            return _text(vpc_cidr=_inputs(resource).get("cidrBlock"), vpc_id=resource.get("id"))
        case "aws:ec2/securityGroup:SecurityGroup" if name.startswith(("db-", "cache")):
            return _text(vpc_id=_inputs(resource).get("vpcId"))
        case "aws:eks/cluster:Cluster" if name == "cluster-cluster":
            version = re.fullmatch(r"1\.\d\d", _now(resource, "version"))
            return _text(kubernetes_version=version[0] if version else None)
    return {}


def _text(**values: object) -> dict[str, str]:
    return {key: value for key, value in values.items() if isinstance(value, str) and value}


def _inputs(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = resource.get("inputs") or {}
    return inputs


def _now(resource: Mapping[str, Any], name: str) -> str:
    """What is there now, rather than what was asked for."""
    for side in ("outputs", "inputs"):
        value = (resource.get(side) or {}).get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def settings(remembered: Remembered) -> dict[str, str]:
    """Configuration paths below the key, and what they hold: as `pulumi config set --path` takes them."""
    return dict(_paths(remembered.model_dump(mode="json", exclude_none=True), ""))


def _paths(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        here = f"{path}.{key}" if re.fullmatch("[a-z_]+", key) else f'{path}["{key}"]'
        if isinstance(inner, Mapping):
            yield from _paths(inner, here)
        elif isinstance(inner, list):
            yield from ((f"{here}[{index}]", str(each)) for index, each in enumerate(inner))
        else:
            yield here, str(inner)


def _shard_of(instance: str, databases: Collection[str]) -> tuple[str, str] | None:
    """The database and the number of the shard that the instance is of: `db-order-primary`, `db-order-2-replica-1`."""
    shard = re.fullmatch(r"db-(.+?)-(primary|replica-\d+)", instance)
    if shard is None:
        return None
    if shard[1] in databases:
        return shard[1], "1"
    numbered = re.fullmatch(r"(.+)-(\d+)", shard[1])
    return (numbered[1], numbered[2]) if numbered and numbered[1] in databases else None


def _larger(known: RememberedShard | None, storage: int, most: int) -> RememberedShard:
    storage = max(storage, known.storage_gb if known else 20)
    return RememberedShard(storage_gb=storage, max_storage_gb=max(most, storage, known.max_storage_gb if known else 0))


def _cluster(resource: Mapping[str, Any]) -> dict[str, Any]:
    brokers = _largest(resource, "numberOfBrokerNodes")
    groups = [(resource.get(side) or {}).get("brokerNodeGroupInfo") or {} for side in ("inputs", "outputs")]
    if not brokers:
        return {}
    express = any(str(group.get("instanceType", "")).startswith("express.") for group in groups)
    volumes = [(group.get("storageInfo") or {}).get("ebsStorageInfo") or {} for group in groups]
    storage = max((_whole(volume.get("volumeSize")) for volume in volumes), default=0)
    return {
        "kind": "express" if express else "standard",
        "brokers": brokers,
        "storage_gb": None if express else storage or None,
    }


def _largest(resource: Mapping[str, Any], name: str) -> int:
    """What was asked for or what is there, whichever is more: one waits for a window, the other grew by itself."""
    return max(_whole((resource.get(side) or {}).get(name)) for side in ("inputs", "outputs"))


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
