"""The API gateway (A1, S1, S2, S3, S6, S7, C1)."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.tests.ingress_samples import (
    CERTIFICATE,
    GROUP,
    KEY,
    WEB_ACL,
    ZONE,
    gateway_args,
    one,
    refusal,
    simulated,
)
from groundplan.cloud import Simulation
from groundplan_components.gateway import Gateway, GatewayAccount, GatewayArgs, GatewayRoute

API = "aws:apigateway/restApi:RestApi"
STAGE = "aws:apigateway/stage:Stage"
SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"


def build(*without: str, **changed: Any) -> Simulation:
    args: Any = {**gateway_args(), **changed}
    for key in without:
        del args[key]
    return simulated(lambda: Gateway("shop", args))


def test_s2_the_api_and_its_domain_insist_on_tls_1_3() -> None:
    simulation = build()
    for token in (API, "aws:apigateway/domainName:DomainName"):
        inputs = one(simulation, token).inputs
        assert inputs["securityPolicy"] == "SecurityPolicy_TLS13_1_3_2025_09"
        assert inputs["endpointAccessMode"] == "STRICT"
        assert inputs["endpointConfiguration"]["types"] == "REGIONAL"


def test_s1_with_a_domain_the_default_address_is_off() -> None:
    assert one(build(), API).inputs["disableExecuteApiEndpoint"] is True
    assert one(build("domain", "certificate_arn", "hosted_zone_id"), API).inputs["disableExecuteApiEndpoint"] is False


def test_the_domain_leads_to_the_stage_under_the_same_first_segment() -> None:
    simulation = build()
    domain = one(simulation, "aws:apigateway/domainName:DomainName")
    assert domain.inputs["domainName"] == "api.shop.example.com"
    assert domain.inputs["regionalCertificateArn"] == CERTIFICATE
    mapping = one(simulation, "aws:apigateway/basePathMapping:BasePathMapping")
    assert mapping.inputs["basePath"] == "api"
    assert one(simulation, STAGE).inputs["stageName"] == "api"
    record = one(simulation, "aws:route53/record:Record")
    assert (record.inputs["name"], record.inputs["type"]) == ("api.shop.example.com", "A")
    assert record.inputs["zoneId"] == ZONE
    assert one(simulation, "groundplan:index:Gateway").outputs["url"] == "https://api.shop.example.com/api"


def test_r1_versions_stand_beside_each_other() -> None:
    first = gateway_args()["routes"][0]
    second = {**first, "version": 2, "update_schema": json.dumps({"type": "object", "maxProperties": 1})}
    plain, both = (json.loads(one(build(routes=routes), API).inputs["body"]) for routes in ([first], [first, second]))
    plural = first["plural"]
    assert {f"/v1/{plural}", f"/v2/{plural}"} <= set(both["paths"])
    assert both["paths"][f"/v1/{plural}"] == plain["paths"][f"/v1/{plural}"], "nothing changes for its clients"
    target = both["paths"][f"/v2/{plural}/{{id}}"]["get"]["x-amazon-apigateway-integration"]["uri"]
    assert target.endswith(f"/api/v2/{plural}/{{id}}")
    names = [each["operationId"] for item in both["paths"].values() for each in item.values() if "operationId" in each]
    assert len(names) == len(set(names))
    assert set(plain["components"]["schemas"]) < set(both["components"]["schemas"])
    assert all(name.isalnum() for name in both["components"]["schemas"])


@pytest.mark.parametrize("version", [0, 100])
def test_a_version_that_is_none_is_refused(version: int) -> None:
    first: GatewayRoute = {**gateway_args()["routes"][0], "version": version}
    assert "from 1 to 99" in refusal(lambda: Gateway("shop", {**gateway_args(), "routes": [first]}))


def test_without_a_domain_the_host_is_the_apis_own() -> None:
    simulation = build("domain", "certificate_arn", "hosted_zone_id")
    api = one(simulation, API)
    host = f"{api.id}.execute-api.eu-central-1.amazonaws.com"
    assert one(simulation, "groundplan:index:Gateway").outputs["host"] == host
    assert simulation.of_type("aws:apigateway/domainName:DomainName") == ()


def test_a_new_route_makes_a_new_deployment() -> None:
    more = [*gateway_args()["routes"], {"plural": "users", "operations": ["list"]}]
    first, same, other = (
        one(simulation, DEPLOYMENT).inputs["triggers"]["routes"]
        for simulation in (build(), build(), build(routes=more))
    )
    assert first == same
    assert first != other
    assert not one(build(), DEPLOYMENT).delete_before_replace


def test_s7_the_stage_throttles() -> None:
    settings = one(build(), SETTINGS)
    assert settings.inputs["methodPath"] == "*/*"
    assert settings.inputs["settings"]["throttlingRateLimit"] == 2000
    assert settings.inputs["settings"]["throttlingBurstLimit"] == 1000


def test_s5_nothing_of_a_request_but_its_outline_is_logged() -> None:
    simulation = build()
    settings = one(simulation, SETTINGS).inputs["settings"]
    assert settings["dataTraceEnabled"] is False
    assert settings["loggingLevel"] == "ERROR"
    stage = one(simulation, STAGE)
    fields = json.loads(stage.inputs["accessLogSettings"]["format"])
    assert {"status", "requestId", "ip", "path", "httpMethod"} <= set(fields)
    assert not [value for value in fields.values() if "header" in value.lower() or "querystring" in value.lower()]
    group = one(simulation, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["kmsKeyId"] == KEY
    assert stage.inputs["accessLogSettings"]["destinationArn"] == group.outputs["arn"]
    assert stage.inputs["xrayTracingEnabled"] is True


def test_a_stage_waits_until_it_may_log() -> None:
    simulation = build()
    account = one(simulation, "aws:apigateway/account:Account")
    assert account.retain_on_delete
    assert account.urn in one(simulation, STAGE).dependencies


def test_one_role_serves_every_gateway_of_the_account() -> None:
    def program() -> None:
        account = GatewayAccount("account", {})
        args: GatewayArgs = {**gateway_args(), "account_role": False}
        Gateway("shop", args, pulumi.ResourceOptions(depends_on=[account]))

    simulation = simulated(program)
    assert one(simulation, "aws:apigateway/account:Account").parent.endswith("GatewayAccount::account")


def test_c1_the_response_cache_is_encrypted_and_obeys_tokens() -> None:
    simulation = build(cache_gb=0.5, cache_seconds=60)
    stage = one(simulation, STAGE)
    assert stage.inputs["cacheClusterEnabled"] is True
    assert stage.inputs["cacheClusterSize"] == "0.5"
    settings = one(simulation, SETTINGS).inputs["settings"]
    assert settings["cachingEnabled"] is True
    assert settings["cacheTtlInSeconds"] == 60
    assert settings["cacheDataEncrypted"] is True
    assert settings["requireAuthorizationForCacheControl"] is True
    assert "cacheKeyParameters" in one(simulation, API).inputs["body"]


def test_c1_no_cache_unless_asked_for() -> None:
    simulation = build()
    assert one(simulation, STAGE).inputs["cacheClusterEnabled"] is False
    assert one(simulation, SETTINGS).inputs["settings"]["cachingEnabled"] is False


def test_s1_the_web_acl_stands_before_the_stage() -> None:
    simulation = build()
    association = one(simulation, "aws:wafv2/webAclAssociation:WebAclAssociation")
    assert association.inputs["webAclArn"] == WEB_ACL
    assert association.inputs["resourceArn"] == one(simulation, STAGE).outputs["arn"]


def test_s1_only_the_gateways_link_reaches_the_load_balancer() -> None:
    simulation = build()
    link = one(simulation, "aws:apigatewayv2/vpcLink:VpcLink")
    group = one(simulation, "aws:ec2/securityGroup:SecurityGroup")
    assert link.inputs["securityGroupIds"] == [group.id]
    inward = one(simulation, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert (inward["securityGroupId"], inward["referencedSecurityGroupId"]) == (GROUP, group.id)
    assert (inward["fromPort"], inward["toPort"]) == (443, 443)
    outward = one(simulation, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule").inputs
    assert (outward["securityGroupId"], outward["referencedSecurityGroupId"]) == (group.id, GROUP)


def test_s2_https_to_the_load_balancer_only_at_its_tls_port() -> None:
    assert '"uri": "https://api.shop.example.com/api/v1/orders"' in one(build(), API).inputs["body"]
    plain = one(build(load_balancer_port=80), API).inputs["body"]
    assert '"uri": "http://api.shop.example.com/api/v1/orders"' in plain


def test_a_usage_plan_without_keys_and_with_them() -> None:
    simulation = build(daily_quota=1000)
    plan = one(simulation, "aws:apigateway/usagePlan:UsagePlan")
    assert plan.inputs["throttleSettings"] == {"rateLimit": 2000, "burstLimit": 1000}
    assert plan.inputs["quotaSettings"] == {"limit": 1000, "period": "DAY"}
    assert simulation.of_type("aws:apigateway/apiKey:ApiKey") == ()
    keyed = build(api_keys=["partner"])
    key = one(keyed, "aws:apigateway/apiKey:ApiKey")
    assert "value" in key.additional_secret_outputs
    assert one(keyed, "aws:apigateway/usagePlanKey:UsagePlanKey").inputs["keyId"] == key.id


def test_an_open_api_needs_no_user_pool() -> None:
    routes = [{"plural": "articles", "operations": ["list"], "open_operations": ["list"]}]
    simulation = build("user_pool_arn", "read_scope", "write_scope", routes=routes)
    assert json.loads(one(simulation, API).inputs["body"])["components"]["securitySchemes"] == {}


def test_a1_fifty_services_take_no_more_resources_than_one() -> None:
    routes = [{"plural": f"r{number}", "operations": ["list", "get", "create"]} for number in range(148)]
    assert len(build(routes=routes).resources) == len(build().resources)


@pytest.mark.parametrize(
    ("changed", "argument", "expected"),
    [
        ({"routes": []}, "routes", "at least one resource"),
        ({"routes": [{"plural": "Orders", "operations": ["list"]}]}, "routes[0].plural", "lower-case letters"),
        ({"routes": [{"plural": "orders", "operations": []}]}, "routes[0].operations", "at least one of list"),
        ({"routes": [{"plural": "orders", "operations": ["read"]}]}, "routes[0].operations", "one of list, get"),
        (
            {"routes": [{"plural": "orders", "operations": ["list"], "open_operations": ["get"]}]},
            "routes[0].open_operations",
            "one of the resource's operations: list",
        ),
        (
            {"routes": [{"plural": "orders", "operations": ["list"], "query_parameters": ["a b"]}]},
            "routes[0].query_parameters",
            "letters, digits and underscores",
        ),
        (
            {"routes": [{"plural": "orders", "operations": ["create"], "create_schema": "{"}]},
            "routes[0].create_schema",
            "a JSON Schema of type object",
        ),
        (
            {"routes": [{"plural": "orders", "operations": ["list"]}, {"plural": "orders", "operations": ["get"]}]},
            "routes[1].plural",
            "one route for each path",
        ),
        (
            {"routes": [{"plural": f"r{number}", "operations": ["list"]} for number in range(149)]},
            "routes",
            "at most 300, the account's quota",
        ),
        ({"cache_gb": 1.0, "cache_seconds": 60}, "cache_gb", "one of 0.5, 1.6, 6.1"),
        ({"cache_gb": 0.5}, "cache_seconds", "cache_gb and cache_seconds, or neither"),
        ({"cache_gb": 0.5, "cache_seconds": 4000}, "cache_seconds", "1 to 3600 seconds"),
        ({"timeout_ms": 30_000}, "timeout_ms", "50 to 29000 milliseconds"),
        ({"throttle_rps": 0}, "throttle_rps", "above zero"),
        ({"cors_origin": "*"}, "cors_origin", "one origin"),
        ({"cors_origin": "https://shop.example.com/"}, "cors_origin", "without a path"),
    ],
)
def test_wrong_arguments_are_refused(changed: dict[str, Any], argument: str, expected: str) -> None:
    args: GatewayArgs = {**gateway_args(), **changed}  # type: ignore[typeddict-item]
    message = refusal(lambda: Gateway("shop", args))
    assert f'Gateway "shop": {argument} is ' in message
    assert expected in message


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("user_pool_arn", "tokens list orders asks for"),
        ("read_scope", "takes identity tokens"),
        ("write_scope", "takes identity tokens"),
        ("certificate_arn", "beside domain"),
        ("hosted_zone_id", "beside domain"),
    ],
)
def test_what_belongs_together_is_asked_for(missing: str, expected: str) -> None:
    args: Any = gateway_args()
    del args[missing]
    assert expected in refusal(lambda: Gateway("shop", args))
