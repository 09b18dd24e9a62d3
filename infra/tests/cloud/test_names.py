"""Names: what Pulumi makes of them, and what AWS and Kubernetes let them be."""

from __future__ import annotations

from typing import Any

import pytest

from infra.tests.cloud.world import World, trust


def violations(
    token: str, name: str, inputs: dict[str, Any] | None = None, twice: bool = False, **options: Any
) -> list[tuple[str, str]]:
    world = World()
    world.make(token, name, inputs, **options)
    if twice:
        world.make(token, f"{name}-2", inputs, **options)
    return [(each.path, each.expected) for each in world.cloud.refusals]


ROLE = {"assumeRolePolicy": trust("ec2.amazonaws.com")}
TARGETS = {"targetType": "lambda"}


@pytest.mark.parametrize(
    ("token", "longest", "inputs", "path"),
    [
        ("aws:lb/targetGroup:TargetGroup", 32, TARGETS, "name"),
        ("aws:iam/role:Role", 64, ROLE, "name"),
        ("aws:s3/bucket:Bucket", 63, {}, "bucket"),
        ("aws:sqs/queue:Queue", 80, {}, "name"),
        ("aws:sns/topic:Topic", 256, {}, "name"),
        ("aws:lambda/function:Function", 64, None, "name"),
        ("aws:kms/alias:Alias", 256, None, "name"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", 40, None, "replicationGroupId"),
        ("aws:rds/instance:Instance", 63, None, "identifier"),
        ("aws:ecr/repository:Repository", 256, {}, "name"),
        ("aws:backup/vault:Vault", 50, {}, "name"),
        ("aws:eks/cluster:Cluster", 100, None, "name"),
        ("aws:msk/cluster:Cluster", 64, None, "clusterName"),
    ],
)
def test_pulumis_suffix_of_eight_counts(token: str, longest: int, inputs: dict[str, Any] | None, path: str) -> None:
    prefix = len("alias/") if token == "aws:kms/alias:Alias" else 0
    fits, too_long = "n" * (longest - 8 - prefix), "n" * (longest - 7 - prefix)
    assert not [each for each, expected in violations(token, fits, inputs) if each == path and "at most" in expected]
    (found,) = [
        expected for each, expected in violations(token, too_long, inputs) if each == path and "at most" in expected
    ]
    made = f"the logical name {too_long} and Pulumi's suffix of 8 characters make {longest + 1}"
    assert found == f"at most {longest} characters; {made}"


@pytest.mark.parametrize(
    ("token", "inputs", "path"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "Shop"}, "bucket"),
        ("aws:s3/bucket:Bucket", {"bucket": "a..b"}, "bucket"),
        ("aws:s3/bucket:Bucket", {"bucket": "192.168.0.1"}, "bucket"),
        ("aws:s3/bucket:Bucket", {"bucket": "xn--shop"}, "bucket"),
        ("aws:s3/bucket:Bucket", {"bucket": "ab"}, "bucket"),
        ("aws:kms/alias:Alias", {"name": "shop"}, "name"),
        ("aws:kms/alias:Alias", {"name": "alias/aws/shop"}, "name"),
        ("aws:sqs/queue:Queue", {"name": "order placed"}, "name"),
        ("aws:lb/targetGroup:TargetGroup", {**TARGETS, "name": "-door"}, "name"),
        ("aws:lb/loadBalancer:LoadBalancer", {"name": "internal-door"}, "name"),
        ("aws:rds/instance:Instance", {"identifier": "shop--orders"}, "identifier"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "aws/shop"}, "name"),
        ("aws:ecr/repository:Repository", {"name": "Shop/Order"}, "name"),
        ("aws:cognito/userPoolDomain:UserPoolDomain", {"domain": "my-aws-login"}, "domain"),
        ("aws:msk/topic:Topic", {"name": "order placed"}, "name"),
        ("aws:iam/role:Role", {**ROLE, "name": "role/x"}, "name"),
    ],
)
def test_characters_that_aws_refuses(token: str, inputs: dict[str, Any], path: str) -> None:
    assert path in {each for each, _ in violations(token, "it", inputs)}


@pytest.mark.parametrize(
    ("token", "inputs", "path"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "shop-events"}, "bucket"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "/shop/api", "retentionInDays": 7}, "name"),
        ("aws:iam/role:Role", {**ROLE, "name": "shop"}, "name"),
        ("aws:sqs/queue:Queue", {"name": "orders"}, "name"),
    ],
)
def test_a_name_is_taken_once(token: str, inputs: dict[str, Any], path: str) -> None:
    assert violations(token, "it", inputs) == []
    ((where, expected),) = violations(token, "it", inputs, twice=True)
    assert where == path
    assert "has this one" in expected


def test_names_of_regions_are_apart_and_those_of_the_account_are_not() -> None:
    world = World()
    for place in ("eu-central-1", "us-east-1"):
        world.make("aws:sqs/queue:Queue", place, {"name": "orders"}, place=place)
    assert world.cloud.refusals == []
    for place in ("eu-central-1", "us-east-1"):
        world.make("aws:iam/role:Role", place, {**ROLE, "name": "shop"}, place=place)
    assert [each.path for each in world.cloud.refusals] == ["name"]


def test_automatic_names_are_the_logical_name_and_seven_digits() -> None:
    world = World()
    queue = world.make("aws:sqs/queue:Queue", "orders")
    bucket = world.make("aws:s3/bucket:Bucket", "Events")
    fifo = world.make("aws:sqs/queue:Queue", "line", {"fifoQueue": True})
    prefixed = world.make("aws:sqs/queue:Queue", "other", {"namePrefix": "shop-"})
    assert queue.physical_name.startswith("orders-")
    assert len(queue.physical_name) == len("orders-") + 7
    assert bucket.physical_name.startswith("events-")
    assert fifo.physical_name.endswith(".fifo")
    assert prefixed.physical_name.startswith("shop-")
    assert world.cloud.refusals == []


@pytest.mark.parametrize(
    ("kind", "name", "accepted"),
    [
        ("apps/v1:Deployment", "order.api", None),
        ("core/v1:Namespace", "shop", True),
        ("core/v1:Namespace", "shop.prod", False),
        ("core/v1:Namespace", "Shop", False),
        ("core/v1:Namespace", "n" * 64, False),
        ("core/v1:Service", "1st", False),
        ("core/v1:ConfigMap", "settings_1", False),
        ("core/v1:ServiceAccount", "order", True),
        ("rbac.authorization.k8s.io/v1:ClusterRole", "system:reader", True),
    ],
)
def test_names_of_objects(kind: str, name: str, accepted: bool | None) -> None:
    found = violations(f"kubernetes:{kind}", "it", {"metadata": {"name": name}}, place="cluster")
    wrong = [path for path, _ in found if path == "metadata.name"]
    assert bool(wrong) is (accepted is False)


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ({"app.kubernetes.io/name": "order"}, ""),
        ({"a b": "order"}, "metadata.labels.a b"),
        ({"app": "the order"}, "metadata.labels.app"),
        ({"app": "x" * 64}, "metadata.labels.app"),
        ({"-/app": "x"}, "metadata.labels.-/app"),
    ],
)
def test_labels_of_objects(labels: dict[str, str], path: str) -> None:
    found = violations(
        "kubernetes:core/v1:Namespace", "it", {"metadata": {"name": "shop", "labels": labels}}, place="cluster"
    )
    assert [each for each, _ in found] == ([path] if path else [])


def test_annotations_hold_any_text() -> None:
    annotations = {"example.com/note": "any text, of any kind"}
    inputs = {"metadata": {"name": "shop", "annotations": annotations}}
    assert violations("kubernetes:core/v1:Namespace", "it", inputs, place="cluster") == []


def test_an_object_is_created_once() -> None:
    ((path, expected),) = violations(
        "kubernetes:core/v1:Namespace", "it", {"metadata": {"name": "shop"}}, twice=True, place="cluster"
    )
    assert path == "metadata.name"
    assert "a Namespace that isn't there yet" in expected


def test_settings_of_which_there_is_one_are_made_once() -> None:
    world = World()
    bucket = world.bucket()
    for name in ("one", "two"):
        world.make(
            "aws:s3/bucketVersioning:BucketVersioning",
            name,
            {"bucket": bucket.id, "versioningConfiguration": {"status": "Enabled"}},
        )
    assert [(each.path, each.expected) for each in world.cloud.refusals] == [
        ("bucket", "a BucketVersioning that isn't there yet")
    ]


def test_custom_resources_need_their_definition() -> None:
    inputs = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    (refusal, *_) = violations("kubernetes:example.com/v1:Widget", "w", inputs, place="cluster")
    assert refusal[0] == "kind"
    world = World()
    definition = {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    world.make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "widgets", definition, place="cluster")
    world.make("kubernetes:example.com/v1:Widget", "w", inputs, place="cluster")
    assert world.cloud.refusals == []
