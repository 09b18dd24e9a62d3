"""Quota of a stack's pods (P1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundplan.capacity import Plan
from groundplan_components.workload import MIGRATION_CPU_MILLICORES, MIGRATION_MEMORY_MIB

# During a replacement the old and the new pod exist together. When a quota refuses a pod, the ReplicaSet retries with
# growing delays, up to 1,000 s (client-go, DefaultControllerRateLimiter), beyond the rollout's deadline; a pod without
# a node starts as soon as there is one. So the node pool limits machines, and the quota refuses only pods that were
# never planned.
AT_ONCE = 2


@dataclass(frozen=True)
class Quota:
    """Upper bounds of all requests in the namespace: vCPUs, GiB of memory, pods."""

    cpu: int
    memory_gib: int
    pods: int


def quota(plan: Plan) -> Quota:
    """Room for every Deployment at its largest while all of them roll out, and for each service's migration."""
    sizes = [(each.max_pods, each.cpu_millicores, each.memory_mib) for each in plan.workloads]
    for database in plan.databases:
        if database.pooler:
            each = database.pooler
            sizes.append((each.pods * database.shards, each.cpu_millicores, each.memory_mib))
    services = len({workload.service for workload in plan.workloads})
    sizes.append((services, MIGRATION_CPU_MILLICORES, MIGRATION_MEMORY_MIB))
    return Quota(
        cpu=math.ceil(AT_ONCE * sum(pods * cpu for pods, cpu, _ in sizes) / 1000),
        memory_gib=math.ceil(AT_ONCE * sum(pods * memory for pods, _, memory in sizes) / 1024),
        pods=AT_ONCE * sum(pods for pods, _, _ in sizes),
    )
