"""References name what exists, is of the right kind, in reach, and created before (U5: strict where mocks are not)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.cloud.references import managed_policies
from infra.tests.cloud.world import World, allow, document, trust

_SUBNET = "aws:ec2/subnet:Subnet"


def violations(world: World) -> list[tuple[str, str]]:
    return [(each.path, each.expected) for each in world.cloud.refusals]


def subnet(world: World, **changes: Any) -> World:
    inputs = {"vpcId": world.vpc().id, "cidrBlock": "10.0.0.0/20", **changes}
    world.make(_SUBNET, "it", inputs)
    return world


def test_the_right_reference_is_accepted() -> None:
    assert violations(subnet(World())) == []


def test_what_does_not_exist_is_refused() -> None:
    assert violations(subnet(World(), vpcId="vpc-00000000000000000")) == [
        ("vpcId", "a vpc (ec2) that exists when this is created")
    ]


def test_another_kind_is_refused() -> None:
    world = World()
    assert violations(subnet(world, vpcId=world.group().id)) == [("vpcId", "a vpc (ec2), not a security group (ec2)")]


def test_nothing_is_refused() -> None:
    assert violations(subnet(World(), vpcId="")) == [("vpcId", "a vpc (ec2)")]


def test_an_arn_is_not_an_id() -> None:
    world = World()
    world.make(
        "aws:lb/listener:Listener",
        "it",
        {
            "loadBalancerArn": "door",
            "port": 80,
            "defaultActions": [{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}],
        },
    )
    assert violations(world)[0] == ("loadBalancerArn", "the ARN of a load balancer (lb)")


def test_identifiers_anywhere_must_exist() -> None:
    world = World()
    world.make(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "it",
        {
            "metricName": "m",
            "namespace": "n",
            "statistic": "Sum",
            "period": 60,
            "evaluationPeriods": 1,
            "threshold": 1,
            "comparisonOperator": "GreaterThanThreshold",
            "dimensions": {"NatGatewayId": "nat-00000000000000000"},
            "alarmActions": ["arn:aws:sns:eu-central-1:123456789012:gone"],
        },
    )
    assert {path for path, _ in violations(world)} == {"dimensions.NatGatewayId", "alarmActions[0]"}


def test_parts_of_what_exists_count_as_there() -> None:
    world = World()
    bucket = world.bucket()
    statement = allow("s3:GetObject", resource=[f"{bucket.arn}/*", f"{bucket.arn}/one", bucket.arn])
    world.make("aws:iam/policy:Policy", "it", {"policy": document(statement)})
    assert violations(world) == []


def test_a_value_as_text_gives_no_order() -> None:
    world = World()
    vpc = world.vpc()
    world.make(_SUBNET, "it", {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/20"}, first=[])
    assert violations(world) == [("vpcId", f"a value taken from {vpc.urn}")]


def test_waiting_by_a_longer_way_is_enough() -> None:
    world = World()
    vpc = world.vpc()
    between = world.make("aws:ec2/internetGateway:InternetGateway", "way", {"vpcId": vpc.id}, first=[vpc.urn])
    world.make(_SUBNET, "it", {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/20"}, first=[between.urn])
    assert violations(world) == []


def test_other_regions_are_out_of_reach() -> None:
    world = World()
    key = world.make("aws:kms/key:Key", "far", {"policy": world.key().inputs["policy"]}, place="us-east-1")
    world.make("aws:sqs/queue:Queue", "it", {"kmsMasterKeyId": key.arn})
    assert violations(world) == [
        ("kmsMasterKeyId", "a key (kms) or an alias (kms) in eu-central-1; this one is in us-east-1")
    ]


@pytest.mark.parametrize("key", ["alias/aws/sqs", "alias/aws/sns"])
def test_keys_that_aws_manages_need_no_creating(key: str) -> None:
    world = World()
    world.make("aws:sqs/queue:Queue", "it", {"kmsMasterKeyId": key})
    assert violations(world) == []


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("AmazonEKSClusterPolicy", True),
        ("service-role/AmazonAPIGatewayPushToCloudWatchLogs", True),
        ("AmazonEKSClusterpolicy", False),
        ("AmazonAPIGatewayPushToCloudWatchLogs", False),
    ],
)
def test_policies_that_aws_manages_are_known_by_name(name: str, exists: bool) -> None:
    world = World()
    role = world.make("aws:iam/role:Role", "role", {"assumeRolePolicy": trust("ec2.amazonaws.com")})
    attached = {"role": role.physical_name, "policyArn": f"arn:aws:iam::aws:policy/{name}"}
    world.make("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "it", attached)
    assert violations(world) == ([] if exists else [("policyArn", "a policy that AWS manages")])


def test_the_list_of_managed_policies_is_whole() -> None:
    assert len(managed_policies()) > 1500
    assert all(":" not in name for name in managed_policies())


def test_what_comes_with_a_resource_may_be_named() -> None:
    """A network's default security group exists without being declared."""
    world = World()
    vpc = world.vpc()
    rule = {"securityGroupId": vpc.outputs["defaultSecurityGroupId"], "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/16"}
    world.make("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "it", rule)
    assert violations(world) == []


def test_another_accounts_resources_are_not_ours_to_know() -> None:
    world = World()
    bus = "arn:aws:sns:eu-central-1:999999999999:shared"
    world.make(
        "aws:sns/topicSubscription:TopicSubscription",
        "it",
        {"topic": bus, "protocol": "email", "endpoint": "a@example.com"},
    )
    assert violations(world) == []
