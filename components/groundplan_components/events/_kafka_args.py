"""Arguments of `Kafka`, and what MSK accepts of them."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from groundplan_components.events import _kafka_access as kafka_access
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days

VERSION = "3.9.x.kraft"
"""Both kinds of broker offer this version without ZooKeeper.
https://docs.aws.amazon.com/msk/latest/developerguide/supported-kafka-versions.html
"""
EXPRESS_REPLICATION = 3
EXPRESS_MIN_IN_SYNC = 2
"""Fixed on Express: https://docs.aws.amazon.com/msk/latest/developerguide/msk-configuration-express-read-only.html"""
TOPIC_NAME_LIMIT = 249
SMALLEST_PROVISIONED_THROUGHPUT = 250
THROUGHPUT_TYPES = re.compile(r"kafka\.(m5\.(4|8|12|16|24)xlarge|m7g\.(2|4|8|12|16)xlarge)")
"""https://docs.aws.amazon.com/msk/latest/developerguide/msk-provision-throughput-management.html"""


class KafkaKind(Enum):
    STANDARD = "standard"
    EXPRESS = "express"


class KafkaMonitoring(Enum):
    """Metrics that MSK publishes. Each level includes those before it; alarms need the first."""

    PER_BROKER = "PER_BROKER"
    PER_TOPIC_PER_BROKER = "PER_TOPIC_PER_BROKER"
    PER_TOPIC_PER_PARTITION = "PER_TOPIC_PER_PARTITION"


class KafkaTopicArgs(TypedDict):
    partitions: int
    """Number of partitions. It can be raised later, never lowered; raising moves keys between partitions. Don't change
    ``retention_hours`` in the same deployment:
    https://docs.aws.amazon.com/msk/latest/developerguide/msk-update-topic.html"""
    consumers: list[str]
    """Services, or their projectors, that read the event; each is a consumer group."""


class KafkaArgs(TypedDict):
    system: str
    """Prefix of topics and groups: `shop.order.placed`."""
    kind: NotRequired[KafkaKind]
    """Kind of broker; a change needs a new cluster. Default: `EXPRESS`."""
    kafka_version: NotRequired[str]
    """MSK's name of the version, for example `3.9.x.kraft`. Default: `3.9.x.kraft`."""
    instance_type: str
    """`kafka.…` for Standard, `express.…` for Express."""
    brokers: int
    """A multiple of the number of subnets."""
    replication: NotRequired[int]
    """Standard only: copies of each partition. Default: 3."""
    min_in_sync: NotRequired[int]
    """Standard only: copies that must confirm a write. Default: one less than ``replication``."""
    storage_gib: NotRequired[int]
    """Initial GiB of each broker; required for Standard, not allowed for Express. Default: none, Express allocates
    storage by itself."""
    max_storage_gib: NotRequired[int]
    """Standard only: GiB up to which each broker's volume grows by itself. Default: it doesn't grow."""
    throughput_mibps: NotRequired[int]
    """Standard only, for sizes that support it: provisioned throughput of each volume, in MiB/s. Default: the baseline
    of the size."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, one in each zone; three for Express."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Security groups that may connect, by a label (`pods`) that the rule's logical name carries."""
    private_link_cidr: NotRequired[pulumi.Input[str]]
    """The network's address range, if Firehose reads events: enables MSK's private link. Default: no private link."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts topics and logs; its policy lets CloudWatch Logs use it."""
    topics: dict[str, KafkaTopicArgs]
    """By event (`order.placed`)."""
    retention_hours: int
    """Retention of events in topics, in hours."""
    log_days: NotRequired[int]
    """Retention of the brokers' log, in days. Default: 90."""
    monitoring: NotRequired[KafkaMonitoring]
    """Metrics that MSK publishes to CloudWatch. Default: `PER_TOPIC_PER_BROKER`."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    max_lag_seconds: NotRequired[int]
    """Lag of a consumer that raises an alarm, in seconds. Default: 300."""
    max_lag_events: NotRequired[int]
    """Lag of a consumer that raises an alarm, in events. Default: 10,000."""
    protect: NotRequired[bool]
    """Refuse to delete the cluster and its topics. Default: true."""


def durability(kind: KafkaKind, args: KafkaArgs) -> tuple[int, int]:
    if kind is KafkaKind.EXPRESS:
        return EXPRESS_REPLICATION, EXPRESS_MIN_IN_SYNC
    replication = args.get("replication", 3)
    return replication, args.get("min_in_sync", max(1, replication - 1))


def broker_kind(name: str, args: KafkaArgs) -> KafkaKind:
    return choice(KafkaKind, args.get("kind", KafkaKind.EXPRESS), f'Kafka "{name}"', "kind")


def monitoring_level(name: str, args: KafkaArgs) -> KafkaMonitoring:
    level = args.get("monitoring", KafkaMonitoring.PER_TOPIC_PER_BROKER)
    return choice(KafkaMonitoring, level, f'Kafka "{name}"', "monitoring")


def check_kafka(name: str, args: KafkaArgs, kind: KafkaKind) -> None:
    where = f'Kafka "{name}"'
    require_log_days(where, args.get("log_days", 90))
    monitoring_level(name, args)
    subnets, brokers = len(args["subnet_ids"]), args["brokers"]
    require(
        subnets >= 2 and brokers > 0 and brokers % subnets == 0,
        where,
        "brokers",
        brokers,
        f"a multiple of the {subnets} subnets, of which there are at least two",
        "round it up to the next multiple",
    )
    require(
        re.fullmatch(r"\d+\.\d+\.x\.kraft", args.get("kafka_version", VERSION)) is not None,
        where,
        "kafka_version",
        args.get("kafka_version"),
        f"a version without ZooKeeper, for example {VERSION}",
        "add .kraft to a version that MSK supports",
    )
    require(args["retention_hours"] > 0, where, "retention_hours", args["retention_hours"], "at least 1", "raise it")
    if kind is KafkaKind.EXPRESS:
        _check_express(where, args)
    else:
        _check_standard(where, args)
    _check_topics(where, args)


def _check_express(where: str, args: KafkaArgs) -> None:
    require(
        args["instance_type"].startswith("express."),
        where,
        "instance_type",
        args["instance_type"],
        "an Express size, for example express.m7g.large",
        "choose one, or set kind to STANDARD",
    )
    require(
        len(args["subnet_ids"]) == EXPRESS_REPLICATION,
        where,
        "subnet_ids",
        f"{len(args['subnet_ids'])} subnets",
        "three subnets in three zones, over which Express spreads its three replicas",
        "give three, or set kind to STANDARD",
    )
    for argument in ("replication", "min_in_sync", "storage_gib", "max_storage_gib", "throughput_mibps"):
        require(
            argument not in args,
            where,
            argument,
            args.get(argument),
            "nothing: Express keeps three replicas, two of them in sync, and its storage grows by itself",
            f"leave {argument} out",
        )


def _check_standard(where: str, args: KafkaArgs) -> None:
    require(
        args["instance_type"].startswith("kafka."),
        where,
        "instance_type",
        args["instance_type"],
        "a Standard size, for example kafka.m7g.large",
        "choose one, or set kind to EXPRESS",
    )
    # https://docs.aws.amazon.com/msk/latest/developerguide/aws-access-mult-vpc.html#mvpc-requirements
    require(
        not ("private_link_cidr" in args and args["instance_type"] == "kafka.t3.small"),
        where,
        "instance_type",
        args["instance_type"],
        "any size but kafka.t3.small, which has no private link, through which the event log reads",
        "take kafka.m7g.large, or leave private_link_cidr out and do without the event log",
    )
    replication, min_in_sync = durability(KafkaKind.STANDARD, args)
    require(
        1 <= replication <= args["brokers"],
        where,
        "replication",
        replication,
        f"1 to {args['brokers']}, the number of brokers",
        "lower it or add brokers",
    )
    require(
        1 <= min_in_sync <= replication and (replication == 1 or min_in_sync < replication),
        where,
        "min_in_sync",
        min_in_sync,
        "less than replication: otherwise one broker that restarts stops all writes",
        f"set it to {max(1, replication - 1)}",
    )
    storage = args.get("storage_gib")
    require(
        storage is not None and 1 <= storage <= 16_384,
        where,
        "storage_gib",
        storage,
        "1 to 16384 GiB for each broker",
        "give what topics keep, times replication, over the number of brokers",
    )
    largest = args.get("max_storage_gib", storage)
    require(
        largest is not None and storage is not None and storage <= largest <= 16_384,
        where,
        "max_storage_gib",
        largest,
        "storage_gib or more, and 16384 GiB at most",
        "raise it, or leave it out to keep the size fixed",
    )
    throughput = args.get("throughput_mibps")
    if throughput is not None:
        require(
            throughput >= SMALLEST_PROVISIONED_THROUGHPUT
            and THROUGHPUT_TYPES.fullmatch(args["instance_type"]) is not None,
            where,
            "throughput_mibps",
            throughput,
            f"{SMALLEST_PROVISIONED_THROUGHPUT} or more, on kafka.m7g.2xlarge, kafka.m5.4xlarge or larger",
            "leave it out, or take a larger size",
        )


def _check_topics(where: str, args: KafkaArgs) -> None:
    names: dict[str, str] = {}
    declared = [kafka_access.topic_name(args["system"], event) for event in args["topics"]]
    declared += [kafka_access.dead_letter_topic_name(args["system"], each) for each in consumers_of(args["topics"])]
    for topic in declared:
        require(
            re.fullmatch(r"[a-zA-Z0-9._-]+", topic) is not None and len(topic) <= TOPIC_NAME_LIMIT,
            where,
            "topics",
            topic,
            f"letters, digits, '.', '_' and '-', {TOPIC_NAME_LIMIT} at most",
            "rename the event",
        )
        # Kafka's metric names replace '.' by '_'; it refuses a topic whose name then collides with another's.
        metric = topic.replace(".", "_")
        require(
            metric not in names,
            where,
            "topics",
            topic,
            f"a name that differs from {names.get(metric)} by more than '.' against '_'",
            "rename one of the two events",
        )
        names[metric] = topic
    for event, arguments in args["topics"].items():
        require(
            "-" not in event,
            where,
            "topics",
            event,
            "an event's name without hyphens, such as order.placed; consumers may have them",
            "write '_' for '-'",
        )
        require(
            arguments["partitions"] >= 1,
            where,
            f"topics.{event}.partitions",
            arguments["partitions"],
            "at least 1",
            "raise it",
        )


def consumers_of(topics: Mapping[str, KafkaTopicArgs]) -> list[str]:
    return sorted({consumer for topic in topics.values() for consumer in topic["consumers"]})
