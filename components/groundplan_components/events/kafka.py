"""An MSK cluster with a topic for each event and a dead-letter topic for each consumer (A3)."""

from collections.abc import Sequence

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ec2, msk, vpc

from groundplan_components.events import _kafka_access as kafka_access
from groundplan_components.events._kafka_alarms import cluster_alarms, lag_alarms
from groundplan_components.events._kafka_args import (
    VERSION,
    KafkaArgs,
    KafkaKind,
    broker_kind,
    check_kafka,
    consumers_of,
    durability,
    monitoring_level,
)
from groundplan_components.events._kafka_settings import server_properties, topic_configs
from groundplan_components.shared.alarms import declare
from groundplan_components.shared.client_access import client_security_group
from groundplan_components.shared.iam import Statement
from groundplan_components.shared.names import autonamed
from groundplan_components.shared.resource_policy import document

KAFKA_PORT = 9098
PRIVATE_LINK_PORTS = (14001, 14100)
"""https://docs.aws.amazon.com/msk/latest/developerguide/port-info.html"""
NAME_LIMIT = 64
STORAGE_TARGET_PERCENT = 60
"""AWS suggests 50 to 60: https://docs.aws.amazon.com/msk/latest/developerguide/msk-autoexpand.html"""
DEAD_LETTER_HOURS = 336
"""Two weeks, as long as SQS can keep them: covers a weekend and a holiday."""


class Kafka(pulumi.ComponentResource):
    """An MSK cluster: IAM and TLS only, encrypted by a customer key, reachable from the given security groups only."""

    bootstrap_brokers: pulumi.Output[str]
    """Bootstrap brokers for IAM authentication, `host:port` separated by commas."""
    arn: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    log_source_arn: pulumi.Output[str]
    """The cluster's ARN, known once Firehose may connect to it (with ``private_link_cidr``)."""
    security_group_id: pulumi.Output[str]
    topic_names: dict[str, pulumi.Output[str]]
    """Topic names by event."""

    def __init__(self, name: str, args: KafkaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        kind = broker_kind(name, args)
        check_kafka(name, args, kind)
        super().__init__("groundplan:index:Kafka", name, {}, opts)
        self._system = args["system"]
        self._topics = args["topics"]
        self._inside = pulumi.ResourceOptions(parent=self)
        replication, min_in_sync = durability(kind, args)
        protect = args.get("protect", True)

        group = client_security_group(
            name,
            parent=self,
            description=f"Brokers of {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="Kafka over TLS with IAM",
            port=KAFKA_PORT,
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
        """Least permissions of a service's role to publish the given events."""
        return kafka_access.producer_statements(
            self.arn, [kafka_access.topic_name(self._system, event) for event in events]
        )

    def consumer_statements(self, consumer: str) -> list[Statement]:
        """Permissions of a consumer's role to read its events, and to write and retry its dead letters."""
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
            enhanced_monitoring=monitoring_level(name, args).value,
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
                # Autoscaling grows the volumes, and volumes can't shrink: the next deployment must not reset the size.
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
        # AWS's documented policy, unchanged: Firehose documents no condition key for it, and its role needs permissions
        # on each topic anyway.
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
    # MSK can't create a cluster with private link; the provider enables it after the creation.
    return msk.ClusterBrokerNodeGroupInfoConnectivityInfoArgs(
        vpc_connectivity=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityArgs(
            client_authentication=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationArgs(
                sasl=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationSaslArgs(iam=True)
            )
        )
    )
