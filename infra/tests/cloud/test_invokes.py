"""What the account answers when it is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundplan.cloud.invokes import Unanswered, answer
from infra.tests.cloud.world import World


def ask(function: str, world: World | None = None, region: str = "eu-central-1", **arguments: Any) -> dict[str, Any]:
    return dict(answer((world or World()).cloud, function, arguments, region))


def test_three_zones_in_every_region() -> None:
    """Or more; what the names stand for is told by the ids alone (e6)."""
    for region, number in (("eu-central-1", 3), ("us-east-1", 6)):
        found = ask("aws:index/getAvailabilityZones:getAvailabilityZones", region=region, state="available")
        assert found["names"] == [f"{region}{letter}" for letter in "abcdef"[:number]]
        assert len(set(found["zoneIds"])) == number
    assert found["zoneIds"][0] == "use1-az3"


def test_account_region_and_partition() -> None:
    assert ask("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert ask("aws:index/getRegion:getRegion", region="eu-west-1")["region"] == "eu-west-1"
    assert ask("aws:index/getPartition:getPartition")["dnsSuffix"] == "amazonaws.com"


def test_a_zone_that_the_program_makes_is_found_by_name() -> None:
    world = World()
    zone = world.make("aws:route53/zone:Zone", "zone", {"name": "example.com"})
    assert ask("aws:route53/getZone:getZone", world, name="example.com.")["zoneId"] == zone.id
    assert ask("aws:route53/getZone:getZone", world, zoneId=zone.id)["name"] == "example.com"
    with pytest.raises(Unanswered, match="no hosted zone has the id Z1"):
        ask("aws:route53/getZone:getZone", world, zoneId="Z1")


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "com.amazonaws.global.cloudfront.origin-facing"},
        {"filters": [{"name": "prefix-list-name", "values": ["com.amazonaws.eu-central-1.s3"]}]},
    ],
)
def test_prefix_lists_that_aws_manages(arguments: dict[str, Any]) -> None:
    world = World()
    found = ask("aws:ec2/getManagedPrefixList:getManagedPrefixList", world, **arguments)
    rule = {
        "securityGroupId": world.group().id,
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "prefixListId": found["id"],
    }
    world.make("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "it", rule)
    assert world.cloud.refusals == []
    assert found["maxEntries"] > 0


def test_prefix_lists_that_nobody_has() -> None:
    with pytest.raises(Unanswered, match="no prefix list is named"):
        ask("aws:ec2/getManagedPrefixList:getManagedPrefixList", name="com.amazonaws.mars")


def test_policy_documents_are_written_as_iam_reads_them() -> None:
    condition = {"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["123456789012"]}
    statement = {
        "sid": "Send",
        "actions": ["sqs:SendMessage"],
        "resources": ["*", "arn:aws:sqs:eu-central-1:123456789012:*"],
        "principals": [{"type": "Service", "identifiers": ["sns.amazonaws.com"]}],
        "conditions": [condition],
    }
    found = ask(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        statements=[statement, {"effect": "Deny", "notActions": ["s3:*"]}],
    )
    assert json.loads(found["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Sid": "Send",
                "Action": "sqs:SendMessage",
                "Resource": ["*", "arn:aws:sqs:eu-central-1:123456789012:*"],
                "Principal": {"Service": ["sns.amazonaws.com"]},
                "Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"]}},
            },
            {"Effect": "Deny", "NotAction": "s3:*"},
        ],
    }


def test_secrets_and_parameters_are_those_that_were_made() -> None:
    world = World()
    secret = world.make("aws:secretsmanager/secret:Secret", "owner", {"name": "owner"})
    version = {"secretId": secret.id, "secretString": "value"}
    world.make("aws:secretsmanager/secretVersion:SecretVersion", "owner", version)
    world.make("aws:ssm/parameter:Parameter", "level", {"name": "/shop/level", "type": "String", "value": "info"})
    assert ask("aws:secretsmanager/getSecret:getSecret", world, name="owner")["arn"] == secret.arn
    assert (
        ask("aws:secretsmanager/getSecretVersion:getSecretVersion", world, secretId=secret.id)["secretString"]
        == "value"
    )
    assert ask("aws:ssm/getParameter:getParameter", world, name="/shop/level")["value"] == "info"
    for function, arguments in (
        ("aws:secretsmanager/getSecret:getSecret", {"name": "gone"}),
        ("aws:secretsmanager/getSecretVersion:getSecretVersion", {"secretId": "gone"}),
        ("aws:ssm/getParameter:getParameter", {"name": "/gone"}),
        ("aws:eks/getCluster:getCluster", {"name": "gone"}),
    ):
        with pytest.raises(Unanswered, match="gone"):
            ask(function, world, **arguments)


def test_parameters_that_aws_publishes_have_a_value() -> None:
    assert ask("aws:ssm/getParameter:getParameter", name="/aws/service/eks/optimized-ami/1.35/x")["value"]


def test_what_is_not_answered_says_what_is() -> None:
    with pytest.raises(Unanswered, match="the simulated account answers aws:ec2/getManagedPrefixList"):
        ask("aws:ec2/getAmi:getAmi")
