"""How much a difference between account and state matters (U8)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.drift import Risk, differences, drift_of, report, risk_of

SECRET = "4dabf18193072939515e22adb298388d"


def event(op: str, token: str, old: dict[str, Any], new: dict[str, Any] | None = None) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::shop::{token}::thing"
    metadata = {"op": op, "urn": urn, "type": token, "old": {"outputs": old}, "new": {"outputs": new or {}}}
    return {"resOutputsEvent": {"metadata": metadata}}


@pytest.mark.parametrize(
    ("token", "path", "was", "now", "risk"),
    [
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "cidrIpv4",
            "10.0.0.0/16",
            "0.0.0.0/0",
            Risk.OPENED,
        ),
        ("aws:ec2/securityGroup:SecurityGroup", "ingress", [], [{"cidrBlocks": ["0.0.0.0/0"]}], Risk.OPENED),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "blockPublicAcls", True, False, Risk.OPENED),
        ("aws:rds/instance:Instance", "publiclyAccessible", False, True, Risk.OPENED),
        ("aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidrs[0]", "8.8.8.0/24", "0.0.0.0/0", Risk.OPENED),
        ("aws:iam/rolePolicy:RolePolicy", "policy", "{}", '{"a": 1}', Risk.WIDENED),
        ("aws:iam/role:Role", "assumeRolePolicy", "{}", '{"a": 1}', Risk.WIDENED),
        ("aws:iam/role:Role", "permissionsBoundary", "arn", None, Risk.WIDENED),
        ("aws:kms/key:Key", "policy", "{}", '{"a": 1}', Risk.WIDENED),
        ("aws:elasticache/user:User", "accessString", "on ~a", "on ~*", Risk.WIDENED),
        ("aws:rds/instance:Instance", "deletionProtection", True, False, Risk.UNPROTECTED),
        ("aws:rds/instance:Instance", "backupRetentionPeriod", 14, 0, Risk.UNPROTECTED),
        ("aws:cloudwatch/logGroup:LogGroup", "retentionInDays", 90, 1, Risk.UNPROTECTED),
        ("aws:lb/listener:Listener", "sslPolicy", "a", "b", Risk.UNPROTECTED),
        ("aws:wafv2/webAcl:WebAcl", "rules[0].action.block", {}, None, Risk.UNPROTECTED),
        ("aws:kms/key:Key", "enableKeyRotation", True, False, Risk.UNPROTECTED),
        ("aws:rds/instance:Instance", "instanceClass", "db.m7g.large", "db.m7g.xlarge", Risk.RESIZED),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "nodeType", "a", "b", Risk.RESIZED),
        ("aws:sqs/queue:Queue", "delaySeconds", 5, 600, Risk.RESIZED),
        ("aws:rds/instance:Instance", "tags.team", "shop", "other", Risk.TAGGED),
        ("aws:sns/topic:Topic", "displayName", "a", "b", Risk.OTHER),
    ],
)
def test_each_kind_of_change_has_its_risk(token: str, path: str, was: object, now: object, risk: Risk) -> None:
    assert risk_of(token, path, was, now) is risk


def test_what_follows_from_the_rest_or_says_nothing_is_no_drift() -> None:
    same = event("update", "aws:sqs/queue:Queue", {"id": "1", "tags": {}, "arn": "a"}, {"id": "2", "arn": "b"})
    assert drift_of([same]) == []
    assert drift_of([event("same", "aws:sqs/queue:Queue", {"a": 1}, {"a": 2})]) == []
    assert drift_of([event("delete", "pulumi:providers:aws", {})]) == []
    assert list(differences({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}})) == [("a.b[1]", 2, 3)]


def test_the_gravest_comes_first_and_a_secret_is_not_told() -> None:
    found = drift_of(
        [
            event("update", "aws:sqs/queue:Queue", {"tags": {"a": "1"}}, {"tags": {"a": "2"}}),
            event("update", "aws:rds/instance:Instance", {"password": {SECRET: "x"}}, {"password": "swordfish"}),
            event("delete", "aws:s3/bucket:Bucket", {"bucket": "log"}),
        ]
    )
    assert [each.risk for each in found] == [Risk.GONE, Risk.OTHER, Risk.TAGGED]
    text = report("dev", found)
    assert "swordfish" not in text
    assert text.index("Deleted (1)") < text.index("Tags (1)")
    assert "To adopt" in text
    assert "To undo" in text


def test_nothing_in_the_account_can_write_markup_or_call_people() -> None:
    found = drift_of(
        [event("update", "aws:sns/topic:Topic", {"displayName": "a"}, {"displayName": "|<img> @everyone\n# x"})]
    )
    row = next(line for line in report("dev", found).splitlines() if "displayName" in line)
    assert "<img>" not in row
    assert "@everyone" not in row
    assert row.count("|") == 6
    assert "\\|" in row
