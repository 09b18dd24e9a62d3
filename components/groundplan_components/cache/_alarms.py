"""Alarms of a Valkey node.

Metrics: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
"""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared.alarms import Alarm, Metric, Missing

NAMESPACE = "AWS/ElastiCache"
PERIOD_SECONDS = 300
PERIODS = 3

# One thread executes commands: above this utilisation latency rises.
ENGINE_CPU_PERCENT = 80.0
MEMORY_PERCENT = 85.0
# A cache evicts by design; a thousand evictions in five minutes show that the working set no longer fits.
EVICTIONS = 1000.0
REPLICATION_LAG_SECONDS = 5.0
# A node accepts 65,000 connections (ElastiCache user guide, "Quotas").
CONNECTIONS = 52_000.0


def node_alarms(node: pulumi.Input[str]) -> Mapping[str, Alarm]:
    """Alarms by name, the same for all nodes: a failover turns primaries into replicas."""

    def alarm(
        metric: str, statistic: str, threshold: float, description: str, page: str, missing: Missing = Missing.GOOD
    ) -> Alarm:
        return Alarm(
            description=description,
            page=page,
            metrics={
                "metric": Metric(
                    namespace=NAMESPACE, name=metric, statistic=statistic, dimensions={"CacheClusterId": node}
                )
            },
            threshold=threshold,
            period=PERIOD_SECONDS,
            periods=PERIODS,
            missing=missing,
        )

    return {
        "engine-cpu": alarm(
            "EngineCPUUtilization",
            "Average",
            ENGINE_CPU_PERCENT,
            "The cache's one executing thread is nearly busy, or nothing is reported: more shards, or larger nodes",
            "cache-cpu",
            Missing.BAD,
        ),
        "memory": alarm(
            "DatabaseMemoryUsagePercentage",
            "Maximum",
            MEMORY_PERCENT,
            "The cache is nearly full: larger nodes, or more shards",
            "cache-memory",
        ),
        "evictions": alarm(
            "Evictions",
            "Sum",
            EVICTIONS,
            "Entries leave the cache before they expire: the working set no longer fits",
            "cache-evictions",
        ),
        "replication-lag": alarm(
            "ReplicationLag",
            "Maximum",
            REPLICATION_LAG_SECONDS,
            f"A cache replica is more than {REPLICATION_LAG_SECONDS:g} s behind: a failover would lose what it lacks",
            "cache-replication-lag",
        ),
        "connections": alarm(
            "CurrConnections",
            "Maximum",
            CONNECTIONS,
            "A cache node nears its 65,000 connections: pool them in the services",
            "cache-connections",
        ),
        "access-denied": Alarm(
            description="A service used keys or commands that are not its own, or a wrong password (S4)",
            page="cache-access-denied",
            metrics={
                what: Metric(namespace=NAMESPACE, name=name, statistic="Sum", dimensions={"CacheClusterId": node})
                for what, name in (
                    ("passwords", "AuthenticationFailures"),
                    ("commands", "CommandAuthorizationFailures"),
                    ("keys", "KeyAuthorizationFailures"),
                    ("channels", "ChannelAuthorizationFailures"),
                )
            },
            expression="FILL(passwords, 0) + FILL(commands, 0) + FILL(keys, 0) + FILL(channels, 0)",
            threshold=0,
            period=PERIOD_SECONDS,
            periods=1,
        ),
    }
