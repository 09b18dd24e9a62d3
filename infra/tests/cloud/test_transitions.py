"""Changes that AWS refuses although it would create the new state: judged alike by both ways into the cloud (U5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
import pulumi_aws as aws
import pytest

from groundplan.cloud import Simulation, simulate
from groundplan.cloud.item import Item
from groundplan.cloud.provider import ProviderServers
from groundplan.cloud.rules import known_transitions
from groundplan.cloud.transitions import refused_changes
from groundplan.rehearsal.differences import compare
from infra.tests.cloud.test_provider import Client
from infra.tests.cloud.world import trust

DATABASE, CACHE, EKS = (
    "aws:rds/instance:Instance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:eks/cluster:Cluster",
)
BROKERS, TOPIC = "aws:msk/cluster:Cluster", "aws:msk/topic:Topic"
ROLE, USER = "aws:iam/role:Role", "aws:elasticache/user:User"
ROTATION = "aws:serverlessrepository/cloudFormationStack:CloudFormationStack"
POSTGRES = {"engine": "postgres", "storageType": "gp3", "allocatedStorage": 30, "engineVersion": "16"}
STRIPED = {"allocatedStorage": 400, "iops": 12_000, "storageThroughput": 500}
TYPE = "brokerNodeGroupInfo.instanceType"
VOLUME = "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"


@dataclass(frozen=True)
class Step:
    """A change in place: of ``old``, by ``good`` that is accepted and by ``bad`` that is refused at ``path``."""

    rule: str
    token: str
    old: Mapping[str, Any]
    good: Mapping[str, Any]
    bad: Mapping[str, Any]
    path: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.path}"


def brokers(kind: str, gib: int | None = None) -> dict[str, Any]:
    storage = {"storageInfo": {"ebsStorageInfo": {"volumeSize": gib}}} if gib else {}
    return {"brokerNodeGroupInfo": {"instanceType": kind, **storage}}


GROWTH, SMALL = "databases.growth_across_the_stripe", "kafka.m7g.large"
UPGRADE = "databases.major_upgrade"
_PLAN = {"name": "plan", "attributeDataType": "String"}
STEPS = [
    Step(GROWTH, DATABASE, POSTGRES, STRIPED, {"allocatedStorage": 400, "storageThroughput": 500}, "iops"),
    Step(GROWTH, DATABASE, POSTGRES, STRIPED, {"allocatedStorage": 400, "iops": 12_000}, "storageThroughput"),
    Step(GROWTH, DATABASE, POSTGRES, {"allocatedStorage": 399}, {"allocatedStorage": 500}, "iops"),
    Step(
        "databases.storage_only_grows",
        DATABASE,
        POSTGRES,
        {"allocatedStorage": 20, "maxAllocatedStorage": 100},
        {"allocatedStorage": 20},
        "allocatedStorage",
    ),
    Step(
        UPGRADE,
        DATABASE,
        POSTGRES,
        {"engineVersion": "17", "allowMajorVersionUpgrade": True},
        {"engineVersion": "17"},
        "allowMajorVersionUpgrade",
    ),
    Step(UPGRADE, DATABASE, POSTGRES, {"engineVersion": "16.9"}, {"engineVersion": "15"}, "engineVersion"),
    Step(
        "caches.cluster_mode_in_steps",
        CACHE,
        {"clusterMode": "disabled"},
        {"clusterMode": "compatible"},
        {"clusterMode": "enabled"},
        "clusterMode",
    ),
    Step(
        "caches.cluster_mode_in_steps",
        CACHE,
        {"clusterMode": "enabled"},
        {"clusterMode": "enabled"},
        {"clusterMode": "compatible"},
        "clusterMode",
    ),
    Step(
        "caches.encryption_in_steps",
        CACHE,
        {},
        {"transitEncryptionEnabled": True, "transitEncryptionMode": "preferred"},
        {"transitEncryptionEnabled": True, "transitEncryptionMode": "required"},
        "transitEncryptionMode",
    ),
    Step(
        "clusters.one_minor_version_up", EKS, {"version": "1.34"}, {"version": "1.35"}, {"version": "1.36"}, "version"
    ),
    Step(
        "clusters.one_minor_version_up", EKS, {"version": "1.34"}, {"version": "1.34"}, {"version": "1.33"}, "version"
    ),
    Step(
        "kafka.partitions_only_grow",
        TOPIC,
        {"partitionCount": 27},
        {"partitionCount": 36},
        {"partitionCount": 24},
        "partitionCount",
    ),
    Step("kafka.volumes_only_grow", BROKERS, brokers(SMALL, 80), brokers(SMALL, 100), brokers(SMALL, 10), VOLUME),
    Step(
        "kafka.standard_or_express",
        BROKERS,
        brokers(SMALL),
        brokers("kafka.m7g.xlarge"),
        brokers("express.m7g.large"),
        TYPE,
    ),
    Step(
        "kafka.standard_or_express",
        BROKERS,
        brokers("express.m7g.large"),
        brokers("express.m7g.xlarge"),
        brokers(SMALL),
        TYPE,
    ),
    Step(
        "kafka.metadata_stays",
        BROKERS,
        {"kafkaVersion": "3.8.x"},
        {"kafkaVersion": "3.9.x"},
        {"kafkaVersion": "3.9.x.kraft"},
        "kafkaVersion",
    ),
    Step(
        "kafka.tiers_stay",
        BROKERS,
        {"storageMode": "TIERED"},
        {"enhancedMonitoring": "DEFAULT"},
        {"storageMode": "LOCAL"},
        "storageMode",
    ),
    Step(
        "caches.encryption_in_steps",
        CACHE,
        {"transitEncryptionEnabled": True, "transitEncryptionMode": "required"},
        {"transitEncryptionMode": "preferred"},
        {"transitEncryptionEnabled": False},
        "transitEncryptionEnabled",
    ),
    Step(
        "addresses.tenancy",
        "aws:ec2/vpc:Vpc",
        {"cidrBlock": "10.0.0.0/16"},
        {"enableDnsHostnames": True},
        {"instanceTenancy": "dedicated"},
        "instanceTenancy",
    ),
    Step(
        "identity.attributes_stay",
        "aws:cognito/userPool:UserPool",
        {"schemas": [_PLAN]},
        {"schemas": [_PLAN, {**_PLAN, "name": "colour"}]},
        {"schemas": [{**_PLAN, "attributeDataType": "Number"}]},
        "schemas",
    ),
    Step(
        "objects.first_family_stays",
        "kubernetes:core/v1:Service",
        {"spec": {"ipFamilies": ["IPv4"]}},
        {"spec": {"ipFamilies": ["IPv4", "IPv6"]}},
        {"spec": {"ipFamilies": ["IPv6", "IPv4"]}},
        "spec.ipFamilies",
    ),
    Step(
        "objects.immutable_stays",
        "kubernetes:core/v1:ConfigMap",
        {"immutable": True},
        {"metadata": {"labels": {"a": "b"}}},
        {"immutable": False},
        "immutable",
    ),
]


def item(token: str, inputs: Mapping[str, Any], **outputs: object) -> Item:
    return Item(f"urn:pulumi:dev::shop::{token}::it", token, "it", "eu-central-1", dict(inputs), outputs=outputs)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_that_aws_does_not_take_is_refused_with_its_source(step: Step) -> None:
    old, bad = item(step.token, step.old), item(step.token, {**step.old, **step.bad})
    assert step.path in {
        each.path for each in refused_changes(old, bad) if each.source == known_transitions()[step.rule] and each.remedy
    }


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_its_neighbour_is_accepted(step: Step) -> None:
    assert refused_changes(item(step.token, step.old), item(step.token, {**step.old, **step.good})) == []


def test_every_rule_of_a_change_has_a_step() -> None:
    assert {step.rule for step in STEPS} == set(known_transitions())


def test_a_replica_has_the_engine_of_its_source() -> None:
    inputs = {"storageType": "gp3", "replicateSourceDb": "shop"}
    old = item(DATABASE, {**inputs, "allocatedStorage": 30}, engine="postgres")
    refused = refused_changes(old, item(DATABASE, {**inputs, "allocatedStorage": 400}))
    assert [each.path for each in refused] == ["iops", "storageThroughput"]


@pytest.fixture
def servers() -> Iterator[ProviderServers]:
    with ProviderServers() as running:
        yield running


@pytest.fixture
def client(servers: ProviderServers) -> Iterator[Client]:
    connection = Client(servers.ports["aws"], region="eu-central-1")
    yield connection
    connection.close()


def database(**inputs: object) -> dict[str, object]:
    return {
        **POSTGRES,
        "instanceClass": "db.m7g.large",
        "username": "dba",
        "password": "p" * 24,
        "skipFinalSnapshot": True,
        **inputs,
    }


def test_an_update_is_judged_as_a_change(client: Client, servers: ProviderServers) -> None:
    id_, _ = client.create(DATABASE, "db", database())
    with pytest.raises(grpc.RpcError, match="iops is not set: expected 12000 or more") as refused:
        client.update(DATABASE, "db", id_, database(allocatedStorage=400))
    assert "terraform-provider-aws#28382" in refused.value.details()
    assert servers.cloud.of(DATABASE)[0].known("allocatedStorage") == 30
    client.update(DATABASE, "db", id_, database(**STRIPED))
    assert servers.cloud.of(DATABASE)[0].known("allocatedStorage") == 400


def rotation(strategy: str, function: str = "shop-users") -> dict[str, object]:
    return {
        "applicationId": f"arn:aws:serverlessrepo:us-east-1:297356227824:applications/{strategy}",
        "capabilities": ["CAPABILITY_IAM"],
        "parameters": {"functionName": function},
    }


def test_two_stacks_have_no_function_of_one_name(client: Client) -> None:
    id_, _ = client.create(ROTATION, "users", rotation("Single"))
    with pytest.raises(grpc.RpcError, match="the one that it replaces to be gone first"):
        client.create(ROTATION, "users", rotation("Multi"))
    with pytest.raises(grpc.RpcError, match="a name that no other has"):
        client.create(ROTATION, "others", rotation("Single"))
    client.create(ROTATION, "others", rotation("Single", "shop-others"))
    client.delete(ROTATION, "users", id_)
    client.create(ROTATION, "users", rotation("Multi"))


def test_the_provider_knows_only_names_that_pulumi_would_make(client: Client) -> None:
    role = {"name": "reader", "path": "/", "assumeRolePolicy": trust("ec2.amazonaws.com")}
    user = {"userId": "order", "userName": "order", "engine": "valkey", "accessString": "off"}
    assert client.diff(ROLE, "reader", role, {**role, "path": "/shop/"}).deleteBeforeReplace
    found = client.diff(USER, "order", user, {**user, "userName": "orders"})
    assert (list(found.replaces), found.deleteBeforeReplace) == (["userName"], False)


def run(**inputs: Any) -> Simulation:
    def program() -> None:
        aws.rds.Instance(
            "db",
            engine="postgres",
            instance_class="db.m7g.large",
            username="dba",
            password="p" * 24,
            skip_final_snapshot=True,
            storage_type="gp3",
            **inputs,
        )

    return simulate(program)


def test_two_runs_are_compared_by_the_same_rules() -> None:
    before = run(allocated_storage=30)
    refused = compare(before, run(allocated_storage=400)).refusals
    assert [each.path for each in refused] == ["iops", "storageThroughput"]
    assert "terraform-provider-aws#28382" in str(refused[0])
    assert compare(before, run(allocated_storage=400, iops=12_000, storage_throughput=500)).refusals == ()
    ignored = pulumi.ResourceOptions(ignore_changes=["allocatedStorage"])
    assert compare(before, run(allocated_storage=400, opts=ignored)).refusals == ()


def stack(name: str = "users", strategy: str = "Single", **options: Any) -> Simulation:
    def program() -> None:
        inputs = rotation(strategy)
        aws.serverlessrepository.CloudFormationStack(
            name,
            application_id=str(inputs["applicationId"]),
            capabilities=["CAPABILITY_IAM"],
            parameters={"functionName": "shop-users"},
            opts=pulumi.ResourceOptions(**options),
        )

    return simulate(program)


def test_a_replacement_that_is_created_first_must_not_have_the_old_name() -> None:
    (refusal,) = compare(stack(), stack(strategy="Multi")).refusals
    assert (refusal.path, refusal.value) == ("parameters.functionName", "'shop-users'")
    assert "set delete_before_replace" in refusal.remedy
    assert compare(stack(), stack(strategy="Multi", delete_before_replace=True)).refusals == ()


def test_what_is_renamed_in_the_program_is_created_before_the_old_one_goes() -> None:
    (refusal,) = compare(stack(), stack("rotation")).refusals
    assert "an alias" in refusal.remedy
    assert "::users has this one" in refusal.expected
