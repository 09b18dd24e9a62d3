"""Dashboard, alarms on service levels, and alarms at the edge (T1 to T4)."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.program.context import EDGE_REGION, StackContext
from groundplan.program.databases import ServiceDatabase
from groundplan.program.events import Events, readers
from groundplan.program.ingress import GuardedGateway
from groundplan.program.platform import Platform
from groundplan_components.cache import Cache
from groundplan_components.edge import Edge
from groundplan_components.events import group_name, topic_name
from groundplan_components.gateway import LoadBalancer
from groundplan_components.observability import (
    AlarmTopic,
    Budget,
    BudgetArgs,
    EdgeAlarms,
    EdgeAlarmsArgs,
    Observability,
    ObservabilityArgs,
    SloAlarms,
)
from groundplan_components.shared import namespace


@dataclass(frozen=True)
class DataStores:
    """Databases, cache and events of a stack."""

    databases: list[ServiceDatabase]
    cache: Cache | None
    events: Events | None


def declare_observability(
    stack: StackContext,
    platform: Platform,
    edge: Edge,
    gateway: GuardedGateway,
    balancer: LoadBalancer,
    stores: DataStores,
) -> Observability:
    requirements = stack.system.requirements
    services = list(stack.system.services)
    slo = stack.component(SloAlarms)(
        f"{stack.scope}-slo",
        {
            "api_name": gateway.component.api_name,
            "stage_name": gateway.component.stage_name,
            "availability_percent": requirements.availability_percent,
            "latency_p95_ms": requirements.latency_p95_ms,
            "query_p95_ms": requirements.query_p95_ms,
            "throttle_rps": stack.plan.gateway.requests_per_second,
            "metrics_namespace": namespace(stack.scope),
            "services": services,
            "load_balancer_arn_suffix": balancer.arn_suffix,
            "target_group_arn_suffixes": dict(balancer.target_group_arn_suffixes),
            "web_acl_metric_name": gateway.web_acl.metric_name,
            "region": stack.environment.region,
            "access_log_group_name": gateway.component.access_log_group_name,
            "alarm_topic_arn": stack.alarms.arn,
        },
        stack.in_region(),
    )
    _alarms_at_the_edge(stack, edge, gateway)
    _budget(stack)
    args: ObservabilityArgs = {
        "scope": stack.scope,
        "region": stack.environment.region,
        "metrics_namespace": namespace(stack.scope),
        "services": services,
        "availability_percent": requirements.availability_percent,
        "latency_p95_ms": requirements.latency_p95_ms,
        "query_p95_ms": requirements.query_p95_ms,
        "throttle_rps": stack.plan.gateway.requests_per_second,
        "api_name": gateway.component.api_name,
        "stage_name": gateway.component.stage_name,
        "distribution_id": edge.distribution_id,
        "web_acl_metric_name": gateway.web_acl.metric_name,
        "load_balancer_arn_suffix": balancer.arn_suffix,
        "target_group_arn_suffixes": dict(balancer.target_group_arn_suffixes),
        "database_identifiers": {
            shard.name: shard.instance.identifier for each in stores.databases for shard in each.shards
        },
        "alarm_arns": dict(slo.burning_alarm_arns),
        "access_log_group_name": gateway.component.access_log_group_name,
    }
    if platform.log_group_name is not None:
        # All services share one log group; queries distinguish them by a field.
        args["service_log_group_names"] = {stack.system.name: platform.log_group_name}
    if stores.cache is not None:
        args["cache_cluster_ids"] = dict(stores.cache.cache_cluster_ids)
    events = stores.events
    if events is not None:
        args["event_log_stream_names"] = dict(events.log.stream_names)
        if events.kafka is not None:
            args["kafka_cluster_name"] = events.kafka.cluster_name
            args["kafka_brokers"] = events.plan.kafka.brokers if events.plan.kafka else 0
            args["kafka_consumers"] = _followed_topics(stack, events)
        if events.queues is not None:
            args["queue_names"] = dict(events.queues.queue_names)
    return stack.component(Observability)("dashboard", args, stack.in_region())


def _followed_topics(stack: StackContext, events: Events) -> dict[str, list[str]]:
    """Topics by consumer group."""
    system = stack.system.name
    followed: dict[str, list[str]] = {}
    for topic in events.plan.topics:
        for reader in readers(topic):
            followed.setdefault(group_name(system, reader), []).append(topic_name(system, topic.event))
    return followed


def _budget(stack: StackContext) -> None:
    environment = stack.environment
    if environment.budget is None:
        return
    args: BudgetArgs = {"monthly_usd": environment.budget, "alarm_topic_arn": stack.alarms.arn}
    if environment.budget_tag is not None:
        args["tag"] = environment.budget_tag
    stack.component(Budget)(f"{stack.scope}-budget", args, stack.in_region())


def _alarms_at_the_edge(stack: StackContext, edge: Edge, gateway: GuardedGateway) -> None:
    """CloudFront and Route 53 publish in their own region, and alarms reach only topics of the same region."""
    topic = stack.alarms.arn
    if stack.environment.region != EDGE_REGION:
        topic = stack.component(AlarmTopic)(
            "edge-alarms",
            {"kms_key_arn": stack.edge_key("alarms"), "emails": stack.environment.alarm_emails},
            stack.at_edge(),
        ).arn
    args: EdgeAlarmsArgs = {
        "distribution_id": edge.distribution_id,
        "alarm_topic_arn": topic,
    }
    # Through the edge: the gateway refuses direct requests.
    if stack.environment.domain:
        args["domain"] = stack.environment.domain
        args["path"] = gateway.component.health_path
    stack.component(EdgeAlarms)("outside", args, stack.at_edge())
