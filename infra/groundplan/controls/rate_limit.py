"""S7: at most so many requests of one client in a window; over it 429, in the error envelope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundplan.cloud.model import Resource
from groundplan.controls.captured import CapturedProgram
from groundplan.controls.model import Check, control
from groundplan.controls.network import DISTRIBUTION, WEB_ACL
from groundplan.controls.reading import at, by_name, includes, mappings, parsed_or_empty
from groundplan.controls.workloads import running

ENVELOPE = {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "details": []}}
CLIENT_HEADER = "x-viewer-ip"
_RULES = "set `edge.rate_limit` in `system.yaml`, and leave the rule `rate` to `WebAcl`"


def _rate_rules(check: Check, scope: str | None = None) -> Iterator[tuple[Resource, str]]:
    acls = [each for each in check.some(WEB_ACL) if scope in (None, each.inputs.get("scope"))]
    if not acls:
        check.missing(f"a web ACL with the scope {scope}")
    for acl in acls:
        indexes = [i for i, rule in enumerate(mappings(acl.inputs.get("rules"))) if rule.get("name") == "rate"]
        if not indexes:
            check.missing("a rule `rate`, which blocks by rate", acl, "rules")
        for index in indexes:
            yield acl, f"rules.{index}"


def _same_limit(program: CapturedProgram, check: Check, acl: Resource, rule: str) -> str:
    limit = program.system.edge.rate_limit
    path = f"{rule}.statement.rateBasedStatement"
    check.same(acl, f"{path}.limit", limit.requests)
    check.same(acl, f"{path}.evaluationWindowSec", limit.per_seconds)
    scoped = at(acl.inputs, f"{path}.scopeDownStatement")
    if scoped:
        check.missing("every request is counted", acl, f"{path}.scopeDownStatement", "a part of them")
    return path


@control("S7.edge-rate", "The edge counts each client's requests", "edge.web_acl", remedy=_RULES)
def edge_rate(program: CapturedProgram, check: Check) -> None:
    for acl, rule in _rate_rules(check, "CLOUDFRONT"):
        path = _same_limit(program, check, acl, rule)
        check.same(acl, f"{path}.aggregateKeyType", "IP")


@control(
    "S7.gateway-rate",
    "The gateway counts by the address that the edge wrote",
    "edge.web_acl",
    "edge.distribution",
    remedy="give `WebAcl` of the gateway `count_forwarded`, and leave the header to `Edge`",
)
def gateway_rate(program: CapturedProgram, check: Check) -> None:
    """Behind the edge every caller is CloudFront: without the edge's header all clients would share one limit."""
    for acl, rule in _rate_rules(check, "REGIONAL"):
        path = _same_limit(program, check, acl, rule)
        check.same(acl, f"{path}.aggregateKeyType", "FORWARDED_IP")
        check.same(acl, f"{path}.forwardedIpConfig.headerName", CLIENT_HEADER)
        check.same(acl, f"{path}.forwardedIpConfig.fallbackBehavior", "MATCH")
    functions = program.by_output("aws:cloudfront/function:Function", "arn")
    for distribution in check.some(DISTRIBUTION):
        paths = ["defaultCacheBehavior"]
        paths += [f"orderedCacheBehaviors.{i}" for i, _ in enumerate(mappings(distribution.inputs.get(_ORDERED)))]
        for path in paths:
            if at(distribution.inputs, f"{path}.targetOriginId") != "api":
                continue
            associations = mappings(at(distribution.inputs, f"{path}.functionAssociations"))
            writing = [functions.get(str(each.get("functionArn"))) for each in associations]
            written = any(
                each is not None
                and f"headers['{CLIENT_HEADER}'] = {{ value: event.viewer.ip }}" in str(each.inputs.get("code"))
                for each in writing
            )
            on_request = bool(associations) and all(each.get("eventType") == "viewer-request" for each in associations)
            expected = f"a function that writes the client's address into {CLIENT_HEADER} of every request"
            check.that(written and on_request, distribution, f"{path}.functionAssociations", expected)


_ORDERED = "orderedCacheBehaviors"


@control(
    "S7.rate-answer",
    "Over the limit the answer is 429 with Retry-After, in the error envelope",
    "edge.web_acl",
    "gateway.gateway",
    remedy=_RULES,
)
def rate_answer(program: CapturedProgram, check: Check) -> None:
    seconds = str(program.system.edge.rate_limit.per_seconds)
    for acl, rule in _rate_rules(check):
        path = f"{rule}.action.block.customResponse"
        check.same(acl, f"{path}.responseCode", 429)
        headers = by_name(at(acl.inputs, f"{path}.responseHeaders"))
        check.that(headers == {"Retry-After": seconds}, acl, f"{path}.responseHeaders", f"Retry-After: {seconds}")
        key = at(acl.inputs, f"{path}.customResponseBodyKey")
        bodies = {str(each.get("key")): each for each in mappings(acl.inputs.get("customResponseBodies"))}
        body: Any = bodies.get(str(key))
        right = parsed_or_empty(at(body, "content")) == ENVELOPE and at(body, "contentType") == "APPLICATION_JSON"
        check.that(right, acl, f"{path}.customResponseBodyKey", "the error envelope with the code RATE_LIMITED")
    for api, document in program.rest_apis:
        throttled = at(document, ("x-amazon-apigateway-gateway-responses", "THROTTLED"))
        text = at(throttled, ("responseTemplates", "application/json"))
        right = str(at(throttled, "statusCode")) == "429" and parsed_or_empty(text) == ENVELOPE
        check.that(right, api, "body", "429 in the error envelope for what the gateway throttles")


@control(
    "S7.stage-throttle",
    "The gateway's stage is throttled at the planned load",
    "gateway.gateway",
    remedy="give `Gateway` `throttle_rps` and `burst` of the plan",
)
def stage_throttle(program: CapturedProgram, check: Check) -> None:
    planned = program.plan.gateway
    for settings in check.some("aws:apigateway/methodSettings:MethodSettings"):
        check.same(settings, "methodPath", "*/*")
        check.same(settings, "settings.throttlingRateLimit", planned.requests_per_second)
        check.same(settings, "settings.throttlingBurstLimit", planned.burst)
    wanted = {"rateLimit": planned.requests_per_second, "burstLimit": planned.burst}
    for plan in program.of("aws:apigateway/usagePlan:UsagePlan"):
        check.that(includes(plan.inputs.get("throttleSettings"), wanted), plan, "throttleSettings", str(wanted))


@control(
    "S7.service-rate",
    "Services keep the exact count",
    "workload.workload",
    remedy="give workloads the settings `RATE_LIMIT_REQUESTS` and `RATE_LIMIT_SECONDS`, as `declare_services` does",
)
def service_rate(program: CapturedProgram, check: Check) -> None:
    limit = program.system.edge.rate_limit
    for _, resource, _ in running(program, check):
        check.same(resource, "data.RATE_LIMIT_REQUESTS", str(limit.requests))
        check.same(resource, "data.RATE_LIMIT_SECONDS", str(limit.per_seconds))
