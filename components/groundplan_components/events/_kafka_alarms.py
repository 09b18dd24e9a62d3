"""Alarms of a Kafka cluster.

Metrics and the levels they come with: https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html for
Standard brokers and …/metrics-details-express.html for Express, which publish neither partitions' nor disks' state.
Thresholds, where no other source is given: https://docs.aws.amazon.com/msk/latest/developerguide/bestpractices.html
"""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared.alarms import Alarm, Comparison, Metric, Missing

NAMESPACE = "AWS/Kafka"
CPU_PERCENT = 60.0
"""User and system CPU of a broker; above it too little remains to lose a broker and catch up again."""
DISK_PERCENT = 85.0
STORAGE_DEVIATIONS = 3.0


def _metric(cluster: pulumi.Input[str], name: str, statistic: str, **dimensions: pulumi.Input[str]) -> Metric:
    return Metric(
        namespace=NAMESPACE,
        name=name,
        statistic=statistic,
        dimensions={"Cluster Name": cluster, **{key.replace("_", " "): value for key, value in dimensions.items()}},
    )


def cluster_alarms(cluster: pulumi.Input[str], brokers: int, *, express: bool) -> Mapping[str, Alarm]:
    """Alarms by name, for the cluster and for each of its brokers."""
    alarms = {
        "controller": Alarm(
            description="No Kafka controller is active: topics and leaders can't change",
            page="kafka-controller",
            metrics={"active": _metric(cluster, "ActiveControllerCount", "Maximum")},
            threshold=1,
            comparison=Comparison.BELOW,
            missing=Missing.BAD,
        ),
        **(_express_storage(cluster) if express else _offline_partitions(cluster)),
    }
    for number in range(1, brokers + 1):
        alarms[f"cpu-{number}"] = _cpu(cluster, number)
        alarms |= _express_broker(cluster, number) if express else _standard_broker(cluster, number)
    return alarms


def _cpu(cluster: pulumi.Input[str], number: int) -> Alarm:
    return Alarm(
        description=f"Kafka broker {number} is busier than {CPU_PERCENT:g} %",
        page="kafka-cpu",
        metrics={
            "user": _metric(cluster, "CpuUser", "Average", Broker_ID=str(number)),
            "system": _metric(cluster, "CpuSystem", "Average", Broker_ID=str(number)),
        },
        expression="user + system",
        threshold=CPU_PERCENT,
        period=300,
        periods=3,
    )


def _offline_partitions(cluster: pulumi.Input[str]) -> dict[str, Alarm]:
    return {
        "offline-partitions": Alarm(
            description="Kafka partitions have no leader: they can be neither written nor read",
            page="kafka-offline-partitions",
            metrics={"offline": _metric(cluster, "OfflinePartitionsCount", "Maximum")},
            threshold=0,
            periods=2,
        )
    }


def _standard_broker(cluster: pulumi.Input[str], number: int) -> dict[str, Alarm]:
    return {
        f"under-min-isr-{number}": Alarm(
            description=f"Partitions on Kafka broker {number} have too few replicas in sync: writes are refused",
            page="kafka-under-min-isr",
            metrics={"count": _metric(cluster, "UnderMinIsrPartitionCount", "Maximum", Broker_ID=str(number))},
            threshold=0,
            periods=3,
        ),
        f"disk-{number}": Alarm(
            description=f"The disk of Kafka broker {number} is more than {DISK_PERCENT:g} % full",
            page="kafka-disk",
            metrics={"used": _metric(cluster, "KafkaDataLogsDiskUsed", "Maximum", Broker_ID=str(number))},
            threshold=DISK_PERCENT,
            period=300,
            periods=2,
        ),
    }


def _express_storage(cluster: pulumi.Input[str]) -> dict[str, Alarm]:
    # Express storage grows by itself and is charged by the byte: the alarm watches its cost.
    return {
        "storage": Alarm(
            description="Kafka's storage grows in a way it hasn't before",
            page="kafka-storage",
            metrics={"used": _metric(cluster, "StorageUsed", "Maximum")},
            band=STORAGE_DEVIATIONS,
            comparison=Comparison.ABOVE_BAND,
            period=3600,
            periods=3,
        )
    }


def _express_broker(cluster: pulumi.Input[str], number: int) -> dict[str, Alarm]:
    return {
        f"{what}-throttled-{number}": Alarm(
            description=f"Express broker {number} slows {who} down: its quota is used up",
            page="kafka-throttled",
            metrics={"delay": _metric(cluster, metric, "Average", Broker_ID=str(number))},
            threshold=0,
            periods=5,
        )
        for what, who, metric in (
            ("produce", "producers", "ProduceThrottleTime"),
            ("fetch", "consumers", "FetchThrottleTime"),
        )
    }


def lag_alarms(
    cluster: pulumi.Input[str], group: str, topic: str, *, max_seconds: int, max_events: int
) -> Mapping[str, Alarm]:
    """Two alarms, because MSK estimates the time from reads: for a group that has stopped it publishes the count only.

    https://docs.aws.amazon.com/msk/latest/developerguide/consumer-lag.html
    """
    dimensions = {"Consumer_Group": group, "Topic": topic}
    return {
        "seconds": Alarm(
            description=f"{group} needs more than {max_seconds} s to catch up with {topic}",
            page="consumer-lag",
            metrics={"lag": _metric(cluster, "EstimatedMaxTimeLag", "Maximum", **dimensions)},
            threshold=max_seconds,
            periods=5,
        ),
        "events": Alarm(
            description=f"{group} is more than {max_events} events behind {topic}",
            page="consumer-lag",
            metrics={"lag": _metric(cluster, "SumOffsetLag", "Maximum", **dimensions)},
            threshold=max_events,
            periods=5,
        ),
    }
