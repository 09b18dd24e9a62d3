"""Availability as seen from the internet. Alarms are in us-east-1, where CloudFront and Route 53 publish (T4, S1)."""

import re
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import route53

from groundplan_components.observability._firewall_alarms import blocked_alarm
from groundplan_components.shared.alarms import Alarm, Comparison, Metric, Missing, declare
from groundplan_components.shared.checks import require

CHECK_SECONDS = 30
FAILURES = 3
"""Route 53 checks from many locations every thirty seconds; three failures in a row are a failure at that location.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
"""
FEWEST_REGIONS = 3
"""https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html"""
DISTRIBUTION_ERROR_PERCENT = 5.0


class EdgeAlarmsArgs(TypedDict):
    domain: NotRequired[str]
    """Host that answers ``path`` without a token, for example `api.shop.example.com`. Default: no check from
    outside."""
    path: NotRequired[str]
    """Path of the check; the gateway must route it without a token. Default: `/health`."""
    check_regions: NotRequired[list[str]]
    """Regions of Route 53's checkers, three or more. Geographic rules must admit them. Default: all of its regions."""
    distribution_id: NotRequired[pulumi.Input[str]]
    """A CloudFront distribution to watch. Default: none."""
    web_acl_metric_name: NotRequired[pulumi.Input[str]]
    """Metric name of the distribution's web ACL: `WebAcl.metric_name`. Default: none is watched."""
    alarm_topic_arn: pulumi.Input[str]
    """A topic in us-east-1: these alarms reach no other region."""


class EdgeAlarms(pulumi.ComponentResource):
    """Availability from outside, and alarms on the distribution and its web ACL.

    Give it a provider for us-east-1: these metrics are published nowhere else.
    """

    def __init__(self, name: str, args: EdgeAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args)
        super().__init__("groundplan:index:EdgeAlarms", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        alarms: dict[str, Alarm] = {}

        if "domain" in args:
            check = route53.HealthCheck(
                f"{name}-outside",
                type="HTTPS",
                fqdn=args["domain"],
                port=443,
                resource_path=args.get("path", "/health"),
                request_interval=CHECK_SECONDS,
                failure_threshold=FAILURES,
                enable_sni=True,
                measure_latency=True,
                regions=sorted(args["check_regions"]) if "check_regions" in args else None,
                tags={"Name": f"{name}-outside"},
                opts=inside,
            )
            alarms["outside"] = _outside(args["domain"], check.id)
        if "distribution_id" in args:
            alarms["distribution"] = _distribution(args["distribution_id"])
        if "web_acl_metric_name" in args:
            alarms["firewall"] = blocked_alarm(args["web_acl_metric_name"], None)
        for what, alarm in alarms.items():
            declare(f"{name}-{what}", alarm, [args["alarm_topic_arn"]], inside)
        self.register_outputs({})


def _outside(domain: str, check: pulumi.Input[str]) -> Alarm:
    return Alarm(
        description=f"T4: {domain} doesn't answer from outside",
        page="outside",
        metrics={
            "healthy": Metric(
                namespace="AWS/Route53",
                name="HealthCheckStatus",
                statistic="Minimum",
                dimensions={"HealthCheckId": check},
            )
        },
        threshold=1,
        comparison=Comparison.BELOW,
        periods=2,
        missing=Missing.BAD,
    )


def _distribution(distribution: pulumi.Input[str]) -> Alarm:
    return Alarm(
        description=f"CloudFront answers more than {DISTRIBUTION_ERROR_PERCENT:g} % of requests with a status of 5xx",
        page="distribution-errors",
        metrics={
            "errors": Metric(
                namespace="AWS/CloudFront",
                name="5xxErrorRate",
                statistic="Average",
                dimensions={"DistributionId": distribution, "Region": "Global"},
            )
        },
        threshold=DISTRIBUTION_ERROR_PERCENT,
        periods=5,
    )


def _check(name: str, args: EdgeAlarmsArgs) -> None:
    where = f'EdgeAlarms "{name}"'
    domain = args.get("domain", "a.example")
    require(
        re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", domain) is not None,
        where,
        "domain",
        domain,
        "a host name without scheme or path",
        "write it as api.example.com",
    )
    path = args.get("path", "/health")
    require(
        path.startswith("/") and len(path) <= 255,
        where,
        "path",
        path,
        "a path that begins with / and has at most 255 characters",
        "write it as /health",
    )
    regions = args.get("check_regions")
    require(
        regions is None or len(set(regions)) >= FEWEST_REGIONS,
        where,
        "check_regions",
        regions,
        f"{FEWEST_REGIONS} different regions or more, so that a failure at one location isn't taken for an outage",
        "add some, or leave it out to check from all regions",
    )
