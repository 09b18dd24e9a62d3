"""Arguments of `EventLog`, and what Firehose accepts of them."""

from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.events.log_bucket import EventLogLock
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days


class EventLogArgs(TypedDict):
    system: str
    """The system's name, the prefix of Kafka's consumer groups."""
    topics: dict[str, pulumi.Input[str]]
    """By event: the Kafka topic's name, or the SNS topic's ARN."""
    kafka_cluster_arn: NotRequired[pulumi.Input[str]]
    """The Kafka cluster that Firehose reads. Pass `Kafka.log_source_arn`, which is known once Firehose may connect.
    Default: ``topics`` are SNS topics."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the log; its policy lets CloudWatch Logs and SNS use it."""
    retention_days: int
    """Retention of every event, in days."""
    lock: NotRequired[EventLogLock]
    """Mode of the object lock. Default: `GOVERNANCE`."""
    lock_days: NotRequired[int]
    """Days in which no principal may delete or overwrite an event. Default: all of ``retention_days``."""
    log_days: NotRequired[int]
    """Retention of Firehose's log and S3's access log, in days. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    max_lag_events: NotRequired[int]
    """Lag of a stream behind its Kafka topic, in events, that raises an alarm. Default: 10,000."""
    backup: NotRequired[bool]
    """Tag the log's bucket `backup=continuous`, so that `Backup` copies it, for example to another region. Default:
    false."""
    protect: NotRequired[bool]
    """Refuse to delete the log. Default: true."""


def check_event_log(name: str, args: EventLogArgs) -> None:
    component = f'EventLog "{name}"'
    if "lock" in args:
        choice(EventLogLock, args["lock"], component, "lock")
    require_log_days(component, args.get("log_days", 90))
    require(
        bool(args["topics"]),
        component,
        "topics",
        args["topics"],
        "at least one event",
        "leave the event log out of a system that publishes nothing",
    )
