"""What the quantities rest on that neither the declaration nor the plan says: each with its unit and its source.

Each is a range: the band of a cost is what all of them at their least, or all at their most, make of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.pricing.band import Band


@dataclass(frozen=True, slots=True)
class Assumption:
    """A range with its unit and source."""

    name: str
    band: Band
    unit: str
    source: str


def _assume(name: str, low: float, expected: float, high: float, unit: str, source: str) -> Assumption:
    return Assumption(name, Band(low, expected, high), unit, source)


HOURS = 730
"""Of a month, as AWS's own calculator counts them."""
SECONDS = HOURS * 3600
DAYS = HOURS / 24
GIB = 2**30
KIB = 1024

# Load

MEAN_LOAD = _assume(
    "mean load", 0.25, float(figures.PEAK_TO_MEAN), 0.6, "of the peak", f"{figures.PEAK_TO_MEAN.source}; plan's figure"
)
RESPONSE_KIB = _assume(
    "response", 1, float(figures.CACHED_OBJECT_KIB), 6, "KiB", "one resource as JSON with headers; lists are longer"
)
REQUEST_KIB = _assume("request", 0.5, 1, 2, "KiB", "a bearer token and headers are most of it")
STATIC_REQUESTS = _assume(
    "static files", 0.02, 0.1, 0.3, "files an API request", "a one-page application loads once a session"
)
STATIC_KIB = _assume("static file", 8, 20, 60, "KiB", "compressed scripts and styles; images are more")
STATIC_MISSES = _assume("static files not in CloudFront's cache", 0.01, 0.05, 0.2, "of them", "few files, long cached")
STATIC_SITE_GIB = _assume("static site", 0.05, 0.2, 2, "GiB", "builds and their old versions")
OUTBOUND_KIB = _assume(
    "calls to outside services", 0.1, 0.5, 2, "KiB a request", "the plan's one request in ten, 5 KiB each"
)
OUTBOUND_SENT = _assume("of that, sent", 0.3, 0.5, 0.7, "of the bytes", "only what leaves is billed as transfer")
ZONE_CROSSING = _assume(
    "between zones", 0.5, 2 / 3, 0.8, "of traffic", "three zones, nothing prefers its own: two in three go elsewhere"
)
DATABASE_KIB = _assume("database traffic", 1, 4, 12, "KiB a request", "a page of rows with the protocol, both ways")
EVENT_KIB = _assume("event", 1, float(figures.EVENT_KIB), 4, "KiB", f"{figures.EVENT_KIB.source}; plan's figure")

# Logs and traces

ACCESS_LOG_BYTES = _assume(
    "gateway's access log", 700, 850, 1100, "bytes a request", "its format is 580 bytes; values and CloudWatch's 26"
)
SERVICE_LOG_BYTES = _assume(
    "services' log", 500, 1000, 1800, "bytes a request", "one line of access log and one of metrics (EMF)"
)
EVENT_LOG_BYTES = _assume("services' log of events", 100, 400, 1000, "bytes an event", "one line each when handled")
WAF_LOG_BYTES = _assume(
    "web ACL's log",
    1000,
    1500,
    2500,
    "bytes a request",
    "AWS WAF Developer Guide, log fields: every header and label; AWS may include 500 bytes a request",
)
FLOW_LOG_BYTES = _assume(
    "flow log", 30, 120, 400, "bytes a request", "a record a connection in ten minutes; kept alive"
)
BALANCER_LOG_BYTES = _assume("load balancer's log", 60, 100, 200, "bytes a request", "500 bytes, compressed in S3")
EDGE_LOG_BYTES = _assume("CloudFront's log", 60, 100, 200, "bytes a request", "22 fields, compressed in S3")
CLUSTER_LOG_GIB = _assume("control plane's log", 5, 15, 60, "GiB a month", "all five kinds; audit is most of it")
QUIET_LOG_GIB = _assume("a quiet log", 0.02, 0.2, 2, "GiB a month", "engine, upgrade, rotation and delivery logs")
OS_METRICS_KIB = _assume("Enhanced Monitoring", 2, 8, 16, "KiB a sample", "one JSON document an interval")
STORED_LOG_SHARE = _assume("logs as stored", 0.1, 0.15, 0.3, "of what was ingested", "CloudWatch stores compressed")
TRACE_SHARE = _assume(
    "traces", 0.05, 0.05, 0.06, "of requests", "AWS X-Ray Developer Guide: one a second, and 5 % of the rest"
)
CLUSTER_OBSERVATIONS = _assume(
    "Container Insights", 8e6, 2.5e7, 6e7, "observations a node and month", "600 a minute: each metric of its pods"
)

# Metrics

SERVICE_METRICS = _assume("services' metrics", 8, 15, 40, "metrics a service", "latency, errors, queries, outbox, pool")
METHOD_METRICS = _assume(
    "API Gateway's detailed metrics", 3, 5, 7, "metrics a method", "API Gateway: counts, errors, latencies; cache's two"
)
BROKER_METRICS = _assume(
    "Kafka's metrics", 20, 40, 80, "metrics a broker", "MSK monitoring levels beyond DEFAULT are billed as custom"
)
TOPIC_METRICS = _assume("Kafka's metrics of topics", 6, 9, 14, "metrics a topic and broker", "PER_TOPIC_PER_BROKER")

# Stores

EVENT_LOG_COMPRESSED = _assume("event log compressed", 0.15, 0.25, 0.4, "of the bytes", "JSON under gzip")
EVENT_LOG_MONTHS = _assume(
    "age of the event log", 1, 12, 24, "months", "it grows until its retention: the cost is a month's, a year on"
)
BACKUP_COPIES = _assume(
    "backups", 1.2, 1.6, 3, "times the data", "one full copy, and what changed in a year of daily, weekly, monthly ones"
)
QUIET_BUCKET_GIB = _assume("a quiet bucket", 0.01, 0.1, 1, "GiB", "access logs of buckets, query results")
IMAGES_GIB = _assume("images", 0.5, 2, 5, "GiB a repository", "the lifecycle policy keeps the last ones")
ATHENA_GIB = _assume("event queries", 0, 10, 200, "GiB scanned a month", "an audit's question now and then")

# Calls

KEY_REQUESTS = _assume("key requests", 1e4, 1e5, 1e6, "a key and month", "data keys are cached for minutes")
SECRET_REQUESTS = _assume("secret requests", 500, 5000, 5e4, "a secret and month", "pods at start, rotation")
FUNCTION_CALLS = _assume("function calls", 10, 1000, 1e5, "a function and month", "sign-ups; rotation")
FUNCTION_SECONDS = _assume("function call", 0.1, 0.5, 2, "seconds", "a few calls of APIs")
ALARM_MESSAGES = _assume(
    "alarm messages", 10, 100, 1000, "a topic and month", "mail is 2 USD per 100,000: nothing here"
)
QUEUE_REQUESTS = _assume(
    "queue requests", 1.2, 2, 3, "a message", "one in; receive and delete in batches of up to ten, polls that find none"
)
QUEUE_POLLS = _assume("queue polls", 1e5, 2.6e5, 6e5, "a queue and month", "two consumers, long polls of 20 s")

# Nodes

CHEAPEST_NODE, EXPECTED_NODE, DEAREST_NODE = "c5a", "c6a", "m7i"
"""Families of amd64 that the pool allows: Auto Mode takes what is cheapest and there; each size costs as its vCPUs."""
NODE_SOURCE = "Amazon EKS User Guide, Auto Mode: of what a node pool allows, what is cheapest and fits"

ASSUMPTIONS: tuple[Assumption, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Assumption)
)
