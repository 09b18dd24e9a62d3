"""The Kafka cluster, its topics and permissions (A3, S1, S2, S4, S5)."""

import json
from typing import Any

import pulumi
import pytest

from components.tests.event_samples import (
    ALARM,
    TOPICS,
    alarm,
    alarm_names,
    allowed,
    declared,
    kafka_args,
    platform,
    stateful,
    statements,
)
from groundplan.cloud import Resource, Simulation, simulate
from groundplan_components.events import Kafka, KafkaKind, KafkaMonitoring
from groundplan_components.events._kafka_access import consumer_statements, group_arn, producer_statements, topic_arn
from groundplan_components.events._kafka_settings import server_properties, topic_configs
from groundplan_components.shared import policy

CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f0e-1"
TOPIC_TYPE = "aws:msk/topic:Topic"
STANDARD: dict[str, Any] = {
    "kind": KafkaKind.STANDARD,
    "instance_type": "kafka.m7g.large",
    "storage_gib": 100,
    "max_storage_gib": 1000,
}


def run(zones: int = 3, **changes: Any) -> Simulation:
    return declared(lambda on: Kafka("events", kafka_args(on, **changes)), zones)


def cluster_of(simulation: Simulation) -> Resource:
    (found,) = simulation.of_type("aws:msk/cluster:Cluster")
    return found


def test_clients_sign_with_iam_over_tls_and_no_other_way_s2_s4() -> None:
    cluster = cluster_of(run())
    assert cluster.inputs["clientAuthentication"] == {"sasl": {"iam": True}, "unauthenticated": False}
    assert cluster.inputs["encryptionInfo"]["encryptionInTransit"] == {"clientBroker": "TLS", "inCluster": True}


def test_topics_and_broker_logs_are_encrypted_by_the_given_key_s5() -> None:
    simulation = run()
    (key,) = simulation.of_type("aws:kms/key:Key")
    (logs,) = simulation.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert cluster_of(simulation).inputs["encryptionInfo"]["encryptionAtRestKmsKeyArn"] == key.outputs["arn"]
    assert logs.inputs["kmsKeyId"] == key.outputs["arn"]
    assert logs.inputs["retentionInDays"] == 90


def test_only_named_groups_reach_the_brokers_and_only_on_the_iam_port_s1() -> None:
    simulation = run(private_link_cidr=None)
    (rule,) = simulation.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    pods = simulation.named("pods")
    assert rule.inputs["referencedSecurityGroupId"] == pods.id
    assert (rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"]) == (9098, 9098, "tcp")
    assert not simulation.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")


def test_firehose_comes_in_by_private_link_and_the_log_waits_until_it_may_a3() -> None:
    arns: list[pulumi.Output[str]] = []
    simulation = declared(lambda on: arns.append(Kafka("events", kafka_args(on)).log_source_arn))
    assert len(arns) == 1
    node_group = cluster_of(simulation).inputs["brokerNodeGroupInfo"]
    assert node_group["connectivityInfo"] == {"vpcConnectivity": {"clientAuthentication": {"sasl": {"iam": True}}}}
    (policy_of,) = simulation.of_type("aws:msk/clusterPolicy:ClusterPolicy")
    allowed = statements(policy_of.inputs["policy"])["FirehosePrivateLink"]
    assert allowed["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert allowed["Action"] == "kafka:CreateVpcConnection"
    link = simulation.named("events-private-link")
    assert (link.inputs["fromPort"], link.inputs["toPort"]) == (14001, 14100)
    assert link.inputs["cidrIpv4"] == "10.0.0.0/16"


def test_without_an_event_log_private_link_stays_shut() -> None:
    simulation = run(private_link_cidr=None)
    assert "connectivityInfo" not in cluster_of(simulation).inputs["brokerNodeGroupInfo"]
    assert not simulation.of_type("aws:msk/clusterPolicy:ClusterPolicy")


def test_express_gets_neither_storage_nor_settings_that_it_fixes_itself() -> None:
    simulation = run()
    cluster = cluster_of(simulation)
    assert "storageInfo" not in cluster.inputs["brokerNodeGroupInfo"]
    assert not simulation.of_type("aws:appautoscaling/target:Target")
    assert {each.inputs["replicationFactor"] for each in simulation.of_type(TOPIC_TYPE)} == {3}
    assert server_properties(KafkaKind.EXPRESS, 3, 2, 168) == (
        "auto.create.topics.enable=false\nlog.retention.ms=604800000\n"
    )
    assert "min.insync.replicas" not in topic_configs(KafkaKind.EXPRESS, 2, 168)


def test_standard_loses_no_acknowledged_event_p3() -> None:
    properties = server_properties(KafkaKind.STANDARD, 3, 2, 24).splitlines()
    assert "unclean.leader.election.enable=false" in properties
    assert "min.insync.replicas=2" in properties
    assert "default.replication.factor=3" in properties
    assert "auto.create.topics.enable=false" in properties
    assert json.loads(topic_configs(KafkaKind.STANDARD, 2, 24)) == {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2",
        "retention.ms": "86400000",
    }


def test_standard_volumes_grow_and_no_deployment_shrinks_them_p1() -> None:
    simulation = run(**STANDARD)
    cluster = cluster_of(simulation)
    (target,) = simulation.of_type("aws:appautoscaling/target:Target")
    (scaling,) = simulation.of_type("aws:appautoscaling/policy:Policy")
    assert cluster.inputs["brokerNodeGroupInfo"]["storageInfo"]["ebsStorageInfo"]["volumeSize"] == 100
    assert cluster.ignore_changes == ("brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize",)
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (1, 1000)
    assert target.inputs["resourceId"] == cluster.outputs["arn"]
    assert scaling.inputs["targetTrackingScalingPolicyConfiguration"]["disableScaleIn"] is True


def test_a_volume_of_fixed_size_follows_its_argument() -> None:
    simulation = run(**{**STANDARD, "max_storage_gib": None})
    assert cluster_of(simulation).ignore_changes == ()
    assert not simulation.of_type("aws:appautoscaling/target:Target")


def test_each_event_has_a_topic_and_each_consumer_a_place_for_dead_letters_a3() -> None:
    topics = {each.inputs["name"]: each.inputs for each in run().of_type(TOPIC_TYPE)}
    assert {name: topic["partitionCount"] for name, topic in topics.items()} == {
        "shop.order.placed": 6,
        "shop.payment.settled": 3,
        "shop.order.dead-letter": 1,
        "shop.order-projector.dead-letter": 1,
        "shop.payment.dead-letter": 1,
    }
    assert json.loads(topics["shop.order.placed"]["configs"])["retention.ms"] == str(168 * 3_600_000)
    assert json.loads(topics["shop.order.dead-letter"]["configs"])["retention.ms"] == str(336 * 3_600_000)


def test_dead_letters_are_kept_at_least_as_long_as_events() -> None:
    topics = {each.inputs["name"]: each.inputs for each in run(retention_hours=1000).of_type(TOPIC_TYPE)}
    assert json.loads(topics["shop.payment.dead-letter"]["configs"])["retention.ms"] == str(1000 * 3_600_000)


@pytest.mark.parametrize("protect", [None, False])
def test_what_holds_events_is_protected_unless_said_otherwise(protect: bool | None) -> None:
    held = stateful(run(protect=protect), "aws:msk/cluster:Cluster", TOPIC_TYPE)
    assert len(held) == 6
    assert set(held.values()) == {protect is None}


def test_topics_die_with_their_cluster() -> None:
    simulation = run()
    assert {each.deleted_with for each in simulation.of_type(TOPIC_TYPE)} == {cluster_of(simulation).urn}


def test_another_topic_and_another_consumer_change_no_other_name() -> None:
    before = {each.urn for each in run().resources}
    more = {**TOPICS, "user.closed": {"partitions": 1, "consumers": ["order", "audit"]}}
    after = {each.urn for each in run(topics=more).resources}
    assert before < after
    assert all("user.closed" in urn or "dead-letter-audit" in urn for urn in after - before)


def test_express_alarms_name_only_metrics_that_express_publishes() -> None:
    simulation = run()
    names = alarm_names(simulation, "events-")
    assert {"controller", "storage", "cpu-1", "cpu-3", "produce-throttled-2", "fetch-throttled-3"} <= names
    assert not {name for name in names if name.startswith(("offline", "under-min-isr", "disk"))}
    assert alarm(simulation, "events-cpu-2").inputs["threshold"] == 60


def test_standard_alarms_tell_of_offline_and_unsafe_partitions_and_full_disks() -> None:
    simulation = run(**STANDARD)
    offline = alarm(simulation, "events-offline-partitions").inputs
    assert (offline["metricName"], offline["threshold"]) == ("OfflinePartitionsCount", 0)
    assert offline["comparisonOperator"] == "GreaterThanThreshold"
    assert alarm(simulation, "events-disk-3").inputs["dimensions"]["Broker ID"] == "3"
    assert alarm(simulation, "events-under-min-isr-1").inputs["metricName"] == "UnderMinIsrPartitionCount"


def test_a_consumer_that_lags_or_stops_raises_an_alarm() -> None:
    simulation = run(max_lag_seconds=120, max_lag_events=500)
    slow = alarm(simulation, "events-lag-payment-order.placed-seconds").inputs
    still = alarm(simulation, "events-lag-payment-order.placed-events").inputs
    assert slow["metricName"] == "EstimatedMaxTimeLag"
    assert slow["threshold"] == 120
    assert (still["metricName"], still["threshold"]) == ("SumOffsetLag", 500)
    assert slow["dimensions"]["Consumer Group"] == "shop.payment"
    assert slow["dimensions"]["Topic"] == "shop.order.placed"
    topic = next(each for each in simulation.of_type("aws:sns/topic:Topic") if each.name == "alarms")
    assert slow["alarmActions"] == [topic.outputs["arn"]]


def test_arns_of_topics_and_groups_follow_from_the_clusters() -> None:
    found: list[str] = []

    def program() -> None:
        pulumi.Output.all(topic_arn(CLUSTER, "shop.order.placed"), group_arn(CLUSTER, "shop.payment")).apply(
            found.extend
        )

    simulate(program)
    assert found == [
        "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f0e-1/shop.order.placed",
        "arn:aws:kafka:eu-central-1:123456789012:group/events/0f0e-1/shop.payment",
    ]


def test_a_producer_may_write_its_topics_and_nothing_else_s4() -> None:
    topic = "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f0e-1/shop.order.placed"
    assert allowed(lambda: producer_statements(CLUSTER, ["shop.order.placed"])) == [
        ("kafka-cluster:Connect", CLUSTER),
        ("kafka-cluster:DescribeTopic", topic),
        ("kafka-cluster:WriteData", topic),
        ("kafka-cluster:WriteDataIdempotently", CLUSTER),
    ]
    assert producer_statements(CLUSTER, []) == []


def test_a_consumer_may_read_its_topics_as_its_own_group_s4() -> None:
    group = "arn:aws:kafka:eu-central-1:123456789012:group/events/0f0e-1/shop.payment"
    pairs = allowed(lambda: consumer_statements(CLUSTER, ["shop.order.placed"], "shop.payment"))
    assert [pair for pair in pairs if "Group" in pair[0]] == [
        ("kafka-cluster:AlterGroup", group),
        ("kafka-cluster:DescribeGroup", group),
    ]
    assert not [pair for pair in pairs if "Write" in pair[0] or "*" in pair[1]]
    assert consumer_statements(CLUSTER, [], "shop.payment") == []


def test_a_service_that_publishes_and_consumes_gets_one_valid_policy() -> None:
    documents: list[str] = []

    def program() -> None:
        kafka = Kafka("events", kafka_args(platform()))
        policy(*kafka.publisher_statements(["payment.settled"]), *kafka.consumer_statements("payment")).apply(
            documents.append
        )
        assert kafka.consumer_statements("stranger") == []
        assert kafka.publisher_statements([]) == []

    simulate(program)
    (text,) = documents
    by_sid = statements(text)
    assert {sid: len(each["Resource"]) for sid, each in by_sid.items()} == {
        "KafkaProduceConnect": 1,
        "KafkaProduce": 1,
        "KafkaConsumeConnect": 1,
        "KafkaConsume": 1,
        "KafkaConsumeGroup": 1,
        "KafkaDeadLetterConnect": 1,
        "KafkaDeadLetter": 1,
        "KafkaRedriveConnect": 1,
        "KafkaRedrive": 1,
        "KafkaRedriveGroup": 1,
    }
    assert by_sid["KafkaDeadLetter"]["Resource"][0].endswith("shop.payment.dead-letter")
    assert by_sid["KafkaRedrive"]["Resource"] == by_sid["KafkaDeadLetter"]["Resource"]
    assert by_sid["KafkaRedriveGroup"]["Resource"][0].endswith("shop.payment.redrive")
    assert by_sid["KafkaConsume"]["Resource"][0].endswith("shop.order.placed")


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"brokers": 4}, "brokers is 4"),
        ({"brokers": 0}, "brokers is 0"),
        ({"kafka_version": "3.9.x"}, "kafka_version is '3.9.x'"),
        ({"retention_hours": 0}, "retention_hours is 0"),
        ({"instance_type": "kafka.m7g.large"}, "instance_type is 'kafka.m7g.large'"),
        ({"storage_gib": 100}, "storage_gib is 100"),
        ({"replication": 2}, "replication is 2"),
        ({**STANDARD, "instance_type": "express.m7g.large"}, "instance_type is 'express.m7g.large'"),
        ({**STANDARD, "instance_type": "kafka.t3.small"}, "instance_type is 'kafka.t3.small'"),
        ({**STANDARD, "storage_gib": None}, "storage_gib is None"),
        ({**STANDARD, "max_storage_gib": 50}, "max_storage_gib is 50"),
        ({**STANDARD, "replication": 4}, "replication is 4"),
        ({**STANDARD, "replication": 3, "min_in_sync": 3}, "min_in_sync is 3"),
        ({**STANDARD, "throughput_mibps": 300}, "throughput_mibps is 300"),
        ({**STANDARD, "instance_type": "kafka.m7g.2xlarge", "throughput_mibps": 100}, "throughput_mibps is 100"),
        ({"topics": {"a_b.c": TOPICS["order.placed"], "a.b_c": TOPICS["order.placed"]}}, "topics is 'shop.a.b_c'"),
        ({"topics": {"a b.c": TOPICS["order.placed"]}}, "topics is 'shop.a b.c'"),
        ({"monitoring": "DEFAULT"}, "monitoring is 'DEFAULT'"),
        ({"kind": "serverless"}, "kind is 'serverless'"),
        ({"topics": {"a-b.c": TOPICS["order.placed"]}}, "topics is 'a-b.c'"),
        ({"topics": {"a.b": {"partitions": 0, "consumers": []}}}, "topics.a.b.partitions is 0"),
    ],
)
def test_wrong_arguments_are_refused_with_what_to_do(changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(**changes)
    assert f'Kafka "events": {argument}\n' in str(refused.value)
    assert "to do:" in str(refused.value)


def test_express_needs_three_zones() -> None:
    with pytest.raises(pulumi.RunError, match="three subnets in three zones"):
        run(zones=2, brokers=2)


def test_a_small_cluster_for_development_works_without_an_event_log() -> None:
    simulation = run(
        zones=2,
        **{**STANDARD, "instance_type": "kafka.t3.small", "brokers": 2, "replication": 2, "private_link_cidr": None},
    )
    topics = simulation.of_type(TOPIC_TYPE)
    assert {each.inputs["replicationFactor"] for each in topics} == {2}
    assert {json.loads(each.inputs["configs"])["min.insync.replicas"] for each in topics} == {"1"}


@pytest.mark.parametrize(
    ("given", "declared_as"),
    [
        (None, "PER_TOPIC_PER_BROKER"),
        (KafkaMonitoring.PER_BROKER, "PER_BROKER"),
        ("PER_TOPIC_PER_PARTITION", "PER_TOPIC_PER_PARTITION"),
    ],
)
def test_monitoring_is_at_least_what_the_alarms_read(given: KafkaMonitoring | str | None, declared_as: str) -> None:
    assert cluster_of(run(monitoring=given)).inputs["enhancedMonitoring"] == declared_as


def test_provisioned_throughput_reaches_the_volumes_of_sizes_that_can() -> None:
    simulation = run(**{**STANDARD, "instance_type": "kafka.m7g.2xlarge", "throughput_mibps": 300})
    storage = cluster_of(simulation).inputs["brokerNodeGroupInfo"]["storageInfo"]["ebsStorageInfo"]
    assert storage["provisionedThroughput"] == {"enabled": True, "volumeThroughput": 300}


def test_without_a_topic_to_tell_there_are_no_alarms() -> None:
    assert run().of_type(ALARM)
    assert run(alarm_topic_arn=None).of_type(ALARM) == ()
