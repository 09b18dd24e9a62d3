"""Alarms on a service's own metrics and on those of its load balancer (T1, T2, T4, A3)."""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared import metrics
from groundplan_components.shared.alarms import Alarm, Comparison, Metric, Missing

LOAD_BALANCER = "AWS/ApplicationELB"
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html"""
OUTBOX_SECONDS = 60
"""The relay publishes within a second; a minute means that it or the broker has stopped."""
TARGET_ERRORS = 50
"""5xx responses in five minutes from one service. The burn rate pages; this alarm identifies the service."""


def service_alarms(namespace: str, service: str, latency_p95_ms: float, query_p95_ms: float) -> Mapping[str, Alarm]:
    """Alarms by name, on the metrics that `groundplan_components.shared.metrics` declares."""

    def metric(name: str, statistic: str) -> dict[str, Metric]:
        dimensions = {metrics.SERVICE_DIMENSION: service}
        return {"value": Metric(namespace=namespace, name=name, statistic=statistic, dimensions=dimensions)}

    return {
        "latency": Alarm(
            description=f"T1: 5 % of {service}'s responses take longer than {latency_p95_ms:g} ms",
            page="service-latency",
            metrics=metric(metrics.REQUEST_DURATION_MS, "p95"),
            threshold=latency_p95_ms,
            periods=10,
            datapoints=8,
        ),
        "query": Alarm(
            description=f"T2: 5 % of {service}'s database statements take longer than {query_p95_ms:g} ms",
            page="service-statements",
            metrics=metric(metrics.QUERY_DURATION_MS, "p95"),
            threshold=query_p95_ms,
            periods=10,
            datapoints=8,
        ),
        "outbox": Alarm(
            description=f"{service} has events that wait for more than {OUTBOX_SECONDS} s to be published",
            page="service-outbox",
            metrics=metric(metrics.OUTBOX_AGE_SECONDS, "Maximum"),
            threshold=OUTBOX_SECONDS,
            periods=5,
        ),
        "dead-letters": Alarm(
            description=f"{service} gave up on events: look at them, then send them again",
            page="dead-letters",
            metrics=metric(metrics.EVENTS_DEAD_LETTERED, "Sum"),
            threshold=0,
            periods=1,
        ),
    }


def target_alarms(
    load_balancer: pulumi.Input[str], target_group: pulumi.Input[str], service: str
) -> Mapping[str, Alarm]:
    """Alarms on one service's targets, as the load balancer sees them; both arguments are ARN suffixes (`app/…`,
    `targetgroup/…`)."""

    def metric(name: str, statistic: str) -> dict[str, Metric]:
        dimensions = {"LoadBalancer": load_balancer, "TargetGroup": target_group}
        return {"value": Metric(namespace=LOAD_BALANCER, name=name, statistic=statistic, dimensions=dimensions)}

    return {
        "unhealthy": Alarm(
            description=f"Pods of {service} fail their health check",
            page="pods-unhealthy",
            metrics=metric("UnHealthyHostCount", "Minimum"),
            threshold=0,
            periods=5,
        ),
        "none-healthy": Alarm(
            description=f"{service} has no healthy pod: all its requests fail",
            page="pods-none-healthy",
            metrics=metric("HealthyHostCount", "Maximum"),
            threshold=1,
            comparison=Comparison.BELOW,
            periods=2,
            # A target group without registered targets publishes no data.
            missing=Missing.GOOD,
        ),
        "errors": Alarm(
            description=f"{service} answers with a status of 5xx",
            page="service-errors",
            metrics=metric("HTTPCode_Target_5XX_Count", "Sum"),
            threshold=TARGET_ERRORS,
            period=300,
            periods=1,
        ),
    }


def load_balancer_alarm(load_balancer: pulumi.Input[str]) -> Alarm:
    """Errors of the load balancer itself: no target, or none that answered in time."""
    return Alarm(
        description="The load balancer answers 5xx itself: no healthy pod, or none that answers in time",
        page="load-balancer-errors",
        metrics={
            "errors": Metric(
                namespace=LOAD_BALANCER,
                name="HTTPCode_ELB_5XX_Count",
                statistic="Sum",
                dimensions={"LoadBalancer": load_balancer},
            )
        },
        threshold=TARGET_ERRORS,
        period=300,
        periods=1,
    )
