"""Arguments of `EventLog`, and what Firehose accepts of them."""

from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.events.log_bucket import EventLogLock
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days


class EventLogArgs(TypedDict):
    system: str
    """The system's name: Kafka's consumer groups begin with it."""
    topics: dict[str, pulumi.Input[str]]
    """By event: the Kafka topic's name, or the SNS topic's ARN."""
    kafka_cluster_arn: NotRequired[pulumi.Input[str]]
    """Events are read from this Kafka cluster. Take `Kafka.log_source_arn`, which is there once Firehose may connect.
    Default: ``topics`` are SNS topics."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the log; its policy lets CloudWatch Logs and SNS use it."""
    retention_days: int
    """Days that every event is kept; then it expires."""
    lock: NotRequired[EventLogLock]
    """Who may delete an event before its time. Default: `GOVERNANCE`."""
    lock_days: NotRequired[int]
    """Days that nobody may delete or overwrite an event. Default: all of ``retention_days``."""
    log_days: NotRequired[int]
    """Days that Firehose's own log and S3's access log are kept. Default: 90."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    max_lag_events: NotRequired[int]
    """A stream further behind its Kafka topic raises an alarm. Default: 10,000."""
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
