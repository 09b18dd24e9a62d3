"""Alarms of the event log's delivery streams."""

import pulumi

from groundplan_components.shared.alarms import Alarm, Comparison, Metric

STALE_SECONDS = 1800
"""Longest delay until events are in S3: six buffer intervals, so that one retried delivery raises no alarm."""


def stream_alarms(event: str, stream: pulumi.Input[str], max_lag: int, *, kafka: bool) -> dict[str, Alarm]:
    def metric(name: str, statistic: str) -> dict[str, Metric]:
        dimensions = {"DeliveryStreamName": stream}
        return {"value": Metric(namespace="AWS/Firehose", name=name, statistic=statistic, dimensions=dimensions)}

    # https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
    return {
        "stale": Alarm(
            description=f"{event} events older than {STALE_SECONDS} s are not in the event log yet",
            page="event-log-stale",
            metrics=metric("DeliveryToS3.DataFreshness", "Maximum"),
            threshold=STALE_SECONDS,
            period=300,
            periods=3,
        ),
        "failing": Alarm(
            description=f"Firehose can't write {event} events to the event log",
            page="event-log-failing",
            metrics=metric("DeliveryToS3.Success", "Average"),
            threshold=1,
            comparison=Comparison.BELOW,
            period=300,
            periods=3,
        ),
    } | (
        {
            "behind": Alarm(
                description=f"The event log is more than {max_lag} {event} events behind Kafka",
                page="event-log-behind",
                metrics=metric("KafkaOffsetLag", "Maximum"),
                threshold=max_lag,
                period=300,
                periods=3,
            )
        }
        if kafka
        else {
            "throttled": Alarm(
                description=f"Firehose refuses {event} events: the stream's quota is used up",
                page="event-log-throttled",
                metrics=metric("ThrottledRecords", "Sum"),
                threshold=0,
                period=300,
                periods=1,
            )
        }
    )
