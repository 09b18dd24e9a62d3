"""S7: at most so many requests of one client in a window; over it 429, in the error envelope."""

from __future__ import annotations

import json

from infra.tests.program.graphs import EITHER_BROKER, Graph, on
from infra.tests.program.reading import openapi, rule, settings


@on(*EITHER_BROKER)
def test_s7_the_edge_counts_requests_by_address(graph: Graph) -> None:
    limit = graph.system.edge.rate_limit
    statement = rule(graph, "CLOUDFRONT", "rate")["statement"]["rateBasedStatement"]
    assert statement == {
        "limit": limit.requests,
        "evaluationWindowSec": limit.per_seconds,
        "aggregateKeyType": "IP",
    }


@on(*EITHER_BROKER)
def test_s7_the_gateway_counts_by_the_address_that_the_edge_wrote(graph: Graph) -> None:
    """Behind the edge every caller is CloudFront: without the edge's header all clients would share one limit."""
    limit = graph.system.edge.rate_limit
    statement = rule(graph, "REGIONAL", "rate")["statement"]["rateBasedStatement"]
    assert statement == {
        "limit": limit.requests,
        "evaluationWindowSec": limit.per_seconds,
        "aggregateKeyType": "FORWARDED_IP",
        "forwardedIpConfig": {"headerName": "x-viewer-ip", "fallbackBehavior": "MATCH"},
    }
    (distribution,) = graph.some("aws:cloudfront/distribution:Distribution")
    (api,) = distribution.inputs["orderedCacheBehaviors"]
    (association,) = api["functionAssociations"]
    (function,) = [
        each
        for each in graph.some("aws:cloudfront/function:Function")
        if each.outputs["arn"] == association["functionArn"]
    ]
    assert association["eventType"] == "viewer-request"
    assert "headers['x-viewer-ip'] = { value: event.viewer.ip }" in function.inputs["code"]


@on(*EITHER_BROKER)
def test_s7_over_the_limit_the_answer_is_429_in_the_error_envelope(graph: Graph) -> None:
    envelope = {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": []}}
    for acl in graph.some("aws:wafv2/webAcl:WebAcl"):
        (rate,) = [rule for rule in acl.inputs["rules"] if rule["name"] == "rate"]
        response = rate["action"]["block"]["customResponse"]
        assert response["responseCode"] == 429, acl.urn
        seconds = str(graph.system.edge.rate_limit.per_seconds)
        assert response["responseHeaders"] == [{"name": "Retry-After", "value": seconds}], acl.urn
        bodies = {each["key"]: each for each in acl.inputs["customResponseBodies"]}
        body = bodies[response["customResponseBodyKey"]]
        assert json.loads(body["content"]) == envelope, acl.urn
        assert body["contentType"] == "APPLICATION_JSON", acl.urn
    throttled = openapi(graph)["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
    assert throttled["statusCode"] == "429"
    assert json.loads(throttled["responseTemplates"]["application/json"]) == envelope


@on(*EITHER_BROKER)
def test_s7_the_stage_is_throttled_at_the_planned_load(graph: Graph) -> None:
    planned = graph.plan.gateway
    (settings_of_stage,) = graph.some("aws:apigateway/methodSettings:MethodSettings")
    assert settings_of_stage.inputs["methodPath"] == "*/*"
    found = settings_of_stage.inputs["settings"]
    assert found["throttlingRateLimit"] == planned.requests_per_second
    assert found["throttlingBurstLimit"] == planned.burst
    (plan,) = graph.some("aws:apigateway/usagePlan:UsagePlan")
    assert plan.inputs["throttleSettings"] == {
        "rateLimit": planned.requests_per_second,
        "burstLimit": planned.burst,
    }


@on(*EITHER_BROKER)
def test_s7_services_keep_the_exact_count(graph: Graph) -> None:
    limit = graph.system.edge.rate_limit
    for workload in graph.plan.workloads:
        told = settings(graph, workload.name)
        assert told["RATE_LIMIT_REQUESTS"] == str(limit.requests)
        assert told["RATE_LIMIT_SECONDS"] == str(limit.per_seconds)
