"""Alarms and events of a primary and its replicas."""

import pulumi
from pulumi_aws import rds

from groundplan_components.database._alarms import (
    declare_counter,
    instance_alarms,
    primary_alarms,
    primary_counters,
    replica_alarms,
)
from groundplan_components.database._instance_args import SHARD_LIMIT_GIB, DatabaseArgs
from groundplan_components.shared.alarms import declare

# Storage that can't grow, a failure, a failover, replication that stopped.
EVENT_CATEGORIES = ["failover", "failure", "low storage", "read replica"]

# RDS for PostgreSQL reports up to five minutes of lag on a replica while the primary writes nothing (RDS user guide,
# "Read replica limitations with PostgreSQL"). A system that always writes may set a shorter limit.
REPLICA_LAG_SECONDS = 360


def declare_alarms(
    parent: pulumi.Resource, name: str, args: DatabaseArgs, primary: rds.Instance, replicas: list[rds.Instance]
) -> None:
    topic_arn = args.get("alarm_topic_arn")
    if topic_arn is None:
        return
    inside = pulumi.ResourceOptions(parent=parent)
    primary_class = args["instance_class"]
    replica_class = args.get("replica_class", primary_class)
    lag_seconds = args.get("replica_lag_seconds", REPLICA_LAG_SECONDS)
    watched = [(f"{name}-primary", primary_class, primary, primary_alarms(primary.identifier))]
    for number, replica in enumerate(replicas, start=1):
        alarms = replica_alarms(replica.identifier, lag_seconds=lag_seconds)
        watched.append((f"{name}-replica-{number}", replica_class, replica, alarms))
    for prefix, instance_class, instance, own_alarms in watched:
        general_alarms = instance_alarms(
            instance.identifier,
            instance_class=instance_class,
            storage_gib=args["storage_gib"],
            max_connections=args.get("max_connections"),
            slow_statement_ms=args.get("slow_statement_ms", 20),
        )
        for what, alarm in {**general_alarms, **own_alarms}.items():
            declare(f"{prefix}-{what}", alarm, [topic_arn], inside)
    for what, counter in primary_counters(shard_limit_gib=args.get("shard_limit_gib", SHARD_LIMIT_GIB)).items():
        declare_counter(f"{name}-primary-{what}", counter, primary.resource_id, topic_arn, inside)
    rds.EventSubscription(
        f"{name}-events",
        sns_topic=topic_arn,
        source_type="db-instance",
        source_ids=[instance.identifier for instance in (primary, *replicas)],
        event_categories=EVENT_CATEGORIES,
        tags={"Name": f"{name}-events"},
        opts=pulumi.ResourceOptions(parent=parent),
    )
