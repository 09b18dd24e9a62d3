"""The web application firewall (S1, S6, S7)."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.tests.ingress_samples import EDGE_KEY, KEY, one, refusal, simulated
from groundplan.cloud import Simulation
from groundplan_components.edge import WebAcl, WebAclArgs, WebAclScope

ACL = "aws:wafv2/webAcl:WebAcl"


def web_acl_args(**changed: Any) -> WebAclArgs:
    args: Any = {"scope": WebAclScope.REGIONAL, "kms_key_arn": KEY, **changed}
    return args  # type: ignore[no-any-return]


def build(**changed: Any) -> Simulation:
    return simulated(lambda: WebAcl("shop", web_acl_args(**changed)))


def rules(simulation: Simulation) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in one(simulation, ACL).inputs["rules"]}


def test_s7_a_hundred_requests_a_minute_for_each_client_then_429_in_the_envelope() -> None:
    simulation = build()
    rate = rules(simulation)["rate"]
    assert rate["statement"]["rateBasedStatement"] == {
        "limit": 100,
        "evaluationWindowSec": 60,
        "aggregateKeyType": "IP",
    }
    response = rate["action"]["block"]["customResponse"]
    assert response["responseCode"] == 429
    assert response["responseHeaders"] == [{"name": "Retry-After", "value": "60"}]
    bodies = {each["key"]: each for each in one(simulation, ACL).inputs["customResponseBodies"]}
    body = bodies[response["customResponseBodyKey"]]
    assert body["contentType"] == "APPLICATION_JSON"
    assert json.loads(body["content"]) == {
        "error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": []}
    }


def test_s7_rate_and_window_are_arguments() -> None:
    statement = rules(build(rate_limit=500, rate_window_seconds=300))["rate"]["statement"]["rateBasedStatement"]
    assert (statement["limit"], statement["evaluationWindowSec"]) == (500, 300)


def test_s7_behind_the_edge_clients_are_told_apart_by_what_the_edge_says() -> None:
    statement = rules(build(count_forwarded=True, origin_secrets=["a"]))["rate"]["statement"]["rateBasedStatement"]
    assert statement["aggregateKeyType"] == "FORWARDED_IP"
    assert statement["forwardedIpConfig"] == {"headerName": "x-viewer-ip", "fallbackBehavior": "MATCH"}


def test_s1_aws_managed_rules_are_in_force() -> None:
    found = {
        name: rule["statement"]["managedRuleGroupStatement"]["name"]
        for name, rule in rules(build(extra_groups=["linux"])).items()
        if "managedRuleGroupStatement" in rule["statement"]
    }
    assert found == {
        "reputation": "AWSManagedRulesAmazonIpReputationList",
        "bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
        "sql-injection": "AWSManagedRulesSQLiRuleSet",
        "common": "AWSManagedRulesCommonRuleSet",
        "linux": "AWSManagedRulesLinuxRuleSet",
    }
    for name in found:
        rule = rules(build(extra_groups=["linux"]))[name]
        assert rule["overrideAction"] == {"none": {}}
        assert "version" not in rule["statement"]["managedRuleGroupStatement"]


def test_rules_are_numbered_in_their_order() -> None:
    found = one(build(origin_secrets=["a"], allowed_countries=["DE"], blocked_countries=["US"]), ACL).inputs["rules"]
    assert [rule["priority"] for rule in found] == list(range(len(found)))
    assert [rule["name"] for rule in found][:5] == [
        "origin",
        "allowed-countries",
        "blocked-countries",
        "rate",
        "body-size",
    ]


def test_s1_countries_are_let_in_or_kept_out() -> None:
    found = rules(build(allowed_countries=["FR", "DE"], blocked_countries=["US"]))
    allowed = found["allowed-countries"]["statement"]["notStatement"]["statement"]
    assert allowed["geoMatchStatement"]["countryCodes"] == ["DE", "FR"]
    assert found["blocked-countries"]["statement"]["geoMatchStatement"]["countryCodes"] == ["US"]
    assert found["blocked-countries"]["action"]["block"]["customResponse"]["responseCode"] == 403
    assert "allowed-countries" not in rules(build())


@pytest.mark.parametrize(("kib", "limit"), [(16, None), (64, {"defaultSizeInspectionLimit": "KB_64"})])
def test_s6_bodies_are_inspected_whole_or_refused(kib: int, limit: object) -> None:
    simulation = build(max_body_kib=kib)
    rule = rules(simulation)["body-size"]
    size = rule["statement"]["sizeConstraintStatement"]
    assert (size["comparisonOperator"], size["size"]) == ("GT", kib * 1024)
    assert size["fieldToMatch"] == {"body": {"oversizeHandling": "MATCH"}}
    assert rule["action"]["block"]["customResponse"]["responseCode"] == 413
    association = one(simulation, ACL).inputs.get("associationConfig")
    assert association == ({"requestBodies": [{"apiGateway": limit}]} if limit else None)
    overrides = rules(simulation)["common"]["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]
    assert overrides == [{"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}]


@pytest.mark.parametrize("secrets", [["new"], ["new", "old"]])
def test_s1_what_did_not_come_by_the_edge_is_refused(secrets: list[str]) -> None:
    simulation = build(origin_secrets=secrets)
    rule = rules(simulation)["origin"]
    assert rule["priority"] == 0
    assert rule["action"]["block"]["customResponse"]["responseCode"] == 403
    inner = rule["statement"]["notStatement"]["statement"]
    matches = inner["orStatement"]["statements"] if len(secrets) > 1 else [inner]
    for match, secret in zip(matches, secrets, strict=True):
        statement = match["byteMatchStatement"]
        assert statement["searchString"] == secret
        assert statement["positionalConstraint"] == "EXACTLY"
        assert statement["fieldToMatch"] == {"singleHeader": {"name": "x-origin-verify"}}
    assert any(path.startswith("rules") for path in one(simulation, ACL).secret_paths)


def test_s5_the_log_holds_no_tokens() -> None:
    simulation = build(log_days=30)
    group = one(simulation, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["name"] == "aws-waf-logs-shop"
    assert group.inputs["kmsKeyId"] == KEY
    assert group.inputs["retentionInDays"] == 30
    logging = one(simulation, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration").inputs
    assert logging["logDestinationConfigs"] == [group.outputs["arn"]]
    redacted = {field["singleHeader"]["name"] for field in logging["redactedFields"]}
    assert redacted == {"authorization", "cookie", "x-origin-verify"}


def test_what_stands_before_cloudfront_lives_where_cloudfront_lives() -> None:
    simulation = build(scope=WebAclScope.CLOUDFRONT, max_body_kib=32, kms_key_arn=EDGE_KEY)
    assert one(simulation, ACL).inputs["scope"] == "CLOUDFRONT"
    for resource in simulation.resources:
        if resource.custom:
            assert resource.region == "us-east-1", resource.urn
    assert one(simulation, ACL).inputs["associationConfig"]["requestBodies"] == [
        {"cloudfront": {"defaultSizeInspectionLimit": "KB_32"}}
    ]


def test_a_regional_one_stays_in_its_region() -> None:
    assert {each.region for each in build().resources if each.custom} == {"eu-central-1"}


def test_every_rule_is_measured() -> None:
    names = [rule["visibilityConfig"]["metricName"] for rule in rules(build()).values()]
    assert len(set(names)) == len(names)
    assert all(rule["visibilityConfig"]["cloudwatchMetricsEnabled"] for rule in rules(build()).values())


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"rate_limit": 9}, "rate_limit", "10 requests or more"),
        ({"rate_window_seconds": 90}, "rate_window_seconds", "one of 60, 120, 300, 600"),
        ({"max_body_kib": 8}, "max_body_kib", "one of 16, 32, 48, 64"),
        ({"extra_groups": ["windows"]}, "extra_groups", "one of anonymous, linux, posix, admin"),
        ({"allowed_countries": ["Germany"]}, "allowed_countries", "ISO 3166"),
        ({"allowed_countries": ["DE"], "blocked_countries": ["DE"]}, "blocked_countries", "no country that is also"),
        ({"count_forwarded": True}, "count_forwarded", "origin_secrets beside it"),
        ({"origin_secrets": ["a", "b", "c"]}, "origin_secrets", "one secret, or two"),
    ],
)
def test_wrong_arguments_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    message = refusal(lambda: WebAcl("shop", web_acl_args(**changed)))
    assert f'WebAcl "shop": {argument} is ' in message
    assert expected in message


def test_a_name_that_metrics_cannot_carry_is_refused() -> None:
    assert "letters, digits, hyphens and underscores" in refusal(lambda: WebAcl("my shop", web_acl_args()))


def test_refusals_never_show_a_secret() -> None:
    secrets: list[pulumi.Input[str]] = ["secret-1", "secret-2", "secret-3"]
    assert "secret-1" not in refusal(lambda: WebAcl("shop", web_acl_args(origin_secrets=secrets)))
