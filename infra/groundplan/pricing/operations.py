"""What the system runs on and is watched by: cluster, logs, alarms, keys, secrets, functions, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.cloud.model import Resource
from groundplan.pricing import figures, logs
from groundplan.pricing.band import Band
from groundplan.pricing.item import Billed, Item, item
from groundplan.pricing.usage import EDGE_REGION, Usage, items_in


def _cluster(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("cluster", resource, "control plane", "eks.cluster", figures.HOURS)


def _node_pool(resource: Resource, usage: Usage) -> Iterator[Item]:
    """Auto Mode's machines: what pods ask for, in nodes of four vCPUs; larger ones cost the same by vCPU."""
    hours = usage.nodes * figures.HOURS
    by = usage.node_shares
    low, expected, high = (
        f"ec2.{family}.xlarge" for family in (figures.CHEAPEST_NODE, figures.EXPECTED_NODE, figures.DEAREST_NODE)
    )
    yield item(
        "cluster", resource, "nodes of 4 vCPU", expected, hours, shares=by, low_key=low, high_key=high, grows="load"
    )
    prices = [usage.table.usd(key, usage.environment.region) for key in (low, expected, high)]
    least, likely, most = (price or 0 for price in prices)
    # Without an instance's price the fee has none either: the key is then of no rate.
    fee = "eks.auto" if all(price is not None for price in prices) else f"eks.auto of {expected}"
    machines = Band(least, likely, most) * hours
    yield item("cluster", resource, "Auto Mode's fee, of the nodes' price", fee, machines, shares=by, grows="load")
    disks = usage.nodes * _disk_gib(usage)
    yield item("cluster", resource, "nodes' disks", "ebs.storage", disks, shares=by, grows="load")
    if usage.of("aws:eks/addon:Addon"):
        observations = figures.CLUSTER_OBSERVATIONS.band * usage.nodes
        yield item(
            "logs and metrics", resource, "Container Insights", "cloudwatch.observations", observations, grows="load",
            shares=by,
        )  # fmt: skip
        if usage.environment.trace_share:
            traced = usage.all_requests * usage.environment.trace_share
            yield item("logs and metrics", resource, "services' traces", "xray.traces", traced, grows="load", shares=by)


def _disk_gib(usage: Usage) -> float:
    for each in usage.of("kubernetes:eks.amazonaws.com/v1:NodeClass"):
        size = ((each.inputs.get("spec") or {}).get("ephemeralStorage") or {}).get("size")
        if size:
            return float(str(size).removesuffix("Gi"))
    return 80.0  # what Auto Mode gives a node that says nothing


def _service_metrics(resource: Resource, usage: Usage) -> Iterator[Item]:
    """The dashboard stands for what it shows: the services' own metrics."""
    yield item("logs and metrics", resource, "dashboard", "cloudwatch.dashboard", 1, region=EDGE_REGION)
    for name in usage.system.services:
        yield item(
            "logs and metrics", resource, "services' metrics", "cloudwatch.metric", figures.SERVICE_METRICS.band,
            shares={name: 1.0},
        )  # fmt: skip


def _alarm(resource: Resource, _usage: Usage) -> Iterator[Item]:
    queries = items_in(resource.inputs.get("metricQueries"))
    metrics = sum(1 for each in queries if each.get("metric")) or 1
    if any("ANOMALY_DETECTION_BAND" in str(each.get("expression")) for each in queries):
        metrics += 2  # the band's two edges
    period = resource.inputs.get("period")
    key = "cloudwatch.alarm.fast" if period and int(period) < 60 else "cloudwatch.alarm"
    yield item("logs and metrics", resource, "alarm", key, metrics, region=resource.region)


def _composite_alarm(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("logs and metrics", resource, "composite alarm", "cloudwatch.alarm.composite", 1, region=resource.region)


def _metric_filter(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("logs and metrics", resource, "metric from a log", "cloudwatch.metric", 1)


def _key(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("keys and secrets", resource, "key", "kms.key", 1, region=resource.region)
    calls = figures.KEY_REQUESTS.band
    yield item("keys and secrets", resource, "key requests", "kms.requests", calls, region=resource.region)


def _secret(resource: Resource, _usage: Usage) -> Iterator[Item]:
    calls = figures.SECRET_REQUESTS.band
    yield item("keys and secrets", resource, "secret", "secrets.secret", 1)
    yield item("keys and secrets", resource, "secret requests", "secrets.requests", calls)


def _function(resource: Resource, _usage: Usage) -> Iterator[Item]:
    gib = float(resource.inputs.get("memorySize") or 128) / 1024
    arm = "arm64" in items_in(resource.inputs.get("architectures"))
    yield from _calls(resource, gib, "lambda.arm" if arm else "lambda.x86")


def _calls(resource: Resource, gib: float, key: str) -> Iterator[Item]:
    calls = figures.FUNCTION_CALLS.band
    yield item("keys and secrets", resource, "function calls", "lambda.requests", calls)
    yield item("keys and secrets", resource, "function time", key, calls * figures.FUNCTION_SECONDS.band * gib)


def _repository(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("images", resource, "images", "ecr.storage", figures.IMAGES_GIB.band)


OPERATIONS: Mapping[str, Billed] = {
    "aws:eks/cluster:Cluster": _cluster,
    "kubernetes:karpenter.sh/v1:NodePool": _node_pool,
    "aws:cloudwatch/logGroup:LogGroup": logs.group,
    "aws:cloudwatch/dashboard:Dashboard": _service_metrics,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _metric_filter,
    "aws:kms/key:Key": _key,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:lambda/function:Function": _function,
    "aws:ecr/repository:Repository": _repository,
}
