"""AWS WAF in front of CloudFront or the gateway (S1, S6, S7)."""

import re
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch, wafv2

from groundplan_components.edge._web_acl_rules import EXTRA_GROUPS, custom_bodies, rules, visibility
from groundplan_components.shared.api_contract import EDGE_REGION, ORIGIN_HEADER
from groundplan_components.shared.checks import require
from groundplan_components.shared.choices import choice
from groundplan_components.shared.log_days import require_log_days

SMALLEST_LIMIT = 10
LARGEST_LIMIT = 2_000_000_000
WINDOWS_SECONDS = (60, 120, 300, 600)
"""https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html"""
BODY_SIZES_KIB = (16, 32, 48, 64)
"""Sizes of bodies that WAF can inspect; AWS charges extra above 16 KiB.
https://docs.aws.amazon.com/waf/latest/APIReference/API_RequestBodyAssociatedResourceTypeConfig.html
"""
STANDARD_BODY_KIB = 16
COUNTRY = re.compile(r"[A-Z]{2}")
METRIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class WebAclScope(StrEnum):
    """Kinds of resources that the ACL can protect."""

    CLOUDFRONT = "CLOUDFRONT"
    """Distributions. The component creates such an ACL in us-east-1; its key must be there too."""
    REGIONAL = "REGIONAL"
    """Stages of an API gateway, load balancers and user pools of one region."""


class WebAclArgs(TypedDict):
    scope: WebAclScope
    """What it protects: `REGIONAL`, or `CLOUDFRONT`, whose web ACLs live in us-east-1."""
    rate_limit: NotRequired[int]
    """Requests of one client in the window, 10 or more (S7). Default: 100."""
    rate_window_seconds: NotRequired[int]
    """Length of the window: 60, 120, 300 or 600 seconds. Default: 60."""
    count_forwarded: NotRequired[bool]
    """Count by the address in `x-viewer-ip`, which the edge writes; behind the edge, the caller's own address is
    CloudFront's. Needs ``origin_secrets``: without them clients could write the header. Default: false."""
    allowed_countries: NotRequired[list[str]]
    """ISO 3166 codes of the allowed countries. Default: every country."""
    blocked_countries: NotRequired[list[str]]
    """ISO 3166 codes of refused countries. Default: none."""
    max_body_kib: NotRequired[int]
    """The largest accepted body, inspected in full: 16, 32, 48 or 64 KiB. Default: 16."""
    extra_groups: NotRequired[list[str]]
    """Managed rules besides the four of every web ACL: any of `anonymous`, `linux`, `posix`, `admin`. Default: none."""
    origin_secrets: NotRequired[list[pulumi.Input[str]]]
    """The ACL refuses requests without one of these in `x-origin-verify`, which the edge adds, so clients can't bypass
    the edge. Give two during a rotation. Default: none, requests need no secret."""
    log_days: NotRequired[int]
    """Retention of the log, in days. Default: 90."""
    kms_key_arn: pulumi.Input[str]
    """Encrypts the log: a key in the ACL's region, whose policy admits CloudWatch Logs."""


class WebAcl(pulumi.ComponentResource):
    """A web ACL with AWS's managed rules, a rate for each client, and a log without tokens and cookies."""

    arn: pulumi.Output[str]
    metric_name: str
    """Its name in CloudWatch's metrics."""
    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: WebAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:WebAcl", name, {}, opts)
        scope = _scope(f'WebAcl "{name}"', args)
        region = EDGE_REGION if scope is WebAclScope.CLOUDFRONT else None
        inside = pulumi.ResourceOptions(parent=self)
        body_kib = args.get("max_body_kib", STANDARD_BODY_KIB)

        acl = wafv2.WebAcl(
            name,
            scope=scope.value,
            description=f"Web ACL of {name}",
            default_action={"allow": {}},
            rules=rules(
                name,
                rate_limit=args.get("rate_limit", 100),
                rate_seconds=args.get("rate_window_seconds", 60),
                forwarded=args.get("count_forwarded", False),
                allowed_countries=args.get("allowed_countries", []),
                blocked_countries=args.get("blocked_countries", []),
                max_body_kib=body_kib,
                extra_groups=args.get("extra_groups", []),
                origin_secrets=[pulumi.Output.secret(secret) for secret in args.get("origin_secrets", [])],
            ),
            custom_response_bodies=custom_bodies(),
            association_config=_inspection(scope, body_kib),
            visibility_config=visibility(name),
            region=region,
            tags={"Name": name},
            opts=inside,
        )
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            # WAF requires this prefix of a log group's name:
            # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
            name=f"aws-waf-logs-{name}",
            retention_in_days=args.get("log_days", 90),
            kms_key_id=args["kms_key_arn"],
            region=region,
            tags={"Name": f"{name}-logs"},
            opts=inside,
        )
        wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[logs.arn],
            redacted_fields=[
                {"single_header": {"name": header}} for header in ("authorization", "cookie", ORIGIN_HEADER)
            ],
            region=region,
            opts=inside,
        )
        self.arn = acl.arn
        self.metric_name = name
        self.log_group_name = logs.name
        self.register_outputs({"arn": self.arn, "metric_name": self.metric_name, "log_group_name": self.log_group_name})


def _inspection(scope: WebAclScope, kib: int) -> dict[str, object] | None:
    if kib == STANDARD_BODY_KIB:
        return None
    limit = {"default_size_inspection_limit": f"KB_{kib}"}
    kind = "cloudfront" if scope is WebAclScope.CLOUDFRONT else "api_gateway"
    return {"request_bodies": [{kind: limit}]}


def _scope(component: str, args: WebAclArgs) -> WebAclScope:
    return choice(WebAclScope, args["scope"], component, "scope")


def _check(name: str, args: WebAclArgs) -> None:
    who = f'WebAcl "{name}"'
    _scope(who, args)
    require_log_days(who, args.get("log_days", 90))
    require(
        METRIC_NAME.fullmatch(name) is not None,
        who,
        "name",
        name,
        "1 to 100 letters, digits, hyphens and underscores: CloudWatch's metrics carry it",
        "choose another name",
    )
    limit = args.get("rate_limit", 100)
    require(
        SMALLEST_LIMIT <= limit <= LARGEST_LIMIT,
        who,
        "rate_limit",
        limit,
        f"{SMALLEST_LIMIT} requests or more",
        "raise it, or lengthen the window",
    )
    window = args.get("rate_window_seconds", 60)
    require(
        window in WINDOWS_SECONDS,
        who,
        "rate_window_seconds",
        window,
        f"one of {', '.join(map(str, WINDOWS_SECONDS))}",
        "choose the nearest",
    )
    size = args.get("max_body_kib", STANDARD_BODY_KIB)
    require(
        size in BODY_SIZES_KIB,
        who,
        "max_body_kib",
        size,
        f"one of {', '.join(map(str, BODY_SIZES_KIB))}",
        "take the next larger size; upload larger content to a bucket directly",
    )
    for group in args.get("extra_groups", []):
        require(
            group in EXTRA_GROUPS,
            who,
            "extra_groups",
            group,
            f"one of {', '.join(EXTRA_GROUPS)}",
            "correct the name; every web ACL has the common groups",
        )
    require(
        not args.get("count_forwarded", False) or bool(args.get("origin_secrets")),
        who,
        "count_forwarded",
        True,
        "origin_secrets beside it: without them clients could send any address",
        "give the edge's secret, or count callers",
    )
    for argument in ("allowed_countries", "blocked_countries"):
        for code in args.get(argument, []):  # type: ignore[attr-defined]
            require(
                COUNTRY.fullmatch(code) is not None,
                who,
                argument,
                code,
                "two capitals, an ISO 3166 code",
                "write it like DE",
            )
    both = sorted({*args.get("allowed_countries", [])} & {*args.get("blocked_countries", [])})
    require(
        not both,
        who,
        "blocked_countries",
        both,
        "no country that is also in allowed_countries",
        "take it out of one of the two",
    )
    require(
        len(args.get("origin_secrets", [])) <= 2,
        who,
        "origin_secrets",
        f"a list of {len(args.get('origin_secrets', []))}",
        "one secret, or two while one takes the other's place",
        "remove the oldest",
    )
