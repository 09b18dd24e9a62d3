"""What the system is made of: component, technology, purpose, and the module that declares it."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.capacity import Plan
from groundplan.declaration.model import System
from groundplan.document.markdown import component, link, table
from groundplan.stack.environment import Environment

Row = tuple[str, str, str, str]


def components(system: System, plan: Plan, environment: Environment) -> str:
    """One row for each part, in the order in which a request travels."""
    return table(("Component", "Technology", "Purpose", "Declared by"), list(_rows(system, plan, environment)))


def _rows(system: System, plan: Plan, environment: Environment) -> Iterator[Row]:
    yield (
        "Edge",
        "CloudFront, AWS WAF",
        "TLS, web firewall, rate rule per client, static files (C1, S1, S7)",
        component("edge.distribution"),
    )
    yield (
        "Gateway",
        "API Gateway, REST",
        "authentication, routing, validation, throttling (A1)",
        component("gateway.gateway"),
    )
    yield (
        "Identity",
        "Cognito user pool",
        "OAuth sign-in, JWTs, roles as groups, second factor (S3)",
        component("identity.user_pool"),
    )
    if environment.existing_cluster:
        yield (
            "Cluster",
            "a Kubernetes cluster that is there",
            "runs the services",
            component("cluster.existing"),
        )
    else:
        yield (
            "Cluster",
            "EKS Auto Mode",
            "runs the services; machines come and go by need",
            component("cluster.cluster"),
        )
    for name, service in system.services.items():
        roles = ", ".join(workload.role for workload in plan.workloads_of(name))
        purpose = service.description or f"owns {', '.join(service.resources)}"
        yield f"Service {name}", f"Python on Kubernetes: {roles}", purpose, link("system.yaml")
    yield (
        "Workloads",
        "Deployments, autoscalers, network policies",
        "how each service runs (T3, P2)",
        component("workload.workload"),
    )
    replicas = " with read replicas" if any(database.replicas for database in plan.databases) else ""
    owned = "one instance for all services" if environment.shared_database else "a database a service (A2)"
    yield (
        "Databases",
        f"RDS for PostgreSQL {environment.postgres_version}{replicas}",
        owned,
        component("database.instance"),
    )
    if any(database.proxy for database in plan.databases):
        yield (
            "Writer pooling",
            "RDS Proxy",
            "shares connections to the writers (D3)",
            component("database.proxy"),
        )
    if any(database.pooler for database in plan.databases):
        yield (
            "Reader pooling",
            "PgBouncer",
            "shares connections to the replicas (D3)",
            component("database.pooler"),
        )
    if plan.cache:
        yield (
            "Cache",
            "ElastiCache for Valkey",
            "cache-aside copies, token buckets (C2, D3, S7)",
            component("cache.cache"),
        )
    if plan.events:
        if plan.events.kafka:
            kind = "Express" if plan.events.kafka.kind == "express" else "Standard"
            yield (
                "Events",
                f"MSK, {kind} brokers",
                "topics between services (A3)",
                component("events.kafka"),
            )
        else:
            yield (
                "Events",
                "SNS and SQS",
                "a topic an event, a queue a consumer (A3)",
                component("events.queues"),
            )
        yield (
            "Event log",
            "Firehose, S3",
            "every event, for audit and replay (A3, D2)",
            component("events.log"),
        )
    yield (
        "Network",
        "VPC in three zones",
        "public, private and data subnets apart (S1)",
        component("network.network"),
    )
    yield "Keys", "KMS", "encryption at rest with keys of this system (S5)", component("keys.keys")
    yield (
        "Observability",
        "CloudWatch",
        "dashboard, alarms on T1 to T4 by burn rate",
        component("observability.observability"),
    )
    yield "Backups", "AWS Backup", "copies that outlive a mistake (P2)", component("backup.backup")
