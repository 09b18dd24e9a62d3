"""An MSK cluster with a topic for each event and one for what each consumer gives up on (A3)."""

import json
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ec2, msk, vpc

from groundplan_components.events import kafka_access
from groundplan_components.events._kafka_alarms import cluster_alarms, lag_alarms
from groundplan_components.shared.alarms import declare
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.client_access import client_security_group
from groundplan_components.shared.iam import Statement
from groundplan_components.shared.log_days import require_log_days
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import document

VERSION = "3.9.x.kraft"
"""Both broker types offer it without ZooKeeper.
https://docs.aws.amazon.com/msk/latest/developerguide/supported-kafka-versions.html
"""
EXPRESS_REPLICATION = 3
EXPRESS_MIN_IN_SYNC = 2
"""Fixed on Express: https://docs.aws.amazon.com/msk/latest/developerguide/msk-configuration-express-read-only.html"""
SASL_IAM_PORT = 9098
PRIVATE_LINK_PORTS = (14001, 14100)
"""https://docs.aws.amazon.com/msk/latest/developerguide/port-info.html"""
NAME_LIMIT = 64
TOPIC_NAME_LIMIT = 249
STORAGE_TARGET_PERCENT = 60
"""AWS suggests 50 to 60: https://docs.aws.amazon.com/msk/latest/developerguide/msk-autoexpand.html"""
SMALLEST_PROVISIONED_THROUGHPUT = 250
THROUGHPUT_TYPES = re.compile(r"kafka\.(m5\.(4|8|12|16|24)xlarge|m7g\.(2|4|8|12|16)xlarge)")
"""https://docs.aws.amazon.com/msk/latest/developerguide/msk-provision-throughput-management.html"""
DEAD_LETTER_HOURS = 336
"""Two weeks, as long as a queue could keep them: over a weekend and a holiday."""
HOUR_MS = 3_600_000


class KafkaKind(Enum):
    STANDARD = "standard"
    EXPRESS = "express"


class KafkaMonitoring(Enum):
    """What MSK publishes. Each level holds those before it; alarms need the first."""

    PER_BROKER = "PER_BROKER"
    PER_TOPIC_PER_BROKER = "PER_TOPIC_PER_BROKER"
    PER_TOPIC_PER_PARTITION = "PER_TOPIC_PER_PARTITION"


class KafkaTopicArgs(TypedDict):
    partitions: int
    """Can be raised later, never lowered; keys then move between partitions. Not in one deployment with a change of
    ``retention_hours``: https://docs.aws.amazon.com/msk/latest/developerguide/msk-update-topic.html"""
    consumers: list[str]
    """Services, or projectors of services, that read the event; each is a consumer group."""


class KafkaArgs(TypedDict):
    system: str
    """Topics and groups begin with it: `shop.order.placed`."""
    kind: NotRequired[KafkaKind]
    """Kind of broker; there is no way from one to the other but a new cluster. Default: `EXPRESS`."""
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
    """Standard only, and needed there: GiB of each broker at the start. Default: none, Express buys storage by
    itself."""
    max_storage_gib: NotRequired[int]
    """Standard only: GiB up to which each broker's volume grows by itself. Default: it doesn't grow."""
    throughput_mibps: NotRequired[int]
    """Standard only, of the sizes that can: provisioned throughput of each volume, in MiB/s. Default: the baseline of
    the size."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: list[pulumi.Input[str]]
    """Data subnets, one in each zone; three for Express."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Who may connect: a word for each security group (`pods`), which its rule's logical name carries."""
    private_link_cidr: NotRequired[pulumi.Input[str]]
    """The network's own address range, when Firehose is to read events: MSK's private link is then on. Default: no
    private link."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts topics and logs; its policy lets CloudWatch Logs use it."""
    topics: dict[str, KafkaTopicArgs]
    """By event (`order.placed`)."""
    retention_hours: int
    """Hours that topics keep an event."""
    log_days: NotRequired[int]
    """Days that the brokers' log is kept. Default: 90."""
    monitoring: NotRequired[KafkaMonitoring]
    """What MSK publishes to CloudWatch. Default: `PER_TOPIC_PER_BROKER`."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic of alarms. Default: no alarms."""
    max_lag_seconds: NotRequired[int]
    """A consumer further behind raises an alarm, in seconds. Default: 300."""
    max_lag_events: NotRequired[int]
    """A consumer further behind raises an alarm, in events. Default: 10,000."""
    protect: NotRequired[bool]
    """Refuse to delete the cluster and its topics. Default: true."""


def server_properties(kind: KafkaKind, replication: int, min_in_sync: int, retention_hours: int) -> str:
    """The cluster's configuration file: only what may be set on the given kind.

    Express fixes replication and leader election itself and refuses a file that names them:
    https://docs.aws.amazon.com/msk/latest/developerguide/msk-configuration-express-read-write.html
    """
    properties = {"auto.create.topics.enable": "false", "log.retention.ms": str(retention_hours * HOUR_MS)}
    if kind is KafkaKind.STANDARD:
        properties |= {
            "default.replication.factor": str(replication),
            "min.insync.replicas": str(min_in_sync),
            "unclean.leader.election.enable": "false",
        }
    return "".join(f"{key}={value}\n" for key, value in sorted(properties.items()))


def topic_configs(kind: KafkaKind, min_in_sync: int, retention_hours: int) -> str:
    """A topic's own settings, as the JSON text that the provider takes.

    The broker's time of arrival is the record's time, since from it Firehose computes how fresh the event log is
    (https://docs.aws.amazon.com/firehose/latest/dev/msk-troubleshooting.html); events carry their own.
    """
    configs = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(retention_hours * HOUR_MS),
    }
    if kind is KafkaKind.STANDARD:
        configs["min.insync.replicas"] = str(min_in_sync)
    return json.dumps(configs, sort_keys=True)


def consumers_of(topics: Mapping[str, KafkaTopicArgs]) -> list[str]:
    return sorted({consumer for topic in topics.values() for consumer in topic["consumers"]})


class Kafka(pulumi.ComponentResource):
    """An MSK cluster: IAM and TLS only, encrypted by a customer key, reachable from the given groups only."""

    bootstrap_brokers: pulumi.Output[str]
    """Where clients that sign with IAM connect, `host:port` separated by commas."""
    arn: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    log_source_arn: pulumi.Output[str]
    """The cluster's ARN, known once Firehose may connect to it (with ``private_link_cidr``)."""
    security_group_id: pulumi.Output[str]
    topic_names: dict[str, pulumi.Output[str]]
    """By event."""

    def __init__(self, name: str, args: KafkaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        kind = _kind(name, args)
        _check(name, args, kind)
        super().__init__("groundplan:index:Kafka", name, {}, opts)
        self._system = args["system"]
        self._topics = args["topics"]
        self._inside = pulumi.ResourceOptions(parent=self)
        replication, min_in_sync = _durability(kind, args)
        protect = args.get("protect", True)

        group = client_security_group(
            name,
            parent=self,
            description=f"Brokers of {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="Kafka over TLS with IAM",
            port=SASL_IAM_PORT,
        )
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            tags={"Name": f"{name}-logs"},
            opts=self._inside,
        )
        configuration = msk.Configuration(
            f"{name}-configuration",
            description=f"Brokers of {name}",
            server_properties=server_properties(kind, replication, min_in_sync, args["retention_hours"]),
            opts=self._inside,
        )
        cluster = self._cluster(name, args, kind, group, logs, configuration, protect)
        if kind is KafkaKind.STANDARD and "max_storage_gib" in args:
            self._autoscale_storage(name, cluster, args["max_storage_gib"])
        self.log_source_arn = cluster.arn
        if "private_link_cidr" in args:
            self.log_source_arn = self._admit_firehose(name, cluster, group, args["private_link_cidr"])

        self.topic_names = {}
        for event, topic in sorted(args["topics"].items()):
            declared = msk.Topic(
                f"{name}-topic-{event}",
                name=kafka_access.topic_name(args["system"], event),
                cluster_arn=cluster.arn,
                partition_count=topic["partitions"],
                replication_factor=replication,
                configs=topic_configs(kind, min_in_sync, args["retention_hours"]),
                opts=pulumi.ResourceOptions(parent=self, protect=protect, deleted_with=cluster),
            )
            self.topic_names[event] = declared.name
        for consumer in consumers_of(args["topics"]):
            msk.Topic(
                f"{name}-dead-letter-{consumer}",
                name=kafka_access.dead_letter_topic_name(args["system"], consumer),
                cluster_arn=cluster.arn,
                partition_count=1,
                replication_factor=replication,
                configs=topic_configs(kind, min_in_sync, max(DEAD_LETTER_HOURS, args["retention_hours"])),
                opts=pulumi.ResourceOptions(parent=self, protect=protect, deleted_with=cluster),
            )
        self._alarms(name, args, kind, cluster)

        self.bootstrap_brokers = cluster.bootstrap_brokers_sasl_iam
        self.arn = cluster.arn
        self.cluster_name = cluster.cluster_name
        self.security_group_id = group.id
        self.register_outputs(
            {
                "bootstrap_brokers": self.bootstrap_brokers,
                "arn": self.arn,
                "cluster_name": self.cluster_name,
                "log_source_arn": self.log_source_arn,
                "security_group_id": self.security_group_id,
                "topic_names": self.topic_names,
            }
        )

    def publisher_statements(self, events: Sequence[str]) -> list[Statement]:
        """What a service's role needs to publish the given events, and nothing more."""
        return kafka_access.producer_statements(
            self.arn, [kafka_access.topic_name(self._system, event) for event in events]
        )

    def consumer_statements(self, consumer: str) -> list[Statement]:
        """What a consumer's role needs to read its events, to put aside what it gives up on, and to try that again."""
        events = sorted(event for event, topic in self._topics.items() if consumer in topic["consumers"])
        if not events:
            return []
        statements = kafka_access.consumer_statements(
            self.arn,
            [kafka_access.topic_name(self._system, event) for event in events],
            kafka_access.group_name(self._system, consumer),
        )
        dead_letters = kafka_access.dead_letter_topic_name(self._system, consumer)
        return [
            *statements,
            *kafka_access.producer_statements(self.arn, [dead_letters], "DeadLetter"),
            *kafka_access.consumer_statements(
                self.arn, [dead_letters], kafka_access.redrive_group_name(self._system, consumer), "Redrive"
            ),
        ]

    def _cluster(
        self,
        name: str,
        args: KafkaArgs,
        kind: KafkaKind,
        group: ec2.SecurityGroup,
        logs: cloudwatch.LogGroup,
        configuration: msk.Configuration,
        protect: bool,
    ) -> msk.Cluster:
        return msk.Cluster(
            autonamed(name, NAME_LIMIT),
            kafka_version=args.get("kafka_version", VERSION),
            number_of_broker_nodes=args["brokers"],
            broker_node_group_info=msk.ClusterBrokerNodeGroupInfoArgs(
                instance_type=args["instance_type"],
                client_subnets=args["subnet_ids"],
                security_groups=[group.id],
                storage_info=_storage(args) if kind is KafkaKind.STANDARD else None,
                connectivity_info=_private_link() if "private_link_cidr" in args else None,
            ),
            client_authentication=msk.ClusterClientAuthenticationArgs(
                sasl=msk.ClusterClientAuthenticationSaslArgs(iam=True), unauthenticated=False
            ),
            encryption_info=msk.ClusterEncryptionInfoArgs(
                encryption_at_rest_kms_key_arn=args["kms_key_arn"],
                encryption_in_transit=msk.ClusterEncryptionInfoEncryptionInTransitArgs(
                    client_broker="TLS", in_cluster=True
                ),
            ),
            configuration_info=msk.ClusterConfigurationInfoArgs(
                arn=configuration.arn, revision=configuration.latest_revision
            ),
            enhanced_monitoring=_monitoring(name, args).value,
            logging_info=msk.ClusterLoggingInfoArgs(
                broker_logs=msk.ClusterLoggingInfoBrokerLogsArgs(
                    cloudwatch_logs=msk.ClusterLoggingInfoBrokerLogsCloudwatchLogsArgs(
                        enabled=True, log_group=logs.name
                    )
                )
            ),
            tags={"Name": name},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                # Autoscaling grows the volumes, which never shrink: the next deployment must not try to.
                ignore_changes=["brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"]
                if "max_storage_gib" in args
                else None,
            ),
        )

    def _autoscale_storage(self, name: str, cluster: msk.Cluster, max_storage_gib: int) -> None:
        target = appautoscaling.Target(
            f"{name}-storage",
            service_namespace="kafka",
            scalable_dimension="kafka:broker-storage:VolumeSize",
            resource_id=cluster.arn,
            min_capacity=1,
            max_capacity=max_storage_gib,
            opts=self._inside,
        )
        appautoscaling.Policy(
            f"{name}-storage",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=STORAGE_TARGET_PERCENT,
                disable_scale_in=True,
                predefined_metric_specification=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type="KafkaBrokerStorageUtilization"
                ),
            ),
            opts=self._inside,
        )

    def _admit_firehose(
        self, name: str, cluster: msk.Cluster, group: ec2.SecurityGroup, cidr: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        opened = vpc.SecurityGroupIngressRule(
            f"{name}-private-link",
            description="Kafka over TLS with IAM through private link, for the event log",
            security_group_id=group.id,
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=PRIVATE_LINK_PORTS[0],
            to_port=PRIVATE_LINK_PORTS[1],
            opts=self._inside,
        )
        # The policy that AWS prescribes, word for word: Firehose documents no condition key for it, and its role
        # must be allowed each topic anyway.
        # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#access-to-msk
        admitted = msk.ClusterPolicy(
            f"{name}-policy",
            cluster_arn=cluster.arn,
            policy=document(
                {
                    "Sid": "FirehosePrivateLink",
                    "Effect": "Allow",
                    "Principal": {"Service": "firehose.amazonaws.com"},
                    "Action": "kafka:CreateVpcConnection",
                    "Resource": cluster.arn,
                }
            ),
            opts=self._inside,
        )
        return pulumi.Output.all(admitted.cluster_arn, opened.id).apply(lambda known: str(known[0]))

    def _alarms(self, name: str, args: KafkaArgs, kind: KafkaKind, cluster: msk.Cluster) -> None:
        alarms = dict(cluster_alarms(cluster.cluster_name, args["brokers"], express=kind is KafkaKind.EXPRESS))
        for event, topic in sorted(args["topics"].items()):
            for consumer in sorted(topic["consumers"]):
                lags = lag_alarms(
                    cluster.cluster_name,
                    kafka_access.group_name(args["system"], consumer),
                    kafka_access.topic_name(args["system"], event),
                    max_seconds=args.get("max_lag_seconds", 300),
                    max_events=args.get("max_lag_events", 10_000),
                )
                alarms |= {f"lag-{consumer}-{event}-{unit}": alarm for unit, alarm in lags.items()}
        if "alarm_topic_arn" in args:
            for key, alarm in alarms.items():
                declare(f"{name}-{key}", alarm, [args["alarm_topic_arn"]], self._inside)


def _durability(kind: KafkaKind, args: KafkaArgs) -> tuple[int, int]:
    if kind is KafkaKind.EXPRESS:
        return EXPRESS_REPLICATION, EXPRESS_MIN_IN_SYNC
    replication = args.get("replication", 3)
    return replication, args.get("min_in_sync", max(1, replication - 1))


def _storage(args: KafkaArgs) -> msk.ClusterBrokerNodeGroupInfoStorageInfoArgs:
    throughput = args.get("throughput_mibps")
    return msk.ClusterBrokerNodeGroupInfoStorageInfoArgs(
        ebs_storage_info=msk.ClusterBrokerNodeGroupInfoStorageInfoEbsStorageInfoArgs(
            volume_size=args["storage_gib"],
            provisioned_throughput=msk.ClusterBrokerNodeGroupInfoStorageInfoEbsStorageInfoProvisionedThroughputArgs(
                enabled=True, volume_throughput=throughput
            )
            if throughput is not None
            else None,
        )
    )


def _private_link() -> msk.ClusterBrokerNodeGroupInfoConnectivityInfoArgs:
    # MSK can't create a cluster with it; the provider knows, and turns it on once the cluster is there.
    return msk.ClusterBrokerNodeGroupInfoConnectivityInfoArgs(
        vpc_connectivity=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityArgs(
            client_authentication=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationArgs(
                sasl=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationSaslArgs(iam=True)
            )
        )
    )


def _kind(name: str, args: KafkaArgs) -> KafkaKind:
    return choice(KafkaKind, args.get("kind", KafkaKind.EXPRESS), f'Kafka "{name}"', "kind")


def _monitoring(name: str, args: KafkaArgs) -> KafkaMonitoring:
    level = args.get("monitoring", KafkaMonitoring.PER_TOPIC_PER_BROKER)
    return choice(KafkaMonitoring, level, f'Kafka "{name}"', "monitoring")


def _check(name: str, args: KafkaArgs, kind: KafkaKind) -> None:
    where = f'Kafka "{name}"'
    require_log_days(where, args.get("log_days", 90))
    _monitoring(name, args)
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
    replication, min_in_sync = _durability(KafkaKind.STANDARD, args)
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
        # In metric names Kafka writes '_' for '.', and refuses a topic whose name is then another's.
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
