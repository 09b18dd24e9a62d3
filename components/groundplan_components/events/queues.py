"""An SNS topic for each event and, for each consumer, an SQS queue with a dead-letter queue (A3).

Delivery is at least once and unordered: consumers keep an inbox, and order by the aggregate's version.
"""

import json
from collections.abc import Sequence

import pulumi
from pulumi_aws import sns, sqs

from groundplan_components.events._queues_args import (
    LONGEST_RETENTION_HOURS,
    VISIBILITY_FACTOR,
    QueuesArgs,
    check_queues,
    events_by_consumer,
    slug,
)
from groundplan_components.shared.alarms import Alarm, Metric, declare
from groundplan_components.shared.iam import Statement
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import allow_service, document, tls_only

LONGEST_POLL_SECONDS = 20
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""
MAX_RECEIVES = 5
QUEUE_NAME_LIMIT = 80
KMS_REUSE_SECONDS = 3600
"""Reuse of a data key for an hour; at SQS's default of five minutes a busy queue pays for twelve keys."""


def dead_letter_queue(consumer: str) -> str:
    """Name of a consumer's dead-letter queue."""
    return f"{consumer}-dead-letter"


class Queues(pulumi.ComponentResource):
    """SNS topics and SQS queues, encrypted by a customer key and reached over TLS only."""

    topic_arns: dict[str, pulumi.Output[str]]
    """By event."""
    queue_urls: dict[str, pulumi.Output[str]]
    """By consumer."""
    queue_names: dict[str, pulumi.Output[str]]
    """By consumer."""
    dead_letter_urls: dict[str, pulumi.Output[str]]
    """By consumer: the queue of messages that it received too often."""

    def __init__(self, name: str, args: QueuesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_queues(name, args)
        super().__init__("groundplan:index:Queues", name, {}, opts)
        self._name = name
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        self._consumed = events_by_consumer(args["topics"])
        self._queues: dict[str, sqs.Queue] = {}

        self._topics = {event: self._topic(event) for event in sorted(args["topics"])}
        for consumer, events in self._consumed.items():
            self._consumer(consumer, events)

        self.topic_arns = {event: topic.arn for event, topic in self._topics.items()}
        self.queue_urls = {consumer: self._queues[consumer].url for consumer in self._consumed}
        self.queue_names = {consumer: self._queues[consumer].name for consumer in self._consumed}
        self.dead_letter_urls = {consumer: self._queues[dead_letter_queue(consumer)].url for consumer in self._consumed}
        self.register_outputs(
            {
                "topic_arns": self.topic_arns,
                "queue_urls": self.queue_urls,
                "queue_names": self.queue_names,
                "dead_letter_urls": self.dead_letter_urls,
            }
        )

    def publisher_statements(self, events: Sequence[str]) -> list[Statement]:
        """Least permissions of a service's role to publish the given events."""
        if not events:
            return []
        return [
            {
                "sid": "EventsPublish",
                "actions": ["sns:Publish"],
                "resources": [self.topic_arns[each] for each in events],
            },
            {
                "sid": "EventsPublishKey",
                "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
                "resources": [self._args["kms_key_arn"]],
            },
        ]

    def consumer_statements(self, consumer: str) -> list[Statement]:
        """Permissions of a consumer's role to read its queue, to write dead letters with their reason, and to retry
        them. SQS itself moves messages that were received too often."""
        if consumer not in self._queues:
            return []
        reading = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ]
        dead_letters = self._queues[dead_letter_queue(consumer)].arn
        return [
            {"sid": "EventsConsume", "actions": reading, "resources": [self._queues[consumer].arn]},
            {"sid": "EventsDeadLetter", "actions": [*reading, "sqs:SendMessage"], "resources": [dead_letters]},
            # Senders to an encrypted queue need a data key.
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
            {
                "sid": "EventsConsumeKey",
                "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
                "resources": [self._args["kms_key_arn"]],
            },
        ]

    def _topic(self, event: str) -> sns.Topic:
        topic = sns.Topic(
            f"{self._name}-{slug(event)}",
            kms_master_key_id=self._args["kms_key_arn"],
            tags={"Name": f"{self._name}-{slug(event)}", "Event": event},
            opts=self._protected(),
        )
        # Roles alone grant publishing. A topic without its own policy would admit the whole account.
        sns.TopicPolicy(
            f"{self._name}-{slug(event)}",
            arn=topic.arn,
            policy=document(tls_only(["sns:Publish"], [topic.arn])),
            opts=self._inside,
        )
        self._declare(
            f"{slug(event)}-failed",
            Alarm(
                description=f"SNS could not deliver {event} to a queue or to the event log",
                page="topic-deliveries",
                metrics={"failed": _sns("NumberOfNotificationsFailed", topic)},
                threshold=0,
                period=300,
                periods=1,
            ),
        )
        return topic

    def _consumer(self, consumer: str, events: Sequence[str]) -> None:
        dead_letters = self._queue(dead_letter_queue(consumer), LONGEST_RETENTION_HOURS)
        undelivered = self._queue(f"{consumer}-undelivered", LONGEST_RETENTION_HOURS)
        queue = self._queue(
            consumer,
            self._args["retention_hours"],
            dead_letters=dead_letters,
            visibility_seconds=VISIBILITY_FACTOR * self._args.get("processing_seconds", 30),
        )
        sqs.RedriveAllowPolicy(
            f"{self._name}-{consumer}-dead-letter",
            queue_url=dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
            ),
            opts=self._inside,
        )
        # Only SNS writes undelivered messages here; no queue may redrive to it.
        sqs.RedriveAllowPolicy(
            f"{self._name}-{consumer}-undelivered",
            queue_url=undelivered.url,
            redrive_allow_policy=json.dumps({"redrivePermission": "denyAll"}),
            opts=self._inside,
        )
        self._admit_topics(f"{consumer}-undelivered", undelivered, events)
        admitted = self._admit_topics(consumer, queue, events)
        self._refuse_plain_text(f"{consumer}-dead-letter", dead_letters)
        for event in events:
            sns.TopicSubscription(
                f"{self._name}-{consumer}-{slug(event)}",
                topic=self._topics[event].arn,
                protocol="sqs",
                endpoint=queue.arn,
                raw_message_delivery=True,
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": undelivered.arn}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[admitted]),
            )
        self._consumer_alarms(consumer, queue, dead_letters, undelivered)

    def _queue(
        self,
        what: str,
        retention_hours: int,
        *,
        dead_letters: sqs.Queue | None = None,
        visibility_seconds: int = 30,
    ) -> sqs.Queue:
        queue = sqs.Queue(
            autonamed(f"{self._name}-{what}", QUEUE_NAME_LIMIT),
            kms_master_key_id=self._args["kms_key_arn"],
            kms_data_key_reuse_period_seconds=KMS_REUSE_SECONDS,
            message_retention_seconds=retention_hours * 3600,
            receive_wait_time_seconds=LONGEST_POLL_SECONDS,
            visibility_timeout_seconds=visibility_seconds,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": MAX_RECEIVES}
            )
            if dead_letters is not None
            else None,
            tags={"Name": f"{self._name}-{what}"},
            opts=self._protected(),
        )
        self._queues[what] = queue
        return queue

    def _admit_topics(self, what: str, queue: sqs.Queue, events: Sequence[str]) -> sqs.QueuePolicy:
        topics = [self._topics[event].arn for event in events]
        return sqs.QueuePolicy(
            f"{self._name}-{what}",
            queue_url=queue.url,
            policy=document(
                allow_service(
                    "Topics",
                    ["sns.amazonaws.com"],
                    ["sqs:SendMessage"],
                    [queue.arn],
                    {"ArnEquals": {"aws:SourceArn": topics}},
                ),
                tls_only(["sqs:*"], [queue.arn]),
            ),
            opts=self._inside,
        )

    def _refuse_plain_text(self, what: str, queue: sqs.Queue) -> None:
        sqs.QueuePolicy(
            f"{self._name}-{what}",
            queue_url=queue.url,
            policy=document(tls_only(["sqs:*"], [queue.arn])),
            opts=self._inside,
        )

    def _consumer_alarms(
        self, consumer: str, queue: sqs.Queue, dead_letters: sqs.Queue, undelivered: sqs.Queue
    ) -> None:
        longest = self._args.get("max_age_seconds", 300)
        self._declare(
            f"{consumer}-age",
            Alarm(
                description=f"An event has been waiting for {consumer} for more than {longest} s",
                page="queue-age",
                metrics={"age": _sqs("ApproximateAgeOfOldestMessage", "Maximum", queue)},
                threshold=longest,
                periods=5,
            ),
        )
        for what, page, store, description in (
            (
                "dead-letter",
                "dead-letters",
                dead_letters,
                f"{consumer} gave up on events: look at them, then send them again",
            ),
            (
                "undelivered",
                "queue-undelivered",
                undelivered,
                f"Events never reached {consumer}'s queue: send them again",
            ),
        ):
            self._declare(
                f"{consumer}-{what}",
                Alarm(
                    description=description,
                    page=page,
                    metrics={"waiting": _sqs("ApproximateNumberOfMessagesVisible", "Maximum", store)},
                    threshold=0,
                    periods=1,
                ),
            )

    def _declare(self, what: str, alarm: Alarm) -> None:
        if "alarm_topic_arn" in self._args:
            declare(f"{self._name}-{what}", alarm, [self._args["alarm_topic_arn"]], self._inside)

    def _protected(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=self._args.get("protect", True))


def _sns(metric: str, topic: sns.Topic) -> Metric:
    return Metric(namespace="AWS/SNS", name=metric, statistic="Sum", dimensions={"TopicName": topic.name})


def _sqs(metric: str, statistic: str, queue: sqs.Queue) -> Metric:
    return Metric(namespace="AWS/SQS", name=metric, statistic=statistic, dimensions={"QueueName": queue.name})
