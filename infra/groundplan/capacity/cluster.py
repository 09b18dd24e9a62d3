"""The node pool's limits: Auto Mode picks machines inside them (P1, T4)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.model import ClusterPlan, DatabasePlan, Decision, PoolerPlan, WorkloadPlan
from groundplan.capacity.network import addresses, private_addresses_needed, subnets
from groundplan.capacity.wording import count, number, percent
from groundplan.stack.environment import Environment


def plan_cluster(
    environment: Environment, workloads: tuple[WorkloadPlan, ...], databases: tuple[DatabasePlan, ...]
) -> tuple[ClusterPlan, tuple[Decision, ...]]:
    """Nodes for the fewest pods and for the most, and the limits that let the pool reach those.

    Nodes are small until full growth would need more of them than the network has addresses for: each node takes some,
    at any size.
    """
    for cpus in figures.NODE_CPUS:
        planned = _cluster(environment, workloads, databases, cpus)
        if environment.existing_cluster or not _sized(environment) or _fits(environment, planned[0]):
            return planned
    return planned


def _sized(environment: Environment) -> bool:
    """Whether the range is of a size that can be laid out at all; `plan_network` refuses others."""
    return figures.LARGEST_VPC_PREFIX <= environment.vpc_cidr.prefixlen <= figures.SMALLEST_VPC_PREFIX


def _fits(environment: Environment, cluster: ClusterPlan) -> bool:
    needed = private_addresses_needed(cluster, multi_zone=environment.multi_zone)
    return needed <= addresses(subnets(environment.vpc_cidr).private[0])


def _cluster(
    environment: Environment,
    workloads: tuple[WorkloadPlan, ...],
    databases: tuple[DatabasePlan, ...],
    cpus: tuple[str, ...],
) -> tuple[ClusterPlan, tuple[Decision, ...]]:
    vcpus = int(cpus[0])
    poolers = _poolers(databases)
    pooler_pods = sum(pooler.pods * shards for pooler, shards in poolers)
    now = node_pool(((w.min_pods, w.cpu_millicores) for w in workloads), databases, environment, vcpus)
    grown = node_pool(((w.max_pods, w.cpu_millicores) for w in workloads), databases, environment, vcpus)
    cpu_now, pods_now, nodes_now = now.cpu, now.pods, now.nodes
    cpu_grown, pods_grown, nodes_grown = grown.cpu, grown.pods, grown.nodes
    floor = _floor(environment)
    # A whole node at least, and room for everything to roll out at once, as a new base image makes it: pods that the
    # limit keeps waiting hold up the deployment.
    surges = [(surge(w.max_pods), w.cpu_millicores) for w in workloads]
    surges += [(shards * surge(pooler.pods), pooler.cpu_millicores) for pooler, shards in poolers]
    surge_pods = sum(pods for pods, _ in surges)
    surge_cpu = sum(pods * cpu for pods, cpu in surges) / 1000
    nodes_rolling = max(nodes_grown + 1, _nodes(cpu_grown + surge_cpu, pods_grown + surge_pods, floor, vcpus))
    cpu_limit = int(nodes_rolling * vcpus)
    cluster = ClusterPlan(
        instance_cpus=cpus,
        nodes_now=nodes_now,
        nodes_grown=nodes_grown,
        cpu_limit=cpu_limit,
        memory_limit_gib=math.ceil(cpu_limit * figures.NODE_GIB_PER_VCPU),
        pods_grown=pods_grown,
    )
    a_node = vcpus * figures.NODE_ALLOCATABLE * figures.NODE_PACKING
    packed = percent(figures.NODE_PACKING)
    counted = f"{number(a_node)} of {vcpus} vCPU of a node are for pods, packed at {packed}"
    source = f"{figures.NODE_ALLOCATABLE.source}; {figures.NODE_PACKING.source}"
    return cluster, (
        Decision(
            "cluster",
            "instance_cpus",
            ", ".join(cluster.instance_cpus),
            "large enough for several pods, small enough that losing one is losing little; Auto Mode picks what is "
            "cheapest"
            if cpus == figures.NODE_CPUS[0]
            else "fewer, larger nodes: the network has no addresses for as many small ones as full growth takes",
            "T4, P4",
            figures.NODE_CPUS_SOURCE,
        ),
        Decision(
            "cluster",
            "nodes_now",
            str(nodes_now),
            f"{number(cpu_now)} vCPU for {pods_now} pods; {counted}; never fewer than {floor}",
            "T4",
            source,
        ),
        Decision(
            "cluster",
            "nodes_grown",
            str(nodes_grown),
            f"{number(cpu_grown)} vCPU for {pods_grown} pods; {counted}",
            "P1",
            source,
        ),
        Decision(
            "cluster",
            "cpu_limit",
            str(cpu_limit),
            f"{count(nodes_grown, 'node')} of {vcpus} vCPU and {nodes_rolling - nodes_grown} more: a "
            f"rollout of everything starts {count(surge_pods, 'pod')} beside those they replace",
            "P1",
            figures.ROLLOUT_SURGE.source,
        ),
        Decision(
            "cluster",
            "memory_limit_gib",
            str(cluster.memory_limit_gib),
            f"{figures.NODE_GIB_PER_VCPU:.0f} GiB a vCPU",
            "P1",
            figures.NODE_GIB_PER_VCPU.source,
        ),
        Decision(
            "cluster",
            "pods_grown",
            str(pods_grown),
            f"the most pods of {len(workloads)} Deployments"
            + (f" and {pooler_pods} pooler pods" if pooler_pods else ""),
            "P1",
            "sum of max_pods",
        ),
    )


@dataclass(frozen=True, slots=True)
class NodePool:
    """Pods, the vCPU they ask for, and the nodes that hold them."""

    pods: int
    cpu: float
    nodes: int


def node_pool(
    pods: Iterable[tuple[int, int]], databases: tuple[DatabasePlan, ...], environment: Environment, vcpus: int
) -> NodePool:
    """The pool of nodes of so many vCPU for so many pods of so many millicores, and the poolers, whose number is
    fixed."""
    each = [*pods, *((pooler.pods * shards, pooler.cpu_millicores) for pooler, shards in _poolers(databases))]
    together, cpu = sum(number for number, _ in each), sum(number * millicores for number, millicores in each) / 1000
    return NodePool(together, cpu, _nodes(cpu, together, _floor(environment), vcpus))


def _poolers(databases: tuple[DatabasePlan, ...]) -> list[tuple[PoolerPlan, int]]:
    return [(database.pooler, database.shards) for database in databases if database.pooler]


def _floor(environment: Environment) -> int:
    return int(figures.ZONES) if environment.multi_zone else 1


def surge(pods: int) -> int:
    """Pods that a rollout starts before it stops any."""
    return math.ceil(pods * figures.ROLLOUT_SURGE)


def _nodes(cpu: float, pods: int, floor: int, vcpus: int) -> int:
    a_node = vcpus * figures.NODE_ALLOCATABLE * figures.NODE_PACKING
    return max(floor, math.ceil(cpu / a_node - 1e-9), math.ceil(pods / figures.PODS_PER_NODE))
