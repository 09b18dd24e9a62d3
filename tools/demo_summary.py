"""What a newcomer takes away from the demo: what would be deployed, how large, and what gives out first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from groundplan.capacity.model import Plan
from groundplan.capacity.report import first_bottleneck
from groundplan.capacity.text import paragraph, table
from groundplan.cloud import Simulation

_KINDS = {
    "Network": ("aws:ec2", "aws:vpc", "aws:networkfirewall", "aws:route53"),
    "Edge: CDN, certificates, firewall": ("aws:cloudfront", "aws:acm", "aws:wafv2"),
    "Gateway and load balancer": ("aws:apigateway", "aws:apigatewayv2", "aws:lb", "aws:alb"),
    "Sign-in": ("aws:cognito", "aws:lambda"),
    "Kubernetes cluster and images": ("aws:eks", "aws:ecr"),
    "Workloads in the cluster": ("kubernetes:",),
    "Databases": ("aws:rds",),
    "Cache": ("aws:elasticache",),
    "Events: topics, queues, streams": ("aws:msk", "aws:sns", "aws:sqs", "aws:kinesis", "aws:glue", "aws:athena"),
    "Storage and backups": ("aws:s3", "aws:backup"),
    "Permissions, keys and secrets": (
        "aws:iam",
        "aws:kms",
        "aws:secretsmanager",
        "random:",
    ),
    "Alarms, dashboards and logs": ("aws:cloudwatch", "aws:budgets"),
}
OTHER = "Everything else"


def kind_of(token: str) -> str:
    """The row that a resource type counts in."""
    for kind, prefixes in _KINDS.items():
        for prefix in prefixes:
            if token.startswith(prefix if prefix.endswith(":") else f"{prefix}/"):
                return kind
    return OTHER


def counts(simulation: Simulation) -> Counter[str]:
    """Resources by kind; components and providers are not deployed."""
    deployed = (each.type for each in simulation.resources if each.custom and not each.type.startswith("pulumi:"))
    return Counter(map(kind_of, deployed))


def summary(plans: Mapping[str, Plan], simulations: Mapping[str, Simulation]) -> str:
    """Counts by kind and the main sizes for each stack, then what gives out first in the largest."""
    stacks = tuple(plans)
    counted = {stack: counts(simulations[stack]) for stack in stacks}
    kinds = [kind for kind in (*_KINDS, OTHER) if any(counted[stack][kind] for stack in stacks)]
    rows = [(kind, *(str(counted[stack][kind]) for stack in stacks)) for kind in kinds]
    rows.append(("All resources", *(str(counted[stack].total()) for stack in stacks)))
    largest = max(plans.values(), key=lambda plan: plan.requests_per_second)
    lines = [
        "What would be deployed",
        *table(("", *stacks), rows),
        "",
        "How large",
        *table(("", *stacks), list(zip(_SIZES, *(_sizes(plans[stack]) for stack in stacks), strict=True))),
        "",
        f"What gives out first ({largest.environment})",
        *paragraph(first_bottleneck(largest)),
    ]
    return "\n".join(lines)


_SIZES = (
    "Requests/s today",
    "… at full growth",
    "Pods",
    "… at most",
    "Database instances",
    "Cache nodes",
    "Kafka brokers",
)


def _sizes(plan: Plan) -> tuple[str, ...]:
    instances = sum(
        database.shards * (1 + database.replicas + (1 if database.multi_zone else 0)) for database in plan.databases
    )
    cache = plan.cache.shards * (1 + plan.cache.replicas) if plan.cache else 0
    kafka = plan.events.kafka if plan.events else None
    return (
        f"{plan.requests_per_second:,.0f}",
        f"{plan.requests_per_second * plan.growth_factor:,.0f}",
        str(sum(workload.min_pods for workload in plan.workloads)),
        str(sum(workload.max_pods for workload in plan.workloads)),
        str(instances),
        str(cache),
        str(kafka.brokers if kafka else 0),
    )
