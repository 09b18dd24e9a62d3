"""SNS topics and SQS queues as the Queues component declares them (`groundplan_components.events.queues`), in moto."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundplan_devkit import names
from groundplan_devkit.servers.aws import Aws


class Queues:
    """A topic for each event; for each reader a queue, one for dead letters and one for what never arrived."""

    def __init__(
        self,
        aws: Aws,
        region: str,
        scope: str,
        readers: Mapping[str, Sequence[str]],
        *,
        retention_hours: int,
        visibility_seconds: int = names.VISIBILITY_SECONDS,
    ) -> None:
        """``readers``: by event, who reads it."""
        self._sns, self._sqs = aws.client("sns", region), aws.client("sqs", region)
        self._scope, self._retention_hours, self._visibility = scope, retention_hours, visibility_seconds
        self.topic_arns = {event: self._topic(event) for event in sorted(readers)}
        self.queue_urls: dict[str, str] = {}
        self.dead_letter_urls: dict[str, str] = {}
        self._undelivered: list[str] = []
        for reader in sorted({reader for each in readers.values() for reader in each}):
            self._reader(reader, [event for event in sorted(readers) if reader in readers[event]])

    def remove(self) -> None:
        for arn in self.topic_arns.values():
            self._sns.delete_topic(TopicArn=arn)
        for url in (*self.queue_urls.values(), *self.dead_letter_urls.values(), *self._undelivered):
            self._sqs.delete_queue(QueueUrl=url)

    def _topic(self, event: str) -> str:
        return str(self._sns.create_topic(Name=f"{self._scope}-{names.slug(event)}")["TopicArn"])

    def _reader(self, reader: str, events: Sequence[str]) -> None:
        dead_letters = self._queue(f"{reader}-dead-letter", names.LONGEST_RETENTION_HOURS)
        undelivered = self._queue(f"{reader}-undelivered", names.LONGEST_RETENTION_HOURS)
        queue = self._queue(
            reader,
            self._retention_hours,
            VisibilityTimeout=str(self._visibility),
            RedrivePolicy=json.dumps(
                {"deadLetterTargetArn": self._arn(dead_letters), "maxReceiveCount": names.MAX_RECEIVES}
            ),
        )
        for event in events:
            self._sns.subscribe(
                TopicArn=self.topic_arns[event],
                Protocol="sqs",
                Endpoint=self._arn(queue),
                Attributes={
                    "RawMessageDelivery": "true",
                    "RedrivePolicy": json.dumps({"deadLetterTargetArn": self._arn(undelivered)}),
                },
                ReturnSubscriptionArn=True,
            )
        self.queue_urls[reader], self.dead_letter_urls[reader] = queue, dead_letters
        self._undelivered.append(undelivered)

    def _queue(self, what: str, retention_hours: int, **attributes: str) -> str:
        made: dict[str, Any] = self._sqs.create_queue(
            QueueName=f"{self._scope}-{what}",
            Attributes={
                "MessageRetentionPeriod": str(retention_hours * 3600),
                "ReceiveMessageWaitTimeSeconds": str(names.LONGEST_POLL_SECONDS),
                **attributes,
            },
        )
        return str(made["QueueUrl"])

    def _arn(self, url: str) -> str:
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])
