"""The plan of a system in an environment: pure, fast, and free of Pulumi."""

from groundplan.capacity.comparison import Comparison, compare
from groundplan.capacity.kept import remembered_after
from groundplan.capacity.limits import check_limits
from groundplan.capacity.model import (
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
from groundplan.capacity.planner import plan
from groundplan.capacity.reach import Reach, reach
from groundplan.capacity.shards import check_shards, required_shards

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
    "Reach",
    "Tier",
    "TopicPlan",
    "WorkloadPlan",
    "WorkloadRole",
    "check_limits",
    "check_shards",
    "compare",
    "plan",
    "reach",
    "remembered_after",
    "required_shards",
]
