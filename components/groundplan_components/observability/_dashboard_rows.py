"""Rows of a system's dashboard, in the order of a request's path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from groundplan_components.observability._dashboard import AlarmList, Chart, Expression, Line, Row, split
from groundplan_components.shared import metrics
from groundplan_components.shared.burn_rate import error_budget

EDGE_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names that a dashboard needs, as known values."""

    region: str
    namespace: str
    services: Sequence[str]
    availability_percent: float
    latency_p95_ms: float
    query_p95_ms: float
    throttle_rps: int
    api_name: str
    stage_name: str
    distribution_id: str = ""
    edge_web_acl: str = ""
    web_acl: str = ""
    load_balancer: str = ""
    target_groups: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    """Instance identifiers by label."""
    cache_nodes: Mapping[str, str] = field(default_factory=dict)
    """Cache cluster ids by label."""
    kafka_cluster: str = ""
    kafka_brokers: int = 0
    kafka_consumers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Topics by consumer group."""
    queues: Mapping[str, str] = field(default_factory=dict)
    """Queue names by consumer."""
    log_streams: Mapping[str, str] = field(default_factory=dict)
    """Firehose streams by event."""
    alarm_arns: Sequence[str] = ()


def rows(facts: Facts) -> list[Row]:
    return [
        Row("Promises", _promises(facts)),
        Row("Edge", _edge(facts)),
        Row("Gateway", _gateway(facts)),
        Row("Services", _services(facts)),
        Row("Databases", _databases(facts)),
        Row("Cache", _cache(facts)),
        Row("Events", [*_kafka(facts), *_queues(facts)]),
        Row("Event log", _event_log(facts)),
    ]


def _api(facts: Facts, name: str, label: str, stat: str = "Sum", id_: str = "", hidden: bool = False) -> Line:
    return Line(
        "AWS/ApiGateway", name, {"ApiName": facts.api_name, "Stage": facts.stage_name}, label, stat, id_, hidden
    )


def _promises(facts: Facts) -> list[Chart | AlarmList]:
    errors = _api(facts, "5XXError", "errors", id_="errors", hidden=True)
    requests = _api(facts, "Count", "requests", id_="requests", hidden=True)
    budget = error_budget(facts.availability_percent)
    charts: list[Chart | AlarmList] = [
        Chart(
            f"T4: error budget left of thirty days at {facts.availability_percent:g} % (in %)",
            [errors, requests],
            [Expression(f"100 * (1 - errors / requests / {budget:.6g})", "left")],
            number=True,
            since="-P30D",
        ),
        Chart(
            "T4: answered without error, thirty days (in %)",
            [errors, requests],
            [Expression("100 * (1 - errors / requests)", "availability")],
            number=True,
            since="-P30D",
        ),
        Chart(
            "T1: latency at the gateway (ms)",
            [_api(facts, "Latency", f"{percentile}", percentile) for percentile in ("p50", "p95", "p99")],
            limits={"T1": facts.latency_p95_ms},
        ),
    ]
    if facts.alarm_arns:
        charts.append(AlarmList("Alarms", facts.alarm_arns))
    return charts


def _edge(facts: Facts) -> list[Chart]:
    charts = []
    if facts.distribution_id:
        place = {"DistributionId": facts.distribution_id, "Region": "Global"}
        charts += [
            Chart(
                "CloudFront requests",
                [Line("AWS/CloudFront", "Requests", place, "requests")],
                region=EDGE_REGION,
            ),
            Chart(
                "CloudFront errors (in %)",
                [
                    Line("AWS/CloudFront", "4xxErrorRate", place, "4xx", "Average"),
                    Line("AWS/CloudFront", "5xxErrorRate", place, "5xx", "Average"),
                ],
                region=EDGE_REGION,
            ),
        ]
    if facts.edge_web_acl:
        charts.append(_firewall("WAF at the edge", {"WebACL": facts.edge_web_acl, "Rule": "ALL"}, EDGE_REGION))
    if facts.web_acl:
        place = {"WebACL": facts.web_acl, "Region": facts.region, "Rule": "ALL"}
        charts.append(_firewall("WAF at the gateway", place, ""))
    return charts


def _firewall(title: str, place: Mapping[str, str], region: str) -> Chart:
    return Chart(
        title,
        [
            Line("AWS/WAFV2", "AllowedRequests", place, "allowed"),
            Line("AWS/WAFV2", "BlockedRequests", place, "blocked"),
        ],
        region=region,
    )


def _gateway(facts: Facts) -> list[Chart]:
    return [
        Chart(
            "T3: requests a minute",
            [_api(facts, "Count", "requests")],
            limits={"throttle": facts.throttle_rps * 60.0},
        ),
        Chart("Errors", [_api(facts, "4XXError", "4xx"), _api(facts, "5XXError", "5xx")]),
        Chart(
            "C1: answers from the gateway's cache",
            [_api(facts, "CacheHitCount", "hits"), _api(facts, "CacheMissCount", "misses")],
        ),
        Chart(
            "S3, S4, S7: refused",
            [
                Line(facts.namespace, metrics.gateway_refusals(status), {}, label)
                for status, label in ((401, "no valid token"), (403, "not allowed"), (429, "too many requests"))
            ],
        ),
    ]


def _services(facts: Facts) -> list[Chart]:
    def by_service(title: str, metric: str, stat: str, limits: Mapping[str, float] | None = None) -> list[Chart]:
        lines = [
            Line(facts.namespace, metric, {metrics.SERVICE_DIMENSION: service}, service, stat)
            for service in facts.services
        ]
        return split(title, lines, limits)

    charts = [
        *by_service("Requests", metrics.REQUESTS, "Sum"),
        *by_service(
            "T1: latency, 95th percentile (ms)", metrics.REQUEST_DURATION_MS, "p95", {"T1": facts.latency_p95_ms}
        ),
        *by_service("Errors", metrics.REQUEST_ERRORS, "Sum"),
        *by_service(
            "T2: statements, 95th percentile (ms)", metrics.QUERY_DURATION_MS, "p95", {"T2": facts.query_p95_ms}
        ),
        *by_service("S4: access denied", metrics.ACCESS_DENIED, "Sum"),
        *by_service("Age of the outbox (s)", metrics.OUTBOX_AGE_SECONDS, "Maximum"),
    ]
    if facts.load_balancer:
        charts += split(
            "Healthy pods",
            [
                Line(
                    "AWS/ApplicationELB",
                    "HealthyHostCount",
                    {"TargetGroup": group, "LoadBalancer": facts.load_balancer},
                    workload,
                    "Minimum",
                )
                for workload, group in facts.target_groups.items()
            ],
        )
    return charts


def _databases(facts: Facts) -> list[Chart]:
    def by_instance(title: str, metric: str, stat: str) -> list[Chart]:
        lines = [
            Line("AWS/RDS", metric, {"DBInstanceIdentifier": identifier}, label, stat)
            for label, identifier in facts.databases.items()
        ]
        return split(title, lines)

    return [
        *by_instance("CPU (in %)", "CPUUtilization", "Maximum"),
        *by_instance("Connections", "DatabaseConnections", "Maximum"),
        *by_instance("Read latency (s)", "ReadLatency", "Average"),
        *by_instance("Write latency (s)", "WriteLatency", "Average"),
        *by_instance("D3: free storage (bytes)", "FreeStorageSpace", "Minimum"),
        *by_instance("A4: replicas behind (s)", "ReplicaLag", "Maximum"),
    ]


def _cache(facts: Facts) -> list[Chart]:
    def by_node(title: str, metric: str, stat: str) -> list[Chart]:
        lines = [
            Line("AWS/ElastiCache", metric, {"CacheClusterId": node}, label, stat)
            for label, node in facts.cache_nodes.items()
        ]
        return split(title, lines)

    return [
        *by_node("C2: hit rate (in %)", "CacheHitRate", "Average"),
        *by_node("Memory used (in %)", "DatabaseMemoryUsagePercentage", "Maximum"),
        *by_node("CPU of the engine (in %)", "EngineCPUUtilization", "Maximum"),
        *by_node("Evictions", "Evictions", "Sum"),
        *by_node("Connections", "CurrConnections", "Maximum"),
    ]


def _kafka(facts: Facts) -> list[Chart]:
    if not facts.kafka_cluster:
        return []
    cluster = {"Cluster Name": facts.kafka_cluster}

    def by_broker(title: str, metric: str, stat: str) -> list[Chart]:
        lines = [
            Line("AWS/Kafka", metric, {**cluster, "Broker ID": str(number)}, f"broker {number}", stat)
            for number in range(1, facts.kafka_brokers + 1)
        ]
        return split(title, lines)

    lags = [
        Line(
            "AWS/Kafka",
            "EstimatedMaxTimeLag",
            {**cluster, "Consumer Group": group, "Topic": topic},
            f"{group} on {topic}",
            "Maximum",
        )
        for group, topics in facts.kafka_consumers.items()
        for topic in topics
    ]
    return [
        *by_broker("Kafka: bytes in a second", "BytesInPerSec", "Average"),
        *by_broker("Kafka: bytes out a second", "BytesOutPerSec", "Average"),
        *by_broker("Kafka: CPU of brokers (in %)", "CpuUser", "Average"),
        *split("A3: consumers behind (s)", lags),
    ]


def _queues(facts: Facts) -> list[Chart]:
    def by_queue(title: str, metric: str) -> list[Chart]:
        lines = [
            Line("AWS/SQS", metric, {"QueueName": queue}, consumer, "Maximum")
            for consumer, queue in facts.queues.items()
        ]
        return split(title, lines)

    return [
        *by_queue("A3: oldest event in a queue (s)", "ApproximateAgeOfOldestMessage"),
        *by_queue("Events waiting", "ApproximateNumberOfMessagesVisible"),
    ]


def _event_log(facts: Facts) -> list[Chart]:
    lines = [
        Line("AWS/Firehose", "DeliveryToS3.DataFreshness", {"DeliveryStreamName": stream}, event, "Maximum")
        for event, stream in facts.log_streams.items()
    ]
    return split("A3: oldest event that isn't in the log (s)", lines)
