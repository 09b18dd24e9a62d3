"""Prefixes of the event log in its bucket, and the IAM statements of its readers."""

from collections.abc import Sequence

import pulumi

from groundplan_components.events import _kafka_access as kafka_access
from groundplan_components.events.log_bucket import ERRORS_PREFIX, EVENTS_PREFIX
from groundplan_components.shared.iam import Statement, trust


def prefix(event: str) -> str:
    """Prefix of an event's objects, from which Athena's partitions follow."""
    return f"{EVENTS_PREFIX}event={event}/day=!{{timestamp:yyyy-MM-dd}}/hour=!{{timestamp:HH}}/"


def error_prefix(event: str) -> str:
    """Prefix of records that Firehose could not deliver, by the kind of failure."""
    return f"{ERRORS_PREFIX}event={event}/!{{firehose:error-output-type}}/day=!{{timestamp:yyyy-MM-dd}}/"


def reader_statements(
    bucket_arn: pulumi.Input[str], kms_key_arn: pulumi.Input[str], events: Sequence[str]
) -> list[Statement]:
    """Least permissions to replay the given events from the log."""
    if not events:
        return []
    prefixes = [f"{EVENTS_PREFIX}event={event}/" for event in events]
    return [
        {
            "sid": "EventLogList",
            "actions": ["s3:ListBucket"],
            "resources": [bucket_arn],
            "conditions": {"StringLike": {"s3:prefix": [f"{each}*" for each in prefixes]}},
        },
        {
            "sid": "EventLogRead",
            "actions": ["s3:GetObject", "s3:GetObjectVersion"],
            "resources": [pulumi.Output.concat(bucket_arn, f"/{each}*") for each in prefixes],
        },
        {"sid": "EventLogKey", "actions": ["kms:Decrypt"], "resources": [kms_key_arn]},
    ]


def firehose_trust(account: str) -> str:
    return trust("firehose.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}})


def kafka_reader_statements(cluster_arn: pulumi.Input[str], system: str) -> list[Statement]:
    # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role
    return [
        {
            "sid": "Cluster",
            "actions": [
                "kafka-cluster:Connect",
                "kafka:DescribeCluster",
                "kafka:DescribeClusterV2",
                "kafka:GetBootstrapBrokers",
            ],
            "resources": [cluster_arn],
        },
        {
            # All of the system's topics: the log needs them, and their list would exceed the size of a role's policies.
            "sid": "Topics",
            "actions": [
                "kafka-cluster:DescribeTopic",
                "kafka-cluster:DescribeTopicDynamicConfiguration",
                "kafka-cluster:ReadData",
            ],
            "resources": [kafka_access.topic_arn(cluster_arn, kafka_access.topic_name(system, "*"))],
        },
        {
            # Firehose generates the names of its groups and doesn't document them.
            "sid": "Groups",
            "actions": ["kafka-cluster:DescribeGroup"],
            "resources": [kafka_access.group_arn(cluster_arn, "*")],
        },
    ]
