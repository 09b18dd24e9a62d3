"""Names, ARNs and IAM statements of a Kafka cluster's topics and groups (S4, A3).

Actions and resources: https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
"""

from collections.abc import Sequence

import pulumi

from groundplan_components.shared.iam import Statement


def topic_name(system: str, event: str) -> str:
    """The topic of an event: `shop.order.placed`."""
    return f"{system}.{event}"


def group_name(system: str, consumer: str) -> str:
    """The consumer group of a consumer, which is a service or one of its projectors: `shop.payment`."""
    return f"{system}.{consumer}"


def dead_letter_topic_name(system: str, consumer: str) -> str:
    """The topic of a consumer's dead letters: `shop.payment.dead-letter`."""
    return f"{system}.{consumer}.dead-letter"


def redrive_group_name(system: str, consumer: str) -> str:
    """The consumer group that retries a consumer's dead letters: `shop.payment.redrive`."""
    return f"{system}.{consumer}.redrive"


def topic_arn(cluster_arn: pulumi.Input[str], topic: str) -> pulumi.Output[str]:
    """`arn:…:topic/<cluster>/<uuid>/<topic>` of the cluster `arn:…:cluster/<cluster>/<uuid>`."""
    return _within(cluster_arn, "topic", topic)


def group_arn(cluster_arn: pulumi.Input[str], group: str) -> pulumi.Output[str]:
    """`arn:…:group/<cluster>/<uuid>/<group>` of the cluster `arn:…:cluster/<cluster>/<uuid>`."""
    return _within(cluster_arn, "group", group)


def _within(cluster_arn: pulumi.Input[str], kind: str, name: str) -> pulumi.Output[str]:
    def arn_of(cluster: str) -> str:
        return f"{cluster.replace(':cluster/', f':{kind}/', 1)}/{name}"

    return pulumi.Output.from_input(cluster_arn).apply(arn_of)


def producer_statements(
    cluster_arn: pulumi.Input[str], topics: Sequence[str], purpose: str = "Produce"
) -> list[Statement]:
    """Allow writing to the given topics, with the idempotence that producers use by default since Kafka 3.0.

    ``purpose`` makes statement ids unique when one policy holds several such lists.
    """
    if not topics:
        return []
    return [
        {
            "sid": f"Kafka{purpose}Connect",
            "actions": ["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"],
            "resources": [cluster_arn],
        },
        {
            "sid": f"Kafka{purpose}",
            "actions": ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"],
            "resources": [topic_arn(cluster_arn, topic) for topic in topics],
        },
    ]


def consumer_statements(
    cluster_arn: pulumi.Input[str], topics: Sequence[str], group: str, purpose: str = "Consume"
) -> list[Statement]:
    """Allow reading the given topics as one consumer group; ``purpose`` makes statement ids unique."""
    if not topics:
        return []
    return [
        {"sid": f"Kafka{purpose}Connect", "actions": ["kafka-cluster:Connect"], "resources": [cluster_arn]},
        {
            "sid": f"Kafka{purpose}",
            "actions": ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"],
            "resources": [topic_arn(cluster_arn, topic) for topic in topics],
        },
        {
            "sid": f"Kafka{purpose}Group",
            "actions": ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"],
            "resources": [group_arn(cluster_arn, group)],
        },
    ]
