"""What a stack has deployed and AWS only makes larger: the floors below which no plan goes.

A part that AWS has made larger can't be made smaller by a deployment, so a plan that forgot it would be refused. The
truth is the stack's state; `groundplan.cli.remember` writes it into the stack's configuration, where `plan` finds
it without an account (docs/adr/0001-remember-what-only-grows.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from groundplan.declaration.shapes import said

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
    """The largest of a database's instances, over shards and replicas."""

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

    def __bool__(self) -> bool:
        return bool(self.databases or self.kafka)

    def cluster(self, kind: str) -> RememberedKafka | None:
        """The cluster of this kind, if it is the deployed one."""
        return self.kafka if self.kafka and self.kafka.kind == kind else None


def deployed(resources: Iterable[Mapping[str, Any]], databases: Collection[str]) -> Remembered:
    """What a stack's state holds of it.

    ``resources`` are those of `pulumi stack export`; ``databases`` are names that the plan may use. Other instances
    are no part of the plan, and not remembered.
    """
    found: dict[str, dict[str, RememberedShard]] = {}
    topics: dict[str, int] = {}
    cluster: dict[str, Any] = {}
    for resource in resources:
        if resource.get("delete"):
            continue  # replaced already, and only waiting to be deleted
        name = str(resource.get("urn", "")).rpartition("::")[2]
        match resource.get("type"):
            case "aws:rds/instance:Instance":
                shard, storage = _shard_of(name, databases), _largest(resource, "allocatedStorage")
                most = _largest(resource, "maxAllocatedStorage")
                # A replica is given no size of its own; it has its primary's.
                if shard and (storage or most):
                    database, number = shard
                    shards = found.setdefault(database, {})
                    shards[number] = _larger(shards.get(number), storage, most)
            case "aws:msk/topic:Topic":
                event, partitions = name.removeprefix("kafka-topic-"), _largest(resource, "partitionCount")
                if event != name and partitions:
                    topics[event] = partitions
            case "aws:msk/cluster:Cluster":
                cluster = _cluster(resource)
    kafka = RememberedKafka(**cluster, topics=dict(sorted(topics.items()))) if cluster else None
    return Remembered(databases={name: _database(shards) for name, shards in sorted(found.items())}, kafka=kafka)


def settings(remembered: Remembered) -> dict[str, str]:
    """Configuration paths below the key, and what they hold: as `pulumi config set --path` takes them."""
    return dict(_paths(remembered.model_dump(mode="json", exclude_none=True), ""))


def _paths(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        here = f"{path}.{key}" if re.fullmatch("[a-z_]+", key) else f'{path}["{key}"]'
        if isinstance(inner, Mapping):
            yield from _paths(inner, here)
        else:
            yield here, str(inner)


def _database(shards: Mapping[str, RememberedShard]) -> RememberedDatabase:
    return RememberedDatabase(
        storage_gb=max(shard.storage_gb for shard in shards.values()),
        max_storage_gb=max(shard.max_storage_gb for shard in shards.values()),
        shards=dict(sorted(shards.items(), key=lambda shard: int(shard[0]))) if len(shards) > 1 else {},
    )


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
