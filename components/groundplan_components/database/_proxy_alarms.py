"""Alarms of an RDS proxy."""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared.alarms import Alarm, Metric

MICROSECONDS_PER_MS = 1000
PINNED_PERCENT = 50.0


def proxy_alarms(proxy: pulumi.Input[str], slow_statement_ms: int) -> Mapping[str, Alarm]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html"""

    def metric(name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/RDS", name=name, statistic=statistic, dimensions={"ProxyName": proxy})

    return {
        "borrow-latency": Alarm(
            description=f"A connection is waited for longer than {slow_statement_ms} ms (T2): a larger pool",
            page="database-proxy-wait",
            metrics={"wait": metric("DatabaseConnectionsBorrowLatency", "Average")},
            threshold=slow_statement_ms * MICROSECONDS_PER_MS,
            periods=5,
        ),
        "pinned": Alarm(
            description=f"More than {PINNED_PERCENT:g} % of the pool is pinned to single sessions: see the proxy's log",
            page="database-proxy-pinned",
            metrics={
                "pinned": metric("DatabaseConnectionsCurrentlySessionPinned", "Average"),
                "open": metric("DatabaseConnections", "Average"),
            },
            expression="IF(open > 0, 100 * pinned / open, 0)",
            threshold=PINNED_PERCENT,
            period=300,
            periods=3,
        ),
    }
