"""Arguments of `Queues`, and what SNS and SQS accept of them."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.shared.checks import require

LONGEST_RETENTION_HOURS = 336
VISIBILITY_FACTOR = 6
"""The visibility timeout is six times the longest processing time, as Lambda recommends for its queues.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

LONGEST_VISIBILITY_SECONDS = 43_200


class QueueTopicArgs(TypedDict):
    consumers: list[str]
    """Services, or their projectors, that read the event; each has one queue for all its events."""


class QueuesArgs(TypedDict):
    topics: dict[str, QueueTopicArgs]
    """By event (`order.placed`)."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts topics and queues. Its policy must let SNS use it; otherwise SNS delivers nothing."""
    retention_hours: int
    """Retention of unread events, in hours."""
    processing_seconds: NotRequired[int]
    """Longest processing time of one event, in seconds. Default: 30."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    max_age_seconds: NotRequired[int]
    """Age of a waiting event that raises an alarm, in seconds. Default: 300."""
    protect: NotRequired[bool]
    """Refuse to delete topics and queues. Default: true."""


def slug(event: str) -> str:
    """An event's name in characters that SNS and SQS allow. Events have no hyphens, so slugs are unique."""
    return event.replace(".", "-")


def events_by_consumer(topics: Mapping[str, QueueTopicArgs]) -> dict[str, list[str]]:
    consumers = sorted({consumer for topic in topics.values() for consumer in topic["consumers"]})
    return {
        consumer: sorted(event for event, topic in topics.items() if consumer in topic["consumers"])
        for consumer in consumers
    }


def check_queues(name: str, args: QueuesArgs) -> None:
    where = f'Queues "{name}"'
    require(
        1 <= args["retention_hours"] <= LONGEST_RETENTION_HOURS,
        where,
        "retention_hours",
        args["retention_hours"],
        f"1 to {LONGEST_RETENTION_HOURS}: SQS keeps a message for two weeks at most",
        "lower it, or choose Kafka",
    )
    processing = args.get("processing_seconds", 30)
    require(
        1 <= processing <= LONGEST_VISIBILITY_SECONDS // VISIBILITY_FACTOR,
        where,
        "processing_seconds",
        processing,
        f"1 to {LONGEST_VISIBILITY_SECONDS // VISIBILITY_FACTOR}: messages hide for {VISIBILITY_FACTOR} times as long",
        "split the work into shorter steps",
    )
    for event in args["topics"]:
        require(
            "-" not in event,
            where,
            "topics",
            event,
            "an event's name without hyphens, such as order.placed",
            "write '_' for '-'",
        )
    for consumer in events_by_consumer(args["topics"]):
        require(
            not consumer.endswith(("-dead-letter", "-undelivered")),
            where,
            "topics",
            consumer,
            "a consumer whose name isn't that of another's dead letters",
            "rename the service",
        )
