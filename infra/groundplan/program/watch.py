"""What is watched, and what is kept for the day it goes wrong (T1 to T4, P2)."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan_components.observability.alarm_topic import AlarmTopic
from groundplan_components.backup.backup import Backup, BackupArgs
from groundplan_components.cache.cache import Cache
from groundplan_components.edge.distribution import Edge
from groundplan_components.edge.alarms import EdgeAlarms, EdgeAlarmsArgs
from groundplan_components.events.kafka import Kafka
from groundplan_components.events.kafka_access import group_name, topic_name
from groundplan_components.gateway.load_balancer import LoadBalancer
from groundplan_components.shared.metrics import namespace
from groundplan_components.observability.observability import Observability, ObservabilityArgs
from groundplan_components.observability.slo_alarms import SloAlarms
from groundplan.program.databases import ServiceDatabase
from groundplan.program.entrance import GuardedGateway
from groundplan.program.events import Events, readers
from groundplan.program.ground import Ground
from groundplan.program.site import EDGE_REGION, Site


@dataclass(frozen=True)
class Stores:
    """What services keep things in, and pass events by."""

    databases: list[ServiceDatabase]
    cache: Cache | None
    events: Events | None


def watch(
    site: Site, ground: Ground, edge: Edge, gateway: GuardedGateway, balancer: LoadBalancer, stores: Stores
) -> Observability:
    requirements = site.system.requirements
    services = list(site.system.services)
    slo = SloAlarms(
        f"{site.scope}-slo",
        {
            "api_name": gateway.component.api_name,
            "stage_name": gateway.component.stage_name,
            "availability_percent": requirements.availability_percent,
            "latency_p95_ms": requirements.latency_p95_ms,
            "query_p95_ms": requirements.query_p95_ms,
            "throttle_rps": site.plan.gateway.requests_per_second,
            "metrics_namespace": namespace(site.scope),
            "services": services,
            "load_balancer_arn_suffix": balancer.arn_suffix,
            "target_group_arn_suffixes": dict(balancer.target_group_arn_suffixes),
            "web_acl_metric_name": gateway.web_acl.metric_name,
            "region": site.environment.region,
            "access_log_group_name": gateway.component.access_log_group_name,
            "alarm_topic_arn": site.alarms.arn,
        },
        site.here(),
    )
    _watch_from_outside(site, edge, gateway)
    args: ObservabilityArgs = {
        "scope": site.scope,
        "region": site.environment.region,
        "metrics_namespace": namespace(site.scope),
        "services": services,
        "availability_percent": requirements.availability_percent,
        "latency_p95_ms": requirements.latency_p95_ms,
        "query_p95_ms": requirements.query_p95_ms,
        "throttle_rps": site.plan.gateway.requests_per_second,
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
    if ground.log_group_name is not None:
        # One log group for all: the queries tell services apart by a field.
        args["service_log_group_names"] = {site.system.name: ground.log_group_name}
    if stores.cache is not None:
        args["cache_cluster_ids"] = dict(stores.cache.cache_cluster_ids)
    events = stores.events
    if events is not None:
        args["event_log_stream_names"] = dict(events.log.stream_names)
        if isinstance(events.broker, Kafka):
            args["kafka_cluster_name"] = events.broker.cluster_name
            args["kafka_brokers"] = events.plan.kafka.brokers if events.plan.kafka else 0
            args["kafka_consumers"] = _followed_topics(site, events)
        else:
            args["queue_names"] = dict(events.broker.queue_names)
    return Observability("dashboard", args, site.here())


def _followed_topics(site: Site, events: Events) -> dict[str, list[str]]:
    """Topics by consumer group."""
    system = site.system.name
    followed: dict[str, list[str]] = {}
    for topic in events.plan.topics:
        for reader in readers(topic):
            followed.setdefault(group_name(system, reader), []).append(topic_name(system, topic.event))
    return followed


def _watch_from_outside(site: Site, edge: Edge, gateway: GuardedGateway) -> None:
    """CloudFront and Route 53 publish in their own region, and alarms reach only topics beside them."""
    topic = site.alarms.arn
    if site.environment.region != EDGE_REGION:
        topic = AlarmTopic(
            "edge-alarms",
            {"kms_key_arn": site.edge_key("alarms"), "emails": site.environment.alarm_emails},
            site.at_edge(),
        ).arn
    args: EdgeAlarmsArgs = {
        "distribution_id": edge.distribution_id,
        "alarm_topic_arn": topic,
    }
    # By way of the edge: the gateway refuses whoever comes straight to it.
    if site.environment.domain:
        args["domain"] = site.environment.domain
        args["path"] = gateway.component.health_path
    EdgeAlarms("outside", args, site.at_edge())


def keep(site: Site) -> Backup:
    """Copies of everything that is tagged for it, out of reach of whoever can delete the original."""
    environment = site.environment
    args: BackupArgs = {
        "kms_key_arn": site.key("backups"),
        "also_tagged": {"system": site.system.name, "environment": environment.name},
        "protect": environment.protect,
        "alarm_topic_arn": site.alarms.arn,
    }
    return Backup(f"{site.scope}-backup", args, site.here())
