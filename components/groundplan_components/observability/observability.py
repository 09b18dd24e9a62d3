"""A dashboard of the whole system, and saved queries of its logs."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import cloudwatch

from groundplan_components.observability._dashboard import MOST_METRICS, MOST_WIDGETS, body, metric_count, widget_count
from groundplan_components.observability._dashboard_rows import Facts, rows
from groundplan_components.observability._log_queries import gateway_queries, service_queries
from groundplan_components.shared.checks import require

MOST_ALARMS = 100
"""Most alarms of one widget:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""


class ObservabilityArgs(TypedDict):
    scope: str
    """One system in one environment (`shop-prod`): names the dashboard and the folder of saved queries."""
    region: str
    """Region of the system's metrics and logs."""
    metrics_namespace: str
    """`groundplan_components.shared.metrics.namespace(…)` of this system in this environment."""
    services: list[str]
    """Names of the services."""
    availability_percent: float
    """T4, over thirty days: 99.9."""
    latency_p95_ms: float
    """T1."""
    query_p95_ms: float
    """T2."""
    throttle_rps: int
    """T3: requests a second that the stage accepts."""
    api_name: pulumi.Input[str]
    """The REST API's name."""
    stage_name: pulumi.Input[str]
    """The API's stage."""
    distribution_id: NotRequired[pulumi.Input[str]]
    """A CloudFront distribution. Default: none."""
    edge_web_acl_metric_name: NotRequired[pulumi.Input[str]]
    """Metric name of CloudFront's web ACL. Default: none."""
    web_acl_metric_name: NotRequired[pulumi.Input[str]]
    """Metric name of the gateway's web ACL. Default: none."""
    load_balancer_arn_suffix: NotRequired[pulumi.Input[str]]
    """ARN suffix of the internal load balancer (`app/…`). Default: none."""
    target_group_arn_suffixes: NotRequired[dict[str, pulumi.Input[str]]]
    """ARN suffixes of target groups (`targetgroup/…`), by workload. Default: none."""
    database_identifiers: NotRequired[dict[str, pulumi.Input[str]]]
    """Instance identifiers by their label in charts. Default: none."""
    cache_cluster_ids: NotRequired[dict[str, pulumi.Input[str]]]
    """Cache cluster ids by their label in charts. Default: none."""
    kafka_cluster_name: NotRequired[pulumi.Input[str]]
    """The Kafka cluster's name. Default: none."""
    kafka_brokers: NotRequired[int]
    """Number of its brokers; needed with ``kafka_cluster_name``. Default: 0."""
    kafka_consumers: NotRequired[dict[str, list[str]]]
    """Topics by consumer group, both in full (`shop.payment`, `shop.order.placed`). Default: none."""
    queue_names: NotRequired[dict[str, pulumi.Input[str]]]
    """Queue names by consumer. Default: none."""
    event_log_stream_names: NotRequired[dict[str, pulumi.Input[str]]]
    """Firehose streams of the event log by event. Default: none."""
    alarm_arns: NotRequired[dict[str, pulumi.Input[str]]]
    """Alarms that the dashboard shows first, by name. Default: none."""
    service_log_group_names: NotRequired[dict[str, pulumi.Input[str]]]
    """Log groups that services write to, by service. Default: no saved queries over them."""
    access_log_group_name: NotRequired[pulumi.Input[str]]
    """The gateway's access log. Default: no saved queries over it."""


class Observability(pulumi.ComponentResource):
    """A dashboard from the edge to the event log, and saved Logs Insights queries."""

    dashboard_name: pulumi.Output[str]

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        outline = _outline(args)
        _check(name, args, outline)
        super().__init__("groundplan:index:Observability", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        dashboard = cloudwatch.Dashboard(
            name,
            dashboard_name=args["scope"],
            dashboard_body=_known(args, outline).apply(lambda facts: json.dumps(body(rows(facts), facts.region))),
            opts=inside,
        )
        groups = args.get("service_log_group_names", {})
        if groups:
            _save(name, f"{args['scope']}/services", service_queries(), [groups[key] for key in sorted(groups)], inside)
        if "access_log_group_name" in args:
            _save(name, f"{args['scope']}/gateway", gateway_queries(), [args["access_log_group_name"]], inside)

        self.dashboard_name = dashboard.dashboard_name
        self.register_outputs({"dashboard_name": self.dashboard_name})


def _outline(args: ObservabilityArgs) -> Facts:
    """The facts with placeholders for names that aren't known yet, to count metrics and widgets."""
    return Facts(
        region=args["region"],
        namespace=args["metrics_namespace"],
        services=args["services"],
        availability_percent=args["availability_percent"],
        latency_p95_ms=args["latency_p95_ms"],
        query_p95_ms=args["query_p95_ms"],
        throttle_rps=args["throttle_rps"],
        kafka_brokers=args.get("kafka_brokers", 0),
        kafka_consumers=args.get("kafka_consumers", {}),
        api_name="later",
        stage_name="later",
        distribution_id="later" if "distribution_id" in args else "",
        edge_web_acl="later" if "edge_web_acl_metric_name" in args else "",
        web_acl="later" if "web_acl_metric_name" in args else "",
        load_balancer="later" if "load_balancer_arn_suffix" in args else "",
        kafka_cluster="later" if "kafka_cluster_name" in args else "",
        target_groups=dict.fromkeys(args.get("target_group_arn_suffixes", {}), "later"),
        databases=dict.fromkeys(args.get("database_identifiers", {}), "later"),
        cache_nodes=dict.fromkeys(args.get("cache_cluster_ids", {}), "later"),
        queues=dict.fromkeys(args.get("queue_names", {}), "later"),
        log_streams=dict.fromkeys(args.get("event_log_stream_names", {}), "later"),
        alarm_arns=["later"] * len(args.get("alarm_arns", {})),
    )


def _known(args: ObservabilityArgs, outline: Facts) -> pulumi.Output[Facts]:
    """The facts, once all names are known."""
    return pulumi.Output.all(
        api_name=args["api_name"],
        stage_name=args["stage_name"],
        distribution_id=args.get("distribution_id", ""),
        edge_web_acl=args.get("edge_web_acl_metric_name", ""),
        web_acl=args.get("web_acl_metric_name", ""),
        load_balancer=args.get("load_balancer_arn_suffix", ""),
        kafka_cluster=args.get("kafka_cluster_name", ""),
        target_groups=_sorted(args.get("target_group_arn_suffixes", {})),
        databases=_sorted(args.get("database_identifiers", {})),
        cache_nodes=_sorted(args.get("cache_cluster_ids", {})),
        queues=_sorted(args.get("queue_names", {})),
        log_streams=_sorted(args.get("event_log_stream_names", {})),
        alarm_arns=list(_sorted(args.get("alarm_arns", {})).values()),
    ).apply(lambda known: dataclasses.replace(outline, **known))


def _sorted(values: Mapping[str, pulumi.Input[str]]) -> dict[str, pulumi.Input[str]]:
    return dict(sorted(values.items()))


def _save(
    name: str,
    folder: str,
    queries: Mapping[str, str],
    log_groups: list[pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> None:
    for title, query in queries.items():
        cloudwatch.QueryDefinition(
            f"{name}-{folder.rpartition('/')[2]}-{title}",
            name=f"{folder}/{title}",
            query_string=query,
            log_group_names=log_groups,
            opts=opts,
        )


def _check(name: str, args: ObservabilityArgs, outline: Facts) -> None:
    where = f'Observability "{name}"'
    require(
        re.fullmatch(r"[A-Za-z0-9_-]{1,255}", args["scope"]) is not None,
        where,
        "scope",
        args["scope"],
        "letters, digits, '-' and '_'",
        "write it as shop-prod",
    )
    planned = rows(outline)
    metrics, widgets = metric_count(planned), widget_count(planned)
    require(
        metrics <= MOST_METRICS and widgets <= MOST_WIDGETS,
        where,
        "database_identifiers",
        f"{metrics} metrics in {widgets} widgets",
        f"at most {MOST_METRICS} metrics in {MOST_WIDGETS} widgets, CloudWatch's limits for one dashboard",
        "declare several, each with a part of the services, databases and consumers",
    )
    alarms = len(args.get("alarm_arns", {}))
    require(
        alarms <= MOST_ALARMS,
        where,
        "alarm_arns",
        f"{alarms} alarms",
        f"at most {MOST_ALARMS}",
        "name the ones that page",
    )
    require(
        "kafka_cluster_name" not in args or args.get("kafka_brokers", 0) > 0,
        where,
        "kafka_brokers",
        args.get("kafka_brokers"),
        "the number of the cluster's brokers",
        "give it with kafka_cluster_name",
    )
    require(
        0 < args["availability_percent"] < 100,
        where,
        "availability_percent",
        args["availability_percent"],
        "more than 0 and less than 100",
        "give the objective over thirty days, for example 99.9",
    )
