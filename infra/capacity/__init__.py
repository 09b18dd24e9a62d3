"""The plan of a system in an environment: pure, fast, and free of Pulumi."""

from infra.capacity.comparison import Comparison, compare
from infra.capacity.kept import remembered_after
from infra.capacity.model import (
    CachePlan,
    ClusterPlan,
    DatabasePlan,
    Decision,
    EventsPlan,
    GatewayPlan,
    KafkaPlan,
    Kept,
    NetworkPlan,
    Plan,
    PoolerPlan,
    Tier,
    TopicPlan,
    WorkloadPlan,
    WorkloadRole,
)
from infra.capacity.planner import plan
from infra.capacity.shards import check_shards, required_shards

__all__ = [
    "CachePlan",
    "ClusterPlan",
    "Comparison",
    "DatabasePlan",
    "Decision",
    "EventsPlan",
    "GatewayPlan",
    "KafkaPlan",
    "Kept",
    "NetworkPlan",
    "Plan",
    "PoolerPlan",
    "Tier",
    "TopicPlan",
    "WorkloadPlan",
    "WorkloadRole",
    "check_shards",
    "compare",
    "plan",
    "remembered_after",
    "required_shards",
]
