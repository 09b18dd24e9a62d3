"""A web ACL's rules in the order of evaluation (S1, S6, S7); pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from groundplan_components.shared.api_contract import ORIGIN_HEADER, VIEWER_HEADER
from groundplan_components.shared.error_envelope import error_body

MANAGED_GROUPS = {
    "reputation": "AWSManagedRulesAmazonIpReputationList",
    "bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "sql-injection": "AWSManagedRulesSQLiRuleSet",
    "common": "AWSManagedRulesCommonRuleSet",
}
"""Managed rule groups of every web ACL, at AWS's default version."""
EXTRA_GROUPS = {
    "anonymous": "AWSManagedRulesAnonymousIpList",
    "linux": "AWSManagedRulesLinuxRuleSet",
    "posix": "AWSManagedRulesUnixRuleSet",
    "admin": "AWSManagedRulesAdminProtectionRuleSet",
}
KIB = 1024

Rule = dict[str, Any]

RATE_LIMITED = "rate-limited"
FORBIDDEN = "forbidden"
TOO_LARGE = "too-large"
BODIES = {
    RATE_LIMITED: (429, error_body("RATE_LIMITED", "Too many requests")),
    FORBIDDEN: (403, error_body("FORBIDDEN", "Not allowed")),
    TOO_LARGE: (413, error_body("PAYLOAD_TOO_LARGE", "The body is too large")),
}


def custom_bodies() -> list[dict[str, str]]:
    return [
        {"key": key, "content": body, "content_type": "APPLICATION_JSON"} for key, (_, body) in sorted(BODIES.items())
    ]


def rules(
    name: str,
    *,
    rate_limit: int,
    rate_seconds: int,
    forwarded: bool,
    allowed_countries: Sequence[str],
    blocked_countries: Sequence[str],
    max_body_kib: int,
    extra_groups: Sequence[str],
    origin_secrets: Sequence[pulumi.Input[str]],
) -> list[Rule]:
    """The rules, cheap and certain ones first. Their order follows their priorities, because AWS returns them sorted.

    In another order each deployment would show a difference (pulumi-aws#1423).
    """
    found: list[Rule] = []
    if origin_secrets:
        found.append(_block("origin", _not(_any([_header_is(secret) for secret in origin_secrets])), FORBIDDEN))
    if allowed_countries:
        found.append(_block("allowed-countries", _not(_countries(allowed_countries)), FORBIDDEN))
    if blocked_countries:
        found.append(_block("blocked-countries", _countries(blocked_countries), FORBIDDEN))
    found.append(
        _block("rate", _rate(rate_limit, rate_seconds, forwarded), RATE_LIMITED, {"Retry-After": rate_seconds})
    )
    found.append(_block("body-size", _larger_than(max_body_kib), TOO_LARGE))
    groups = MANAGED_GROUPS | {group: EXTRA_GROUPS[group] for group in extra_groups}
    found.extend(_managed(group, managed) for group, managed in groups.items())
    return [
        {**rule, "priority": priority, "visibility_config": visibility(f"{name}-{rule['name']}")}
        for priority, rule in enumerate(found)
    ]


def visibility(metric: str) -> dict[str, Any]:
    return {"metric_name": metric, "cloudwatch_metrics_enabled": True, "sampled_requests_enabled": True}


def _block(name: str, statement: Rule, body: str, headers: Mapping[str, int] | None = None) -> Rule:
    response: Rule = {"response_code": BODIES[body][0], "custom_response_body_key": body}
    if headers:
        response["response_headers"] = [{"name": key, "value": str(value)} for key, value in headers.items()]
    return {"name": name, "statement": statement, "action": {"block": {"custom_response": response}}}


def _managed(name: str, managed: str) -> Rule:
    statement: Rule = {"vendor_name": "AWS", "name": managed}
    if managed == MANAGED_GROUPS["common"]:
        # This rule refuses bodies over 8 KiB with an empty 403. Our rule `body-size` refuses them at the configured
        # size, with the error envelope.
        statement["rule_action_overrides"] = [{"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}}]
    return {
        "name": name,
        "statement": {"managed_rule_group_statement": statement},
        "override_action": {"none": {}},
    }


def _rate(limit: int, seconds: int, forwarded: bool) -> Rule:
    """AWS calls this rate an estimate. The services' token bucket is exact."""
    statement: Rule = {
        "limit": limit,
        "evaluation_window_sec": seconds,
        "aggregate_key_type": "FORWARDED_IP" if forwarded else "IP",
    }
    if forwarded:
        # Requests without a valid address in the header share one limit, instead of having none.
        statement["forwarded_ip_config"] = {"header_name": VIEWER_HEADER, "fallback_behavior": "MATCH"}
    return {"rate_based_statement": statement}


def _countries(codes: Sequence[str]) -> Rule:
    return {"geo_match_statement": {"country_codes": sorted(codes)}}


def _larger_than(kib: int) -> Rule:
    return {
        "size_constraint_statement": {
            "comparison_operator": "GT",
            "size": kib * KIB,
            # A body longer than WAF inspects is too long in any case.
            "field_to_match": {"body": {"oversize_handling": "MATCH"}},
            "text_transformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def _header_is(secret: pulumi.Input[str]) -> Rule:
    return {
        "byte_match_statement": {
            "positional_constraint": "EXACTLY",
            "search_string": secret,
            "field_to_match": {"single_header": {"name": ORIGIN_HEADER}},
            "text_transformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def _any(statements: Sequence[Rule]) -> Rule:
    return statements[0] if len(statements) == 1 else {"or_statement": {"statements": list(statements)}}


def _not(statement: Rule) -> Rule:
    return {"not_statement": {"statement": statement}}
