"""IAM's decision as its user guide has it (e2)."""

from __future__ import annotations

from typing import Any

import pytest

from groundplan.permissions import Request, decide

BUCKET = "arn:aws:s3:::shop-dev--site"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def conditioned(operator: str, key: str, wanted: object) -> list[dict[str, Any]]:
    return [policy(allow("s3:GetObject", Condition={operator: {key: wanted}}))]


def allowed(policies: list[dict[str, Any]], action: str, resource: str = "*", **context: Any) -> bool:
    return decide(
        Request(action, resource, {key.replace("__", ":"): value for key, value in context.items()}), policies
    ).allowed


def test_nothing_is_allowed_that_no_statement_names() -> None:
    assert not allowed([], "s3:GetObject")
    assert not allowed([policy(allow("s3:GetObject"))], "s3:PutObject")


def test_a_denial_wins_wherever_it_stands() -> None:
    both = [policy(allow("s3:*")), policy({"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"})]
    assert allowed(both, "s3:GetObject")
    assert not allowed(both, "s3:DeleteBucket")


@pytest.mark.parametrize(
    ("pattern", "resource", "covers"),
    [
        ("arn:aws:s3:::shop*", "arn:aws:s3:::shopping-site", True),
        ("arn:aws:s3:::shop-dev--*", "arn:aws:s3:::shop-dev-eu--site", False),
        ("arn:aws:s3:::shop-de?--site", BUCKET, True),
        ("arn:aws:s3:::SHOP-dev--site", BUCKET, False),
        ("*", BUCKET, True),
        ("arn:aws:iam::123456789012:role/shop/dev/*", "arn:aws:iam::123456789012:role/shop/dev/a/b", True),
    ],
)
def test_resources_match_in_whole_and_by_case(pattern: str, resource: str, covers: bool) -> None:
    assert allowed([policy(allow("s3:GetObject", pattern))], "s3:GetObject", resource) is covers


def test_actions_match_whatever_their_case() -> None:
    assert allowed([policy(allow("S3:getobject"))], "s3:GetObject")
    assert allowed([policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], "s3:GetObject")
    assert not allowed([policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], "iam:CreateUser")


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "a*", "ab", True),
        ("StringNotLike", "a*", "ab", False),
        ("ArnLike", "arn:aws:iam::*:role/a*", "arn:aws:iam::1:role/ab", True),
        ("ArnLike", "arn:aws:*:role/a", "arn:aws:iam::1:role/a", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "false", False),
        ("Null", "true", None, True),
        ("Null", "false", None, False),
        ("Null", "false", "there", True),
        ("NumericLessThan", "10", "9", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("ForAllValues:StringLike", ["shop.example.com", "*.shop.example.com"], ("a.shop.example.com",), True),
        ("ForAllValues:StringLike", "*.shop.example.com", ("a.shop.example.com", "example.com"), False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAnyValue:StringEquals", "a", ("b", "a"), True),
        ("ForAnyValue:StringEquals", "a", None, False),
    ],
)
def test_conditions(operator: str, wanted: object, value: object, holds: bool) -> None:
    """IAM user guide, "Condition operators" and "Multivalued context keys"."""
    context: Any = {} if value is None else {"key": value}
    assert decide(Request("s3:GetObject", "*", context), conditioned(operator, "key", wanted)).allowed is holds


def test_keys_match_whatever_their_case_and_all_conditions_must_hold() -> None:
    both = [policy(allow("s3:GetObject", Condition={"StringEquals": {"aws:Tag/A": "1", "aws:tag/b": "2"}}))]
    assert decide(Request("s3:GetObject", "*", {"aws:tag/a": "1", "aws:Tag/B": "2"}), both)
    assert not decide(Request("s3:GetObject", "*", {"aws:tag/a": "1"}), both)


def test_an_operator_that_is_not_known_is_no_permission() -> None:
    with pytest.raises(ValueError, match="StringSounds"):
        allowed(conditioned("StringSounds", "key", "a"), "s3:GetObject", key="a")


def test_a_policy_variable_is_the_requests() -> None:
    own = [policy(allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*"))]
    assert decide(Request("s3:GetObject", "arn:aws:s3:::home/ann/x", {"aws:username": "ann"}), own)
    assert not decide(Request("s3:GetObject", "arn:aws:s3:::home/ann/x", {"aws:username": "bob"}), own)
    assert not decide(Request("s3:GetObject", "arn:aws:s3:::home/ann/x", {}), own)


def test_a_boundary_only_takes_away() -> None:
    identity, boundary = [policy(allow("*"))], policy(allow("s3:*"))
    assert decide(Request("s3:GetObject"), identity, boundary)
    refused = decide(Request("iam:CreateUser"), identity, boundary)
    assert not refused
    assert "boundary" in refused.reason
    assert not decide(Request("s3:GetObject"), [policy(allow("ec2:*"))], boundary), "it grants nothing by itself"
