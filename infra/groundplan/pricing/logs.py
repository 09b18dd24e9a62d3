"""CloudWatch Logs: what is written into a group, and what stays there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.cloud.model import Resource
from groundplan.pricing import figures
from groundplan.pricing.band import Band
from groundplan.pricing.item import Grows, Item, item
from groundplan.pricing.usage import Usage

_TIER = "logs and metrics"
_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def ingested(
    resource: Resource,
    usage: Usage,
    group_name: str,
    gib: Band,
    what: str,
    *,
    vended: bool = False,
    grows: Grows = "load",
    shares: Mapping[str, float] | None = None,
) -> Iterator[Item]:
    """What a resource writes into a group of this name, and what is kept of it for the group's days."""
    group = next((each for each in usage.of(_GROUP) if each.outputs.get("name") == group_name), None)
    region = group.region if group else ""
    days = (group.inputs.get("retentionInDays") if group else None) or usage.environment.log_days
    key = "cloudwatch.logs.vended" if vended else "cloudwatch.logs"
    yield item(_TIER, resource, what, key, gib, grows=grows, region=region, shares=shares)
    kept = gib * figures.STORED_LOG_SHARE.band * (days / figures.DAYS)
    yield item(
        _TIER, resource, f"{what}, {days} days", "cloudwatch.logs.stored", kept, grows=grows, region=region,
        shares=shares,
    )  # fmt: skip


_WRITTEN_BY_OTHERS = ("aws-waf-logs-", "/aws/vendedlogs/api-gateway/")
"""Names of groups whose writer is a resource that is priced with what it writes."""


def group(resource: Resource, usage: Usage) -> Iterator[Item]:
    """A group that services, the control plane or an engine write into."""
    name = str(resource.outputs.get("name") or resource.name)
    flows = {str(each.inputs.get("logDestination")).rpartition(":log-group:")[2] for each in _flow_logs(usage)}
    if name.startswith(_WRITTEN_BY_OTHERS) or name in flows:
        return
    if name.startswith("/aws/containerinsights/"):
        if name.endswith("/application"):
            yield from ingested(
                resource, usage, name, usage.service_log_gib, "services' log", shares=usage.request_shares
            )
            return
    elif name.startswith("/aws/eks/"):
        yield from ingested(resource, usage, name, figures.CLUSTER_LOG_GIB.band, "control plane's log", grows="fixed")
        return
    yield from ingested(resource, usage, name, figures.QUIET_LOG_GIB.band, "quiet log", grows="fixed")


def _flow_logs(usage: Usage) -> tuple[Resource, ...]:
    return usage.of("aws:ec2/flowLog:FlowLog")
