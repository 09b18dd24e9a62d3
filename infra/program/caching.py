"""The cache that all services share, each with a user and keys of its own (C1, C2, S7)."""

from __future__ import annotations

from components.cache import Cache, CacheArgs
from infra.program.ground import Ground
from infra.program.site import Site


def declare_cache(site: Site, ground: Ground) -> Cache | None:
    planned = site.plan.cache
    if planned is None:
        return None
    environment = site.environment
    args: CacheArgs = {
        "vpc_id": ground.vpc_id,
        "subnet_ids": ground.data_subnet_ids,
        "client_security_group_ids": {"pods": ground.cluster.security_group_id},
        "kms_key_arn": site.key("data"),
        "secrets_kms_key_arn": site.key("secrets"),
        "services": list(site.system.services),
        "id_prefix": f"{site.scope}-cache",
        "node_type": planned.node_type,
        "shards": planned.shards,
        "replicas": planned.replicas,
        "multi_zone": environment.multi_zone and planned.replicas > 0,
        "protect": environment.protect,
        "log_days": environment.log_days,
        "alarm_topic_arn": site.alarms.arn,
    }
    return Cache("cache", args, site.here())
