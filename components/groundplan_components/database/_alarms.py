"""Alarms of a PostgreSQL instance.

Metrics: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
Counters of Database Insights: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights_Counters.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from groundplan_components.shared.alarms import Alarm, Comparison, Metric, Missing, page_named

NAMESPACE = "AWS/RDS"
PERIOD_SECONDS = 300
# A quarter of an hour: longer than a failover, a reboot or a nightly backup's burst.
PERIODS = 3

CPU_PERCENT = 80.0
CONNECTION_SHARE = 0.8
# RDS grows storage when less than 10 % of it has been free for five minutes, and then not again for six hours (RDS user
# guide, "Managing capacity automatically with storage autoscaling").
FREE_STORAGE_SHARE = 0.1
LEAST_FREE_STORAGE_GIB = 5
SHARD_FULL_SHARE = 0.8
FREE_MEMORY_MIB = 256
# One credit is one vCPU's minute: this many carry half an hour of full load on one vCPU.
CPU_CREDITS = 30.0
EBS_BALANCE_PERCENT = 30.0
# Wraparound stops writes at about 2.1 billion; AWS advises an alarm at 1 billion (RDS user guide, "Using PostgreSQL
# autovacuum").
TRANSACTION_IDS = 1_000_000_000

MIB = 1024**2
GIB = 1024**3
KIB_PER_GIB = 1024**2


@dataclass(frozen=True, slots=True)
class Counter:
    """An alarm on a counter of Database Insights, which CloudWatch reads by a metric math function."""

    description: str
    page: str
    counter: str
    threshold: float
    """In the counter's own unit."""


def _alarm(
    instance: pulumi.Input[str],
    metric: str,
    statistic: str,
    threshold: float,
    description: str,
    page: str,
    comparison: Comparison = Comparison.ABOVE,
    missing: Missing = Missing.GOOD,
) -> Alarm:
    return Alarm(
        description=description,
        page=page,
        metrics={
            "metric": Metric(
                namespace=NAMESPACE, name=metric, statistic=statistic, dimensions={"DBInstanceIdentifier": instance}
            )
        },
        threshold=threshold,
        comparison=comparison,
        period=PERIOD_SECONDS,
        periods=PERIODS,
        missing=missing,
    )


def instance_alarms(
    instance: pulumi.Input[str],
    *,
    instance_class: str,
    storage_gib: int,
    max_connections: int | None,
    slow_statement_ms: int,
) -> Mapping[str, Alarm]:
    """Alarms by name, for primaries and replicas."""
    alarms = {
        "cpu": _alarm(
            instance,
            "CPUUtilization",
            "Average",
            CPU_PERCENT,
            f"The CPU is above {CPU_PERCENT:g} %, or nothing is reported: a larger class, or fewer statements",
            "database-cpu",
            missing=Missing.BAD,
        ),
        "memory": _alarm(
            instance,
            "FreeableMemory",
            "Average",
            FREE_MEMORY_MIB * MIB,
            f"Less than {FREE_MEMORY_MIB} MiB of memory can be freed: a larger class, or fewer connections",
            "database-memory",
            Comparison.BELOW,
        ),
        "free-storage": _alarm(
            instance,
            "FreeStorageSpace",
            "Minimum",
            max(LEAST_FREE_STORAGE_GIB, storage_gib * FREE_STORAGE_SHARE) * GIB,
            "Storage is nearly full and has not grown by itself: see whether it reached its maximum",
            "database-storage",
            Comparison.BELOW,
        ),
        "read-latency": _alarm(
            instance,
            "ReadLatency",
            "Average",
            slow_statement_ms / 1000,
            f"One read from disk takes as long as a whole statement may, {slow_statement_ms} ms (T2)",
            "database-disk-latency",
        ),
        "write-latency": _alarm(
            instance,
            "WriteLatency",
            "Average",
            slow_statement_ms / 1000,
            f"One write to disk takes as long as a whole statement may, {slow_statement_ms} ms (T2)",
            "database-disk-latency",
        ),
        # Only smaller classes publish these two; missing data is good.
        "operations-balance": _alarm(
            instance,
            "EBSIOBalance%",
            "Minimum",
            EBS_BALANCE_PERCENT,
            "The class's burst of disk operations is nearly spent: a larger class",
            "database-disk-burst",
            Comparison.BELOW,
        ),
        "throughput-balance": _alarm(
            instance,
            "EBSByteBalance%",
            "Minimum",
            EBS_BALANCE_PERCENT,
            "The class's burst of disk throughput is nearly spent: a larger class",
            "database-disk-burst",
            Comparison.BELOW,
        ),
    }
    if max_connections is not None:
        alarms["connections"] = _alarm(
            instance,
            "DatabaseConnections",
            "Maximum",
            max_connections * CONNECTION_SHARE,
            f"More than {CONNECTION_SHARE:.0%} of {max_connections} connections are open: pool them, or allow more",
            "database-connections",
        )
    if is_burstable(instance_class):
        alarms["cpu-credits"] = _alarm(
            instance,
            "CPUCreditBalance",
            "Minimum",
            CPU_CREDITS,
            "A burstable class runs out of CPU credits: a class that is not burstable",
            "database-cpu-credits",
            Comparison.BELOW,
        )
    return alarms


def primary_alarms(instance: pulumi.Input[str]) -> Mapping[str, Alarm]:
    """By name, for a primary only."""
    return {
        "transaction-ids": _alarm(
            instance,
            "MaximumUsedTransactionIDs",
            "Maximum",
            TRANSACTION_IDS,
            "Vacuum doesn't keep up: at 2.1 billion transaction ids PostgreSQL stops writing",
            "database-transaction-ids",
        )
    }


def replica_alarms(instance: pulumi.Input[str], *, lag_seconds: int) -> Mapping[str, Alarm]:
    """By name, for a replica only."""
    return {
        "lag": _alarm(
            instance,
            "ReplicaLag",
            "Average",
            lag_seconds,
            f"The replica is more than {lag_seconds} s behind its primary, or doesn't say: reads are stale",
            "database-replica-lag",
            missing=Missing.BAD,
        )
    }


def primary_counters(*, shard_limit_gib: int) -> Mapping[str, Counter]:
    """By name, for a primary only."""
    return {
        # Once storage has grown by itself, FreeStorageSpace doesn't show the used space; the operating system's counter
        # does.
        "shard-size": Counter(
            f"Data passes {SHARD_FULL_SHARE:.0%} of the {shard_limit_gib} GiB that one shard should hold: "
            "add a generation to the shard map (D3)",
            "database-shard-size",
            "os.fileSys.used.avg",
            shard_limit_gib * SHARD_FULL_SHARE * KIB_PER_GIB,
        ),
        "deadlocks": Counter(
            "Transactions block each other for good: services take locks in different orders",
            "database-deadlocks",
            "db.Concurrency.deadlocks.avg",
            0.0,
        ),
    }


def declare_counter(
    name: str,
    counter: Counter,
    resource_id: pulumi.Input[str],
    topic_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> cloudwatch.MetricAlarm:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Cloudwatch.html"""
    return cloudwatch.MetricAlarm(
        name,
        alarm_description=page_named(counter.description, counter.page),
        comparison_operator=Comparison.ABOVE.value,
        threshold=counter.threshold,
        evaluation_periods=PERIODS,
        datapoints_to_alarm=PERIODS,
        treat_missing_data=Missing.GOOD.value,
        metric_queries=[
            cloudwatch.MetricAlarmMetricQueryArgs(
                id="counter",
                label=counter.counter,
                expression=pulumi.Output.concat("DB_PERF_INSIGHTS('RDS', '", resource_id, f"', '{counter.counter}')"),
                period=PERIOD_SECONDS,
                return_data=True,
            )
        ],
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        tags={"Name": name},
        opts=opts,
    )


def is_burstable(instance_class: str) -> bool:
    """Whether the class uses CPU credits (`db.t4g.medium`)."""
    return instance_class.startswith("db.t")
