"""Alarms on unusually many requests that WAF blocks or the gateway refuses (S1, S3, S4, S7)."""

from collections.abc import Mapping

import pulumi

from groundplan_components.shared import metrics
from groundplan_components.shared.alarms import Alarm, Metric

BLOCKED_SHARE = 0.2
LEAST_BLOCKED = 500
"""Blocked requests in five minutes, above the constant level of scanners."""
REFUSALS = {401: 500, 403: 500, 429: 1000}
"""Status → refusals in five minutes that raise an alarm."""


def blocked_alarm(web_acl: pulumi.Input[str], region: pulumi.Input[str] | None) -> Alarm:
    """S1: a surge of blocked requests. ``web_acl`` is the ACL's metric name; CloudFront's has no region.

    https://docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html
    """
    dimensions: dict[str, pulumi.Input[str]] = {"WebACL": web_acl, "Rule": "ALL"}
    if region is not None:
        dimensions["Region"] = region

    def requests(name: str) -> Metric:
        return Metric(namespace="AWS/WAFV2", name=name, statistic="Sum", dimensions=dimensions)

    return Alarm(
        description=f"S1: the WAF blocks more than {BLOCKED_SHARE:.0%} of requests: an attack, or a rule that is wrong",
        page="firewall-blocks",
        metrics={"blocked": requests("BlockedRequests"), "allowed": requests("AllowedRequests")},
        expression=f"IF(blocked >= {LEAST_BLOCKED}, blocked / (blocked + FILL(allowed, 0)), 0)",
        threshold=BLOCKED_SHARE,
        period=300,
        periods=2,
    )


def refusal_alarms(namespace: str) -> Mapping[int, Alarm]:
    """Alarms by status, on the counts of a metric filter over the gateway's access log."""
    meanings = {401: "S3: no valid token", 403: "S4: not allowed", 429: "S7: too many requests"}
    return {
        status: Alarm(
            description=f"{meanings[status]}: more than {most} refusals in five minutes",
            page="api-refusals",
            metrics={"refusals": Metric(namespace=namespace, name=metrics.gateway_refusals(status), statistic="Sum")},
            threshold=most,
            period=300,
            periods=1,
        )
        for status, most in REFUSALS.items()
    }


def refusal_pattern(status: int) -> str:
    """A metric filter's pattern for one status in a JSON access log, written as a number or as text."""
    field = metrics.ACCESS_LOG_STATUS
    return f'{{ ($.{field} = {status}) || ($.{field} = "{status}") }}'
