"""What AWS only raises is named once, each with its source, and a change that lowers it is seen."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.cloud.only_raised import ONLY_RAISED, shrinks
from infra.tests.program.graphs import graph_of, group

TOPIC, CLUSTER = "aws:msk/topic:Topic", "aws:msk/cluster:Cluster"
INSTANCE, EKS = "aws:rds/instance:Instance", "aws:eks/cluster:Cluster"
CACHE, VERSIONING = "aws:elasticache/replicationGroup:ReplicationGroup", "aws:s3/bucketVersioning:BucketVersioning"


def volume(size: int) -> dict[str, Any]:
    storage = {"ebsStorageInfo": {"volumeSize": size}}
    return {"brokerNodeGroupInfo": {"instanceType": "kafka.m7g.large", "storageInfo": storage}}


def brokers(count: int, instance_type: str) -> dict[str, Any]:
    return {"numberOfBrokerNodes": count, "brokerNodeGroupInfo": {"instanceType": instance_type}}


def mode(name: str) -> dict[str, Any]:
    return {"accessConfig": {"authenticationMode": name}}


def status(name: str) -> dict[str, Any]:
    return {"versioningConfiguration": {"status": name}}


LOWERED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (TOPIC, {"partitionCount": 27}, {"partitionCount": 24}),
    (TOPIC, {"partitionCount": 2}, {"partitionCount": 1}),
    (CLUSTER, volume(80), volume(10)),
    (CLUSTER, brokers(6, "kafka.m7g.large"), brokers(3, "kafka.m7g.large")),
    (CLUSTER, {"kafkaVersion": "3.9.x.kraft"}, {"kafkaVersion": "3.8.x.kraft"}),
    (CLUSTER, {"kafkaVersion": "3.10.x.kraft"}, {"kafkaVersion": "3.9.x.kraft"}),
    (INSTANCE, {"allocatedStorage": 400}, {"allocatedStorage": 30}),
    (INSTANCE, {"allocatedStorage": 400}, {"allocatedStorage": 400.0, "maxAllocatedStorage": 340}),
    (INSTANCE, {"allocatedStorage": 400, "maxAllocatedStorage": 510}, {"maxAllocatedStorage": 439}),
    (INSTANCE, {"engineVersion": "17"}, {"engineVersion": "16"}),
    (INSTANCE, {"engineVersion": "17.4"}, {"engineVersion": "17.2"}),
    (EKS, {"version": "1.35"}, {"version": "1.33"}),
    (EKS, {"version": "1.100"}, {"version": "1.99"}),
    (EKS, mode("API"), mode("API_AND_CONFIG_MAP")),
    (EKS, mode("API_AND_CONFIG_MAP"), mode("CONFIG_MAP")),
    (CACHE, {"engineVersion": "8.1"}, {"engineVersion": "8.0"}),
    (CACHE, {"clusterMode": "enabled"}, {"clusterMode": "compatible"}),
    (CACHE, {"engine": "valkey"}, {"engine": "redis"}),
    ("aws:elasticache/userGroup:UserGroup", {"engine": "valkey"}, {"engine": "redis"}),
    (VERSIONING, status("Enabled"), status("Disabled")),
]

ALLOWED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (TOPIC, {"partitionCount": 24}, {"partitionCount": 27}),
    (TOPIC, {"partitionCount": 24}, {"partitionCount": 24.0}),
    (TOPIC, {"partitionCount": 24}, {"partitionCount": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}),
    (CLUSTER, volume(10), volume(80)),
    (CLUSTER, brokers(6, "express.m7g.large"), brokers(3, "express.m7g.large")),
    (CLUSTER, brokers(3, "kafka.m7g.2xlarge"), brokers(3, "kafka.m7g.large")),
    (CLUSTER, {"kafkaVersion": "3.9.x.kraft"}, {"kafkaVersion": "4.0.x.kraft"}),
    (INSTANCE, {"allocatedStorage": 30}, {"allocatedStorage": 400}),
    (INSTANCE, {"allocatedStorage": 400, "maxAllocatedStorage": 510}, {"maxAllocatedStorage": 440}),
    (INSTANCE, {"allocatedStorage": 30, "maxAllocatedStorage": 40}, {"maxAllocatedStorage": 33}),
    (INSTANCE, {"allocatedStorage": 400, "maxAllocatedStorage": 510}, {"allocatedStorage": 400}),
    (INSTANCE, {"iops": 16_000, "storageThroughput": 1_000}, {"iops": 12_000, "storageThroughput": 500}),
    (INSTANCE, {"backupRetentionPeriod": 14}, {"backupRetentionPeriod": 7}),
    (INSTANCE, {"engineVersion": "17.4"}, {"engineVersion": "17"}),
    (INSTANCE, {"engineVersion": "16"}, {"engineVersion": "17"}),
    (INSTANCE, {"instanceClass": "db.m7g.4xlarge"}, {"instanceClass": "db.m7g.large"}),
    (EKS, {"version": "1.34"}, {"version": "1.35"}),
    (EKS, mode("CONFIG_MAP"), mode("API_AND_CONFIG_MAP")),
    (CACHE, {"engineVersion": "8.0"}, {"engineVersion": "8.1"}),
    (CACHE, {"numNodeGroups": 6}, {"numNodeGroups": 2}),
    (CACHE, {"clusterMode": "compatible"}, {"clusterMode": "disabled"}),
    (VERSIONING, status("Enabled"), status("Suspended")),
    ("aws:sqs/queue:Queue", {"messageRetentionSeconds": 1_209_600}, {"messageRetentionSeconds": 60}),
]


@pytest.mark.parametrize(("type_", "old", "new"), LOWERED)
def test_what_aws_refuses_to_lower(type_: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    (found,) = shrinks(type_, old, new)
    assert "https://" in found.source
    assert found.remedy


@pytest.mark.parametrize(("type_", "old", "new"), ALLOWED)
def test_neighbours_that_aws_accepts(type_: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert shrinks(type_, old, new) == []


def test_every_rule_is_tried() -> None:
    tried = {(type_, found.path) for type_, old, new in LOWERED for found in shrinks(type_, old, new)}
    assert tried == {(rule.type, rule.path) for rule in ONLY_RAISED}


@pytest.mark.xdist_group(group("prod"))
def test_every_rule_is_about_something_that_the_program_declares() -> None:
    """A path that is written differently would never refuse anything."""
    inputs = [(each.type, each.inputs) for name in ("dev", "prod") for each in graph_of(name).resources]
    for rule in ONLY_RAISED:
        assert any(type_ == rule.type and _has(found, rule.path) for type_, found in inputs), (rule.type, rule.path)


def _has(inputs: object, path: str) -> bool:
    for name in path.split("."):
        inputs = inputs.get(name) if isinstance(inputs, dict) else None
    return inputs is not None
