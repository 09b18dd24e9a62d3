"""The plan of a system in an environment: pure, fast, and free of Pulumi."""

from infra.capacity.model import (
    CachePlan,
    ClusterPlan,
    DatabasePlan,
    Decision,
    EventsPlan,
    GatewayPlan,
    KafkaPlan,
    NetworkPlan,
    Plan,
    PoolerPlan,
    Tier,
    TopicPlan,
    WorkloadPlan,
    WorkloadRole,
)

__all__ = [
    "CachePlan",
    "ClusterPlan",
    "DatabasePlan",
    "Decision",
    "EventsPlan",
    "GatewayPlan",
    "KafkaPlan",
    "NetworkPlan",
    "Plan",
    "PoolerPlan",
    "Tier",
    "TopicPlan",
    "WorkloadPlan",
    "WorkloadRole",
]
