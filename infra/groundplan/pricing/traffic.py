"""What requests pass on their way in and out: edge, gateway, identity, network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.cloud.model import Resource
from groundplan.pricing import figures
from groundplan.pricing.band import NOTHING, Band
from groundplan.pricing.item import Billed, Item, item
from groundplan.pricing.logs import ingested
from groundplan.pricing.usage import EDGE_REGION, Usage, gib, items_in


def _distribution(resource: Resource, usage: Usage) -> Iterator[Item]:
    # Priced by where viewers are, not by the stack's region, which is the best guess of that.
    edge = "cloudfront.europe" if usage.environment.region.startswith("eu-") else "cloudfront.us"

    def billed(what: str, key: str, quantity: Band, shares: Mapping[str, float] | None = usage.public_shares) -> Item:
        return item("edge", resource, what, key, quantity, grows="load", region=EDGE_REGION, shares=shares)

    sent = usage.answers_gib(usage.public)
    files = gib(usage.static_requests, figures.STATIC_KIB.band * figures.KIB)
    written = gib(usage.edge_writes, figures.REQUEST_KIB.band * figures.KIB)
    behaviours = [resource.inputs.get("defaultCacheBehavior"), *items_in(resource.inputs.get("orderedCacheBehaviors"))]
    runs = [bool(each and each.get("functionAssociations")) for each in behaviours]
    calls = (usage.static_requests if runs[0] else NOTHING) + (usage.api_requests if any(runs[1:]) else NOTHING)
    yield billed("HTTPS requests", f"{edge}.requests", usage.edge_requests)
    yield billed("answers to viewers", f"{edge}.out", sent)
    yield billed("static files to viewers", f"{edge}.out", files, None)
    yield billed("bodies to the origin", f"{edge}.origin", written)
    yield billed("functions", "cloudfront.functions", calls)


def _web_acl(resource: Resource, usage: Usage) -> Iterator[Item]:
    at_edge = resource.inputs.get("scope") == "CLOUDFRONT"
    tier, where = ("edge", EDGE_REGION) if at_edge else ("gateway", "")
    seen = usage.edge_requests if at_edge else usage.api_requests
    rules = len(items_in(resource.inputs.get("rules")))
    yield item(tier, resource, "web ACL", "waf.acl", 1, region=where)
    yield item(tier, resource, "rules", "waf.rule", rules, region=where)
    yield item(
        tier, resource, "requests inspected", "waf.requests", seen, grows="load", region=where,
        shares=usage.public_shares,
    )  # fmt: skip


def _web_acl_log(resource: Resource, usage: Usage) -> Iterator[Item]:
    """Every request is in the log: the configuration filters none."""
    destinations = items_in(resource.inputs.get("logDestinationConfigs"))
    group = str(destinations[0]).rpartition(":")[2] if destinations else ""
    at_edge = ":global/" in str(resource.inputs.get("resourceArn"))
    seen = usage.edge_requests if at_edge else usage.api_requests
    size = gib(seen, figures.WAF_LOG_BYTES.band)
    yield from ingested(resource, usage, group, size, "web ACL's log", vended=True, shares=usage.public_shares)


def _stage(resource: Resource, usage: Usage) -> Iterator[Item]:
    by = usage.public_shares
    yield item("gateway", resource, "requests", "apigateway.rest", usage.api_requests, grows="load", shares=by)
    if resource.inputs.get("cacheClusterEnabled"):
        size = resource.inputs.get("cacheClusterSize")
        yield item("gateway", resource, f"cache of {size} GB", f"apigateway.cache.{size}", figures.HOURS)
    if settings := resource.inputs.get("accessLogSettings"):
        group = str(settings.get("destinationArn")).rpartition(":log-group:")[2]
        size = gib(usage.api_requests, figures.ACCESS_LOG_BYTES.band)
        yield from ingested(resource, usage, group, size, "access log", vended=True, shares=by)
    if resource.inputs.get("xrayTracingEnabled"):
        traces = usage.api_requests * figures.TRACE_SHARE.band
        yield item("logs and metrics", resource, "traces", "xray.traces", traces, grows="load", shares=by)


def _methods(resource: Resource, usage: Usage) -> Iterator[Item]:
    if (resource.inputs.get("settings") or {}).get("metricsEnabled"):
        methods = sum(
            len(each.operations)
            for service in usage.system.services.values()
            if service.exposure == "public"
            for each in service.resources.values()
        )
        metrics = figures.METHOD_METRICS.band * methods
        yield item("logs and metrics", resource, "metrics of each method", "cloudwatch.metric", metrics)


def _user_pool(resource: Resource, usage: Usage) -> Iterator[Item]:
    plan = str(resource.inputs.get("userPoolTier") or "ESSENTIALS").lower()
    if usage.users is not None:
        yield item("identity", resource, f"active users ({plan})", f"cognito.{plan}", usage.users, grows="load")


def _nat_gateway(resource: Resource, usage: Usage) -> Iterator[Item]:
    gateways = usage.of("aws:ec2/natGateway:NatGateway")
    part = 1 / len(gateways)
    outside = gib(usage.all_requests, figures.OUTBOUND_KIB.band * figures.KIB)
    by = usage.request_shares
    yield item("network", resource, "NAT gateway", "nat.hour", figures.HOURS * _zones_of(resource, usage))
    yield item(
        "network", resource, "through NAT: outside services", "nat.processed", outside * part, grows="load", shares=by
    )
    sent = outside * figures.OUTBOUND_SENT.band * part
    yield item("network", resource, "to the internet", "transfer.internet", sent, grows="load", shares=by)
    if not usage.environment.interface_endpoints:
        inside = usage.service_log_gib + usage.queue_traffic_gib
        yield item(
            "network", resource, "through NAT: AWS services", "nat.processed", inside * part, grows="load", shares=by
        )


def _zones_of(resource: Resource, usage: Usage) -> int:
    """A regional NAT gateway is billed for each zone that it is in."""
    return usage.plan.network.zones if resource.inputs.get("availabilityMode") == "regional" else 1


def _address(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("network", resource, "public address", "vpc.address", figures.HOURS)


def _endpoint(resource: Resource, usage: Usage) -> Iterator[Item]:
    if resource.inputs.get("vpcEndpointType") != "Interface":
        return
    zones = len(items_in(resource.inputs.get("subnetIds")))
    yield item("network", resource, "endpoint in each zone", "endpoint.hour", figures.HOURS * zones)
    service = str(resource.inputs.get("serviceName")).rpartition(".")[2]
    carried = {"logs": usage.service_log_gib, "sqs": usage.queue_traffic_gib}.get(service)
    if carried is not None:
        yield item(
            "network", resource, "through the endpoint", "endpoint.processed", carried, grows="load",
            shares=usage.request_shares,
        )  # fmt: skip


def _firewall(resource: Resource, usage: Usage) -> Iterator[Item]:
    zones = len(items_in(resource.inputs.get("subnetMappings")))
    yield item("network", resource, "firewall in each zone", "firewall.hour", figures.HOURS * zones)
    outside = gib(usage.all_requests, figures.OUTBOUND_KIB.band * figures.KIB)
    yield item("network", resource, "through the firewall", "firewall.processed", outside, grows="load")


def _flow_log(resource: Resource, usage: Usage) -> Iterator[Item]:
    group = str(resource.inputs.get("logDestination")).rpartition(":log-group:")[2]
    size = gib(usage.all_requests, figures.FLOW_LOG_BYTES.band)
    yield from ingested(resource, usage, group, size, "flow log", vended=True, shares=usage.request_shares)


def _balancer(resource: Resource, usage: Usage) -> Iterator[Item]:
    by = usage.public_shares
    carried = usage.answers_gib(usage.public) + gib(usage.api_requests, figures.REQUEST_KIB.band * figures.KIB)
    yield item("gateway", resource, "load balancer", "alb.hour", figures.HOURS)
    # An LCU is a GB an hour; no other of its measures is larger when connections are kept and rules are few.
    yield item("gateway", resource, "traffic (LCU)", "alb.lcu", carried, grows="load", shares=by)
    yield item("network", resource, "pods and stores in other zones", "transfer.zones", _between_zones(usage) * 2,
               grows="load", shares=usage.request_shares)  # fmt: skip


def _between_zones(usage: Usage) -> Band:
    """GiB that leave a zone: pods ask databases, cache and brokers wherever those are. Each is billed at both ends."""
    carried = gib(usage.all_requests, figures.DATABASE_KIB.band * figures.KIB)
    if usage.plan.cache:
        carried = carried + usage.answers_gib(usage.requests)
    if usage.plan.events and usage.plan.events.kafka:
        for event, messages in usage.events.items():
            passes = messages * (1 + usage.readers(event))
            carried = carried + gib(passes, usage.event_kib(event) * figures.KIB)
    return carried * figures.ZONE_CROSSING.band


def _health_check(resource: Resource, _usage: Usage) -> Iterator[Item]:
    inputs = resource.inputs
    options = (inputs.get("type") == "HTTPS") + bool(inputs.get("measureLatency")) + bool(inputs.get("searchString"))
    options += inputs.get("requestInterval") == 10
    yield item("edge", resource, "health check", "route53.check.aws", 1, region=EDGE_REGION)
    yield item("edge", resource, "options of the check", "route53.check.option", options, region=EDGE_REGION)


def _zone(resource: Resource, _usage: Usage) -> Iterator[Item]:
    yield item("edge", resource, "hosted zone", "route53.zone", 1, region=EDGE_REGION)


TRAFFIC: Mapping[str, Billed] = {
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _web_acl_log,
    "aws:apigateway/stage:Stage": _stage,
    "aws:apigateway/methodSettings:MethodSettings": _methods,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/flowLog:FlowLog": _flow_log,
    "aws:networkfirewall/firewall:Firewall": _firewall,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:route53/zone:Zone": _zone,
}
