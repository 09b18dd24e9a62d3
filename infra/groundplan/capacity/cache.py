"""The Valkey cache that all services share: what repeats, and the rate limit's token buckets (C1, C2, D3, S7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import Demand, data_gb
from groundplan.capacity.figures import CacheNode
from groundplan.capacity.model import CachePlan, Decision
from groundplan.capacity.wording import number, percent
from groundplan.declaration.model import Service, System
from groundplan.stack.environment import Environment

_GIB = 2**20
"""KiB in a GiB."""


@dataclass(frozen=True, slots=True)
class CacheLoad:
    """What the cache must hold: operations a second and GiB."""

    operations: float
    memory_gib: float
    object_kib: float = float(figures.CACHED_OBJECT_KIB)
    """What an operation carries, on average."""


def cache_load(system: System, environment: Environment, demands: dict[str, Demand], factor: float = 1.0) -> CacheLoad:
    """The load at ``factor`` times today's requests, on today's data."""
    operations = memory = larger = 0.0
    for name, service in system.services.items():
        demand = demands[name].times(factor)
        operations += demand.requests
        memory += demand.requests * 60 * figures.RATE_BUCKET_KIB / _GIB
        if service.cached:
            copies = demand.reads + demand.database_reads + demand.writes
            operations += copies
            larger += copies * (demand.costs.object_kib - figures.CACHED_OBJECT_KIB)
            memory += _copies_gib(service, demand, data_gb(service, environment))
    average = float(figures.CACHED_OBJECT_KIB)
    return CacheLoad(operations, memory, average + larger / operations if larger else average)


def _copies_gib(service: Service, demand: Demand, data_gib: float) -> float:
    """Each miss adds a copy that lives until it expires; those count that are asked for again, the rest may go.

    Which of the cached resources is asked for isn't declared, so each has an equal part and its own expiry. A row has
    one copy, however often it is asked for.
    """
    lives = [resource.cache.seconds for resource in service.resources.values() if resource.cache]
    copies = demand.database_reads * service.repeat_share * sum(lives) / len(lives)
    rows = data_gib * _GIB / figures.ROW_KIB
    return min(copies, rows) * demand.costs.object_kib / _GIB


def plan_cache(
    system: System, environment: Environment, demands: dict[str, Demand]
) -> tuple[CachePlan, tuple[Decision, ...]]:
    """The replication group. There always is one: the token buckets live in it (S7).

    It holds today's load with headroom: a larger node or another shard is an online change, and memory that runs
    short evicts what was asked for least before it costs anything.
    """
    now = cache_load(system, environment, demands)
    ladder = figures.CACHE_NODES if environment.multi_zone else figures.BURSTABLE_CACHE_NODES + figures.CACHE_NODES
    node = next((candidate for candidate in ladder if _fill(candidate, now) <= 1), ladder[-1])
    shards = max(1, math.ceil(_fill(node, now) - 1e-9))
    replicas = 1 if environment.multi_zone else 0
    cache = CachePlan(node_type=node.name, shards=shards, replicas=replicas, working_set_gb=round(now.memory_gib, 3))
    subject = "cache"
    return cache, (
        Decision(
            subject,
            "node_type",
            cache.node_type,
            f"{number(now.operations)} operations/s of {number(operations(node, now.object_kib))} and "
            f"{number(now.memory_gib)} GiB of {number(node.memory_gib * figures.CACHE_MEMORY)} a node, today; at "
            f"{percent(figures.TARGET_UTILISATION)} or less",
            "D3, C2, S7",
            figures.CACHE_NODES_SOURCE,
        ),
        Decision(
            subject,
            "shards",
            str(cache.shards),
            "one node holds it all"
            if shards == 1
            else f"{shards} of the largest node type in the plan hold memory and operations",
            "D3, P1",
            figures.CACHE_NODES_SOURCE,
        ),
        Decision(
            subject,
            "replicas",
            str(cache.replicas),
            "a replica in another zone takes over by itself"
            if replicas
            else "this stack may lose its cache: services go on without it",
            "T4",
            "ElastiCache User Guide, automatic failover",
        ),
        Decision(
            subject,
            "working_set_gb",
            str(cache.working_set_gb),
            "copies that are asked for again before they expire, one of a row at most, and a token bucket for each "
            "client of the last minute",
            "C2, S7",
            f"{figures.CACHED_OBJECT_KIB.source}; {figures.ROW_KIB.source}; {figures.RATE_BUCKET_KIB.source}",
        ),
    )


def operations(node: CacheNode, object_kib: float) -> float:
    """Operations a second that a node holds: the smaller of its core's and its network's."""
    return min(node.operations, node.network_gbps * 1e9 / 8 / (object_kib * 1024))


def node_named(name: str) -> CacheNode:
    return next(node for node in (*figures.BURSTABLE_CACHE_NODES, *figures.CACHE_NODES) if node.name == name)


def _fill(node: CacheNode, load: CacheLoad) -> float:
    share = max(
        load.operations / operations(node, load.object_kib), load.memory_gib / (node.memory_gib * figures.CACHE_MEMORY)
    )
    return share / figures.TARGET_UTILISATION
