"""Events between services, and the log of all events (A3, D2)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from groundplan.capacity import EventsPlan, KafkaPlan, TopicPlan
from groundplan.program.context import StackContext
from groundplan.program.platform import Platform
from groundplan_components.events import EventLog, EventLogArgs, EventQuery, Kafka, KafkaArgs, KafkaKind, Queues
from groundplan_components.shared import Statement


@dataclass(frozen=True)
class Events:
    """The broker, of either kind, as services see it: one of ``kafka`` and ``queues`` is given.

    Which one is never asked of its class, for the owner may have put another one in its place.
    """

    plan: EventsPlan
    kafka: Kafka | None
    queues: Queues | None
    log: EventLog

    @property
    def broker(self) -> Kafka | Queues:
        broker = self.queues if self.kafka is None else self.kafka
        assert broker is not None
        return broker

    def publishing(self, service: str) -> list[Statement]:
        """Permissions of the service's relay."""
        return self.broker.publisher_statements(
            [topic.event for topic in self.plan.topics if topic.publisher == service]
        )

    def consuming(self, reader: str) -> list[Statement]:
        """Permissions of a consumer or projector: read its events, and write its dead letters."""
        return self.broker.consumer_statements(reader)


def projector(service: str) -> str:
    """The reader that feeds a service's own read model (A4)."""
    return f"{service}-projector"


def readers(topic: TopicPlan) -> list[str]:
    """Readers of events; each is a consumer group or a queue."""
    return [*topic.consumers, *(projector(service) for service in topic.projectors)]


def declare_events(stack: StackContext, platform: Platform) -> Events | None:
    """None if no service has events."""
    planned = stack.plan.events
    if planned is None:
        return None
    kafka = None if planned.kafka is None else _kafka(stack, platform, planned, planned.kafka)
    queues = _queues(stack, planned) if kafka is None else None
    log = stack.component(EventLog)("event-log", _log(stack, planned, kafka, queues), stack.in_region())
    stack.component(EventQuery)(
        "event-query",
        {
            "bucket": log.bucket,
            "events": [topic.event for topic in planned.topics],
            "retention_days": planned.log_retention_days,
            "kms_key_arn": stack.key("events"),
        },
        stack.in_region(),
    )
    return Events(planned, kafka, queues, log)


def _kafka(stack: StackContext, platform: Platform, planned: EventsPlan, kafka: KafkaPlan) -> Kafka:
    args: KafkaArgs = {
        "system": stack.system.name,
        "kind": KafkaKind(kafka.kind),
        "instance_type": kafka.instance_type,
        "brokers": kafka.brokers,
        "vpc_id": platform.vpc_id,
        "subnet_ids": platform.data_subnet_ids,
        "client_security_group_ids": {"pods": platform.cluster.security_group_id},
        "private_link_cidr": platform.vpc_cidr,
        "kms_key_arn": stack.key("events"),
        "topics": {
            topic.event: {"partitions": topic.partitions, "consumers": readers(topic)} for topic in planned.topics
        },
        "retention_hours": planned.retention_hours,
        "log_days": stack.environment.log_days,
        "alarm_topic_arn": stack.alarms.arn,
        "protect": stack.environment.protect,
    }
    if args["kind"] is KafkaKind.STANDARD:
        # Express has fixed values and refuses others.
        args["replication"] = kafka.replication
        args["min_in_sync"] = kafka.min_in_sync
    if kafka.storage_gb is not None:
        args["storage_gib"] = kafka.storage_gb
    return stack.component(Kafka)("kafka", args, stack.in_region())


def _queues(stack: StackContext, planned: EventsPlan) -> Queues:
    return stack.component(Queues)(
        stack.scope,
        {
            "topics": {topic.event: {"consumers": readers(topic)} for topic in planned.topics},
            "kms_key_arn": stack.key("events"),
            "retention_hours": planned.retention_hours,
            "alarm_topic_arn": stack.alarms.arn,
            "protect": stack.environment.protect,
        },
        stack.in_region(),
    )


def _log(stack: StackContext, planned: EventsPlan, kafka: Kafka | None, queues: Queues | None) -> EventLogArgs:
    names: dict[str, pulumi.Output[str]] = kafka.topic_names if kafka is not None else {}
    if queues is not None:
        names = queues.topic_arns
    args: EventLogArgs = {
        "system": stack.system.name,
        "topics": dict(names),
        "kms_key_arn": stack.key("events"),
        "retention_days": planned.log_retention_days,
        "log_days": stack.environment.log_days,
        "alarm_topic_arn": stack.alarms.arn,
        "protect": stack.environment.protect,
    }
    if stack.environment.backup_copy_region is not None or stack.environment.backup_copy_vault_arn is not None:
        # A lost region, or account, takes the log with it otherwise; where it is the log is locked, and needs no copy.
        args["backup"] = True
    if kafka is not None:
        args["kafka_cluster_arn"] = kafka.log_source_arn
    return args
