"""The cache that all services share, with separate users and keys (C1, C2, S7)."""

from __future__ import annotations

from groundplan.program.context import StackContext
from groundplan.program.platform import Platform
from groundplan_components.cache import Cache, CacheArgs


def declare_cache(stack: StackContext, platform: Platform) -> Cache | None:
    planned = stack.plan.cache
    if planned is None:
        return None
    environment = stack.environment
    args: CacheArgs = {
        "vpc_id": platform.vpc_id,
        "subnet_ids": platform.data_subnet_ids,
        "client_security_group_ids": {"pods": platform.cluster.security_group_id},
        "kms_key_arn": stack.key("data"),
        "secrets_kms_key_arn": stack.key("secrets"),
        "services": list(stack.system.services),
        "id_prefix": f"{stack.scope}-cache",
        "node_type": planned.node_type,
        "shards": planned.shards,
        "replicas": planned.replicas,
        "node_quota": int(environment.quota("cache_nodes_per_cluster")),
        "multi_zone": environment.multi_zone and planned.replicas > 0,
        "protect": environment.protect,
        "log_days": environment.log_days,
        "alarm_topic_arn": stack.alarms.arn,
    }
    return stack.component(Cache)("cache", args, stack.in_region())
