"""U3, U6: for every change of a declaration, nothing that holds data is made anew.

The engine replaces a resource whose URN disappears, or one of whose fixed properties changes. Fixed properties are
those that the provider documents as forcing a new resource.
"""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.declaration.model import System
from groundplan.rehearsal.differences import compare
from groundplan.stack.environment import Environment
from infra.tests.program.graphs import Graph, graph_of, group, simulated, with_services
from infra.tests.program.reading import comparable
from infra.tests.samples import changed, shop, stack, with_images

FIXED: dict[str, tuple[str, ...]] = {
    "aws:backup/vault:Vault": ("name", "kmsKeyArn"),
    "aws:cognito/userPool:UserPool": ("usernameAttributes", "usernameConfiguration", "aliasAttributes"),
    "aws:ec2/subnet:Subnet": ("vpcId", "cidrBlock", "availabilityZone"),
    "aws:ec2/vpc:Vpc": ("cidrBlock",),
    "aws:ecr/repository:Repository": ("name", "encryptionConfigurations"),
    "aws:eks/cluster:Cluster": ("name", "roleArn", "encryptionConfig", "kubernetesNetworkConfig", "vpcConfig"),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "kmsKeyId",
        "subnetGroupName",
        "port",
        "atRestEncryptionEnabled",
    ),
    "aws:kms/key:Key": ("keyUsage", "customerMasterKeySpec", "multiRegion"),
    "aws:msk/cluster:Cluster": ("clusterName", "brokerNodeGroupInfo", "encryptionInfo"),
    "aws:msk/topic:Topic": ("name", "clusterArn", "replicationFactor"),
    "aws:rds/instance:Instance": (
        "identifier",
        "engine",
        "username",
        "kmsKeyId",
        "storageEncrypted",
        "dbSubnetGroupName",
        "availabilityZone",
        "replicateSourceDb",
    ),
    "aws:s3/bucket:Bucket": ("bucket", "bucketPrefix", "objectLockEnabled"),
    "aws:secretsmanager/secret:Secret": ("name", "namePrefix"),
    "aws:sns/topic:Topic": ("name", "fifoTopic"),
    "aws:sqs/queue:Queue": ("name", "fifoQueue"),
    "random:index/randomId:RandomId": ("byteLength", "keepers", "prefix"),
    "random:index/randomPassword:RandomPassword": (
        "length",
        "special",
        "keepers",
        "minLower",
        "minUpper",
        "minNumeric",
    ),
}
BROKER_TYPE = ("instanceType", "storageInfo")
"""Of `brokerNodeGroupInfo`: MSK changes them in place."""


def after(system: System, environment: Environment | None = None) -> Graph:
    stack_before = environment or stack("prod")
    return simulated("after", system, with_images(stack_before, system))


def fixed(token: str, inputs: Any) -> str:
    found = {name: inputs.get(name) for name in FIXED[token]}
    if token == "aws:msk/cluster:Cluster":
        group = found["brokerNodeGroupInfo"]
        found["brokerNodeGroupInfo"] = {key: value for key, value in group.items() if key not in BROKER_TYPE}
    return comparable(found)


def replaced(before: Graph, now: Graph) -> list[str]:
    """Stateful resources that the engine would delete or replace."""
    kept = [each for each in before.resources if each.type in FIXED]
    assert len(kept) > 50
    return [
        each.urn
        for each in kept
        if each.urn not in now.by_urn or fixed(each.type, each.inputs) != fixed(each.type, now.by_urn[each.urn].inputs)
    ]


def added(before: Graph, now: Graph, token: str) -> set[str]:
    return {each.name for each in now.of(token)} - {each.name for each in before.of(token)}


REVIEW = {
    "resources": {
        "review": {
            "fields": {"text": {"type": "text", "required": True}},
            "operations": {"list": ["customer"], "create": ["customer"]},
        }
    },
    "publishes": ["review.written"],
    "consumes": ["order.placed"],
}
DATABASE = "aws:rds/instance:Instance"

pytestmark = pytest.mark.xdist_group(group("prod"))


def test_u3_a_further_service() -> None:
    before = graph_of("prod")
    now = after(changed(shop(), services={"review": REVIEW}))
    assert now.simulation.refusals == ()
    assert replaced(before, now) == []
    assert "db-review-primary" in added(before, now, DATABASE)
    assert {"kafka-topic-review.written", "kafka-dead-letter-review"} <= added(before, now, "aws:msk/topic:Topic")


def test_u3_a_further_event() -> None:
    before = graph_of("prod")
    publishes = [*shop().services["payment"].publishes, "payment.disputed"]
    now = after(with_services(payment={"publishes": publishes}))
    assert replaced(before, now) == []
    assert added(before, now, "aws:msk/topic:Topic") == {"kafka-topic-payment.disputed"}
    assert added(before, now, DATABASE) == set()


def test_u6_ten_times_the_load() -> None:
    before = graph_of("prod")
    now = after(changed(shop(), requirements={"requests_per_second": 10_000}))
    assert now.simulation.refusals == ()
    assert replaced(before, now) == []
    assert now.plan.workloads != before.plan.workloads


def test_u6_more_reads_ask_for_more_replicas_and_the_others_stay() -> None:
    """Fifty times the load also asks for a pool before users' replicas; those of orders grow, and take all."""
    before, now = graph_of("prod"), graph_of("pooled")
    assert replaced(before, now) == []
    assert added(before, now, DATABASE) == {"db-order-replica-3", "db-user-replica-3"}
    assert added(before, now, "kubernetes:apps/v1:Deployment") == {"db-user-readers-deployment"}


def test_u6_more_data_grows_the_storage_in_place() -> None:
    before = graph_of("prod")
    now = after(with_services(order={"data_gb": 340}))
    assert replaced(before, now) == []
    sizes = [graph.one(DATABASE, "db-order-primary").inputs["allocatedStorage"] for graph in (before, now)]
    assert sizes[0] < sizes[1]


def test_d3_a_further_generation_of_shards_leaves_the_others_where_they_are() -> None:
    before = graph_of("sharded")
    generations = [
        {"since": "2024-01-01", "shards": 2},
        {"since": "2026-01-01", "shards": 4},
        {"since": "2027-01-01", "shards": 5},
    ]
    now = after(with_services(order={"data_gb": 1500, "shard_map": generations}))
    assert replaced(before, now) == []
    assert {name for name in added(before, now, DATABASE) if "replica" not in name} == {"db-order-5-primary"}


def test_u3_another_image_changes_pods_and_nothing_else() -> None:
    before = graph_of("prod")
    images = {name: image.replace("@sha256:0", "@sha256:1") for name, image in before.environment.images.items()}
    now = simulated("after", before.system, before.environment.model_copy(update={"images": images}))
    assert now.by_urn.keys() == before.by_urn.keys()
    different = {
        each.type for each in before.resources if comparable(each.inputs) != comparable(now.by_urn[each.urn].inputs)
    }
    assert different == {"kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job"}


def test_u3_removing_a_service_touches_no_other() -> None:
    """Its own data is protected: the deployment stops until that is lifted."""
    declared = shop().model_dump(mode="json", exclude_unset=True)
    declared["services"].pop("user")
    before = graph_of("prod")
    now = after(System.model_validate(declared))
    gone = replaced(before, now)
    assert gone
    assert all("user" in urn.rpartition("::")[2] for urn in gone)
    holding_data = [before.by_urn[urn] for urn in gone if before.by_urn[urn].type in (DATABASE, "aws:msk/topic:Topic")]
    assert all(each.protect for each in holding_data if "replica" not in each.name)


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
@pytest.mark.parametrize("change", ["ten times the load", "the proxy", "ten times the load and the proxy"])
def test_u6_nothing_that_aws_refuses_lies_on_the_way(name: str, change: str) -> None:
    """Storage over the size that RDS stripes, rotation by another strategy under the same function name."""
    before, environment = graph_of(name), stack(name)
    system = before.system
    if "load" in change:
        requests = system.requirements.requests_per_second * 10
        system = changed(system, requirements={"requests_per_second": requests})
    if "proxy" in change:
        environment = environment.model_copy(update={"database_proxy": not environment.database_proxy})
    now = after(system, environment)
    assert [str(each) for each in compare(before.simulation, now.simulation).refusals] == []
