"""Every number that the plan rests on, with its unit and where it comes from. No rules.

``assumed`` marks a number that was neither measured nor read for this product: an engineer's estimate on the safe side,
to be replaced by a measurement. What services take was measured by the bench in this repository and stands in
`groundplan/declaration/capacity.yaml`, where of several services the dearest counts; a project's own `capacity.yaml`
goes before it (`groundplan.capacity.costs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from groundplan.declaration.measured import Quantity, ours


class Figure(float):
    """A number that knows its unit and its source."""

    unit: str
    source: str
    assumed: bool

    def __new__(cls, value: float, unit: str, source: str, *, assumed: bool = False) -> Self:
        figure = super().__new__(cls, value)
        figure.unit = unit
        figure.source = f"assumed: {source}" if assumed else source
        figure.assumed = assumed
        return figure

    def __str__(self) -> str:
        return f"{float(self):,.12g} {self.unit}".rstrip()


_RDS_STORAGE = "Amazon RDS User Guide, DB instance storage"
_MSK_QUOTA = "Amazon MSK Developer Guide, quotas"

OURS = f"the reference system's services, {ours().provenance}"


def _ours(quantity: Quantity) -> float:
    """The dearest of the services that were measured."""
    return max(figures[quantity].median for figures in ours().services.values() if quantity in figures)


def _a_core(quantity: Quantity, unit: str, what: str) -> Figure:
    """How many a core does, of what takes so many milliseconds of it."""
    return Figure(1000 / _ours(quantity), unit, f"{what}: {OURS}")


# Utilisation

TARGET_UTILISATION = Figure(
    0.60, "of capacity", "queueing: at 60 % busy, waiting adds about 1.5 service times, which T1 has room for"
)
SURVIVOR_UTILISATION = Figure(
    0.85, "of capacity", "what is left of a tier after a zone is lost, until the autoscaler has replaced it"
)

# One pod: a Python worker uses one core at most

LIST_SHARE = Figure(0.16, "of reads", "the bench's mix: 15 lists to 80 gets", assumed=True)
_READ_MS = _ours("database_get_ms") * (1 - LIST_SHARE) + _ours("list_ms") * LIST_SHARE
POD_CACHED_READS = _a_core("cached_get_ms", "requests/s a core", "a get that the cache answers")
POD_DATABASE_READS = Figure(1000 / _READ_MS, "requests/s a core", f"gets and lists from PostgreSQL: {OURS}")
POD_LISTS = _a_core("list_ms", "requests/s a core", "a page of a list")
POD_WRITES = _a_core("create_ms", "requests/s a core", "a creation")
POD_CONSUMED_EVENTS = _a_core("consumed_event_ms", "events/s a core", "an event that a consumer handles")
POD_PROJECTED_EVENTS = _a_core("projected_event_ms", "events/s a core", "a change that the projector writes")
POD_RELAYED_EVENTS = _a_core("relayed_event_ms", "events/s a core", "a message from the outbox to the broker")

POD_SIZES: tuple[tuple[int, int], ...] = ((250, 256), (500, 384), (1000, 512))
"""CPU in millicores and memory in MiB. The measured worker had one core; smaller pods hold that share of it."""
POD_SIZES_SOURCE = (
    "one worker a pod, at most one core; memory assumed: 150 MiB of interpreter and libraries, then headroom"
)
MAX_PODS_SOURCE = "Elastic Load Balancing quotas: targets per target group (L-A0D0B863)"
POOL_LIMIT = Figure(
    40,
    "connections a pod",
    "more than that and one pod's failure floods the rest; capacity then follows the pool",
    assumed=True,
)
SMALLEST_POOL = Figure(2, "connections a pod", "one for work, one for readiness probes and migrations", assumed=True)

# What a request asks of the database

STATEMENTS_PER_GET = Figure(_ours("statements_a_get"), "statements", f"the row, by its id: {OURS}")
STATEMENTS_PER_LIST = Figure(_ours("statements_a_list"), "statements", f"the rows, and `meta.total` (R3): {OURS}")
STATEMENTS_PER_READ = Figure(
    STATEMENTS_PER_GET * (1 - LIST_SHARE) + STATEMENTS_PER_LIST * LIST_SHARE, "statements", f"gets and lists: {OURS}"
)
STATEMENTS_PER_WRITE = Figure(
    _ours("statements_a_create"), "statements", f"row, event row (D2), outbox row, idempotency key: {OURS}"
)
STATEMENTS_PER_CONSUMED_EVENT = Figure(3, "statements", "inbox row, row, event row (D2)")
STATEMENTS_PER_PROJECTED_EVENT = Figure(
    2, "statements", "read-model row, position in the stream (A4); rows are read and written a batch at a time"
)
STATEMENTS_PER_RELAYED_EVENT = Figure(0.02, "statements", "one to read and one to mark a batch of a hundred")
RELAYED_EVENT_WORK = Figure(1, "statements' worth", "each row of a batch is updated all the same", assumed=True)
P95_TO_MEAN = Figure(3, "times the mean", "exponential service times: the 95th percentile is ln 20 times the mean")
READ_STATEMENT_CORE_MS = Figure(
    _ours("read_statement_core_ms"), "ms of a core", f"PostgreSQL's CPU time a statement of gets and lists: {OURS}"
)
WRITE_STATEMENT_CORE_MS = Figure(
    _ours("write_statement_core_ms"), "ms of a core", f"PostgreSQL's CPU time a statement of creations: {OURS}"
)
WAITING_P95_MS = Figure(
    20,
    "ms",
    "T2: an indexed statement's 95th percentile with its waits; what is allowed beyond that is a statement that works",
    assumed=True,
)
WRITE_STATEMENT_IO = Figure(
    0.5, "I/O operations", "one log flush a transaction, and pages that a checkpoint writes once", assumed=True
)
READ_STATEMENT_IO = Figure(0.5, "I/O operations", "every second statement misses one page in memory", assumed=True)
HOT_DATA_SHARE = Figure(
    0.05, "of the data", "recent rows and upper index pages; watch the buffer hit ratio", assumed=True
)
MEMORY_FOR_PAGES = Figure(0.75, "of memory", "PostgreSQL's buffers and the kernel's page cache", assumed=True)

# Databases

READ_HEAVY_SHARE = Figure(0.7, "of requests", "D3, read-heavy load: more than two reads for every write", assumed=True)
REPLICAS_FROM_CORES = Figure(
    0.25,
    "cores of reads at full growth",
    "an eighth of the smallest class that isn't burstable: fewer reads don't press the writer",
    assumed=True,
)
SHARD_GB = Figure(1024, "GiB", "D3: over 1 TB of data is sharded")
CREATE_SHARE = Figure(0.5, "of writes", "where a service neither says so nor has one operation alone", assumed=True)
STRING_BYTES = Figure(24, "bytes", "a string that may be longer: names, addresses and identifiers", assumed=True)
TEXT_BYTES = Figure(200, "bytes", "a text that may be longer: some lines", assumed=True)
SUBJECT_BYTES = Figure(36, "bytes", "a subject's and a request's id are UUIDs in text")
MONTH_SECONDS = Figure(730 * 3600, "s", "AWS's month has 730 hours")
GROWTH_TOLERANCE = Figure(1.05, "times what is declared", "rounding is no contradiction")
STORAGE_HEADROOM = Figure(1.3, "times the data", "bloat, write-ahead log and indexes being rebuilt", assumed=True)
SMALLEST_STORAGE_GB = Figure(20, "GiB", "Amazon RDS API, CreateDBInstance: gp3 for PostgreSQL starts at 20 GiB")
MAX_STORAGE_GB = Figure(65536, "GiB", f"{_RDS_STORAGE}: PostgreSQL up to 64 TiB")
STORAGE_AUTOSCALING_STEP = Figure(
    1.26, "times the storage", "Amazon RDS User Guide, storage autoscaling: a threshold at least 26 % above the storage"
)
GP3_STRIPED_FROM_GB = Figure(400, "GiB", f"{_RDS_STORAGE}: PostgreSQL on gp3 is striped over four volumes from here")
GP3_IOPS = Figure(3000, "IOPS", f"{_RDS_STORAGE}: gp3 baseline below 400 GiB, not adjustable")
GP3_STRIPED_IOPS = Figure(12000, "IOPS", f"{_RDS_STORAGE}: gp3 baseline from 400 GiB")
GP3_MAX_IOPS = Figure(64000, "IOPS", f"{_RDS_STORAGE}: most that gp3 can be given")
GP3_IOPS_PER_GB = Figure(50, "IOPS a GiB", "Amazon RDS API, CreateDBInstance: IOPS is 0.5 to 50 times the storage")
GP3_THROUGHPUT = Figure(125, "MiB/s", f"{_RDS_STORAGE}: gp3 baseline below 400 GiB")
GP3_STRIPED_THROUGHPUT = Figure(500, "MiB/s", f"{_RDS_STORAGE}: gp3 baseline from 400 GiB")
IO_KIB = Figure(8, "KiB", "PostgreSQL documentation: a page is 8 KiB")
MAX_REPLICAS = Figure(15, "replicas", "Amazon RDS User Guide, read replicas: PostgreSQL up to 15")
CONNECTION_BYTES = Figure(
    9_531_392, "bytes a connection", "Amazon RDS: max_connections = LEAST(DBInstanceClassMemory/9531392, 5000)"
)
MAX_CONNECTIONS = Figure(
    5000, "connections", "Amazon RDS: max_connections = LEAST(DBInstanceClassMemory/9531392, 5000)"
)
RESERVED_CONNECTIONS = Figure(
    5, "connections", "PostgreSQL: superuser_reserved_connections is 3; Amazon RDS keeps 2 for its own"
)
DATABASE_MEMORY = Figure(
    0.9, "of memory", "DBInstanceClassMemory leaves out what the system and the agent take", assumed=True
)
USABLE_CONNECTIONS = Figure(
    0.8, "of max_connections", "the rest: superuser, replication, agent, migrations, an operator", assumed=True
)
POOLING_FROM = Figure(
    80,
    "connections",
    "D3, high concurrency: a tenth of what the smallest class that isn't burstable takes; idle ones cost it memory it "
    "needs",
    assumed=True,
)
POOLER_STATEMENTS = Figure(10_000, "statements/s a pod", "PgBouncer on one core with TLS", assumed=True)
POOLER_CLIENTS = Figure(
    5000, "connections a pod", "PgBouncer: max_client_conn, 2 KiB each and a file descriptor", assumed=True
)
BUSY_HEADROOM = Figure(1.5, "times the mean", "arrivals are uneven: half as many connections again", assumed=True)


@dataclass(frozen=True, slots=True)
class DatabaseClass:
    """An RDS instance class: ``cores`` is what it holds all day (burstable classes: their baseline)."""

    name: str
    vcpus: int
    cores: float
    memory_gib: int
    iops: int
    network_gbps: float


DATABASE_CLASSES_SOURCE = (
    "Amazon RDS User Guide, hardware specifications for DB instance classes; EC2 DescribeInstanceTypes: baseline EBS "
    "IOPS and network; burstable classes at their baseline share of CPU"
)
BURSTABLE_DATABASE_CLASSES: tuple[DatabaseClass, ...] = (
    DatabaseClass("db.t4g.small", 2, 0.4, 2, 1000, 0.128),
    DatabaseClass("db.t4g.medium", 2, 0.4, 4, 2000, 0.256),
)
DATABASE_CLASSES: tuple[DatabaseClass, ...] = (
    DatabaseClass("db.m7g.large", 2, 2, 8, 3600, 0.937),
    DatabaseClass("db.r7g.large", 2, 2, 16, 3600, 0.937),
    DatabaseClass("db.m7g.xlarge", 4, 4, 16, 6000, 1.876),
    DatabaseClass("db.r7g.xlarge", 4, 4, 32, 6000, 1.876),
    DatabaseClass("db.m7g.2xlarge", 8, 8, 32, 12000, 3.75),
    DatabaseClass("db.r7g.2xlarge", 8, 8, 64, 12000, 3.75),
    DatabaseClass("db.m7g.4xlarge", 16, 16, 64, 20000, 7.5),
    DatabaseClass("db.r7g.4xlarge", 16, 16, 128, 20000, 7.5),
    DatabaseClass("db.m7g.8xlarge", 32, 32, 128, 40000, 15.0),
    DatabaseClass("db.r7g.8xlarge", 32, 32, 256, 40000, 15.0),
    DatabaseClass("db.r7g.12xlarge", 48, 48, 384, 60000, 22.5),
    DatabaseClass("db.r7g.16xlarge", 64, 64, 512, 80000, 30.0),
)

# Cache


@dataclass(frozen=True, slots=True)
class CacheNode:
    """An ElastiCache node type: ``operations`` a second that one node holds, ``network_gbps`` its baseline."""

    name: str
    memory_gib: float
    network_gbps: float
    operations: int


CACHE_NODES_SOURCE = (
    "ElastiCache User Guide: supported node types (baseline bandwidth), node-type specific parameters (memory); "
    "operations assumed: 60,000/s on one core with TLS, a burstable node at its baseline share of CPU"
)
BURSTABLE_CACHE_NODES: tuple[CacheNode, ...] = (
    CacheNode("cache.t4g.micro", 0.5, 0.064, 6_000),
    CacheNode("cache.t4g.small", 1.37, 0.128, 12_000),
    CacheNode("cache.t4g.medium", 3.09, 0.256, 12_000),
)
CACHE_NODES: tuple[CacheNode, ...] = (
    CacheNode("cache.m7g.large", 6.38, 0.937, 60_000),
    CacheNode("cache.r7g.large", 13.07, 0.937, 60_000),
    CacheNode("cache.r7g.xlarge", 26.32, 1.876, 60_000),
    CacheNode("cache.r7g.2xlarge", 52.82, 3.75, 60_000),
)
CACHE_MEMORY = Figure(0.75, "of memory", "ElastiCache User Guide: reserved-memory-percent is 25 by default")
CACHED_OBJECT_KIB = Figure(2, "KiB", "one resource as JSON with its key and Valkey's overhead", assumed=True)
ROW_KIB = Figure(
    1,
    "KiB",
    "of a database a row: with its indexes and events; the documented tables take 1.6 KiB a create, so this counts "
    "more rows than there are",
    assumed=True,
)
RATE_BUCKET_KIB = Figure(0.2, "KiB", "key, two numbers and an expiry", assumed=True)

# Events

EVENT_KIB = Figure(2, "KiB", "identifiers, type, time and a JSON payload of one resource", assumed=True)
CACHE_ENTRY_BYTES = Figure(200, "bytes", "a copy's key, expiry and Valkey's own entry beside the JSON", assumed=True)
EVENT_ENVELOPE_BYTES = Figure(
    512, "bytes", "identifiers, type, times and headers of an event beside its payload", assumed=True
)
PEAK_TO_MEAN = Figure(0.4, "of the peak", "mean load over a week, relative to its peak", assumed=True)


@dataclass(frozen=True, slots=True)
class BrokerType:
    """An MSK broker: ingress and egress in MB/s that it holds, ``partitions`` with their replicas."""

    name: str
    ingress_mbps: float
    egress_mbps: float
    partitions: int


EXPRESS_BROKERS_SOURCE = f"{_MSK_QUOTA}: Express broker throughput (sustained) and recommended partitions"
EXPRESS_BROKERS: tuple[BrokerType, ...] = (
    BrokerType("express.m7g.large", 15.6, 31.2, 1000),
    BrokerType("express.m7g.xlarge", 31.2, 62.5, 1000),
    BrokerType("express.m7g.2xlarge", 62.5, 125.0, 2500),
    BrokerType("express.m7g.4xlarge", 124.9, 249.8, 6000),
    BrokerType("express.m7g.8xlarge", 250.0, 500.0, 12000),
    BrokerType("express.m7g.12xlarge", 375.0, 750.0, 16000),
    BrokerType("express.m7g.16xlarge", 500.0, 1000.0, 20000),
)
STANDARD_BROKERS_SOURCE = (
    "Amazon MSK Developer Guide, best practices: partitions per Standard broker; throughput from 153.8 MB/s ingress "
    "of m7g.16xlarge by share of its size"
)
# No kafka.t3.small: it has no private link, through which Firehose reads the event log's topics (A3).
# https://docs.aws.amazon.com/msk/latest/developerguide/aws-access-mult-vpc.html
STANDARD_BROKERS: tuple[BrokerType, ...] = (
    BrokerType("kafka.m7g.large", 4.8, 9.6, 1000),
    BrokerType("kafka.m7g.xlarge", 9.6, 19.2, 1000),
    BrokerType("kafka.m7g.2xlarge", 19.2, 38.4, 2000),
    BrokerType("kafka.m7g.4xlarge", 38.4, 76.8, 4000),
    BrokerType("kafka.m7g.8xlarge", 76.9, 153.8, 4000),
    BrokerType("kafka.m7g.16xlarge", 153.8, 307.6, 4000),
)
PARTITIONS_PER_TOPIC = Figure(
    999, "partitions", "more than a thousand files a broker and rebalances of minutes", assumed=True
)
BROKER_CONNECTIONS = Figure(3000, "connections a broker", f"{_MSK_QUOTA}: TCP connections with IAM access control")
MAX_BROKER_STORAGE_GB = Figure(16384, "GiB", f"{_MSK_QUOTA}: storage of a Standard broker")
RDS_NEVER_SHRINKS = "Amazon RDS User Guide, Increasing DB instance storage capacity: it can't be reduced"
RDS_WAITS = "Amazon RDS API, ModifyDBInstance, DBInstanceClass: applied during the next maintenance window"
HOT_STANDBY = "PostgreSQL documentation, Hot Standby: max_connections of a standby is at least its primary's"
MSK_NEVER_SHRINKS = "Amazon MSK Developer Guide, Scale up Standard broker storage: it can't be decreased"
BROKERS_NEVER_SHRINK = "Amazon MSK Developer Guide, Remove a broker: brokers without partitions only"
KAFKA_NEVER_SHRINKS = "Apache Kafka documentation, Modifying topics: reducing partitions isn't supported"
BROKER_STORAGE_STEP_GB = Figure(10, "GiB", "readable sizes")
REPLICATION = Figure(3, "copies", "Amazon MSK: fixed on Express; one in each zone")
MIN_IN_SYNC = Figure(2, "copies", "Amazon MSK: fixed on Express; a write survives one zone")
QUEUE_RETENTION_HOURS = Figure(336, "hours", "Amazon SQS quotas: a message is kept 14 days at most")

# Gateway

GATEWAY_BURST = Figure(0.5, "of a second's requests", "Amazon API Gateway quotas: burst 5,000 at 10,000 requests/s")
SMALLEST_BURST = Figure(50, "requests", "a page that loads fetches many things at once", assumed=True)
GATEWAY_CACHE_GB: tuple[float, ...] = (0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237)
GATEWAY_CACHE_SOURCE = "Amazon API Gateway API: CacheClusterSize"

# Network

ZONES = Figure(3, "zones", "T4, and three copies of everything that votes")
LARGEST_VPC_PREFIX = Figure(16, "bits", "Amazon VPC User Guide: a VPC is a /16 at most")
SMALLEST_VPC_PREFIX = Figure(20, "bits", "below, the firewall's subnets would pass AWS's smallest, /28")
RESERVED_ADDRESSES = Figure(5, "addresses", "Amazon VPC User Guide: the first four and the last of a subnet")
PREFIX_ADDRESSES = Figure(16, "addresses", "Amazon EKS User Guide, Auto Mode networking: /28 prefix delegation")
PREFIX_FRAGMENTATION = Figure(
    0.75, "of a subnet", "a /28 must be free as a whole; scattered addresses spoil some", assumed=True
)
SHARED_PRIVATE_ADDRESSES = Figure(
    128, "addresses a zone", "load balancer (up to 100 as it scales, ELB User Guide), interface endpoints, VPC links"
)
NAT_CONNECTIONS = Figure(55_000, "connections", "Amazon VPC User Guide: a NAT gateway to one destination")
OUTBOUND_CONNECTIONS = Figure(
    0.1, "connections a request/s", "one request in ten calls one outside service, for a second", assumed=True
)

# Cluster

NODE_CPUS: tuple[tuple[str, ...], ...] = (
    ("4", "8", "16"),
    ("8", "16", "32"),
    ("16", "32", "48"),
    ("32", "48", "64"),
)
"""What a pool may choose from: the smallest where the network has addresses for as many nodes as they make."""
NODE_CPUS_SOURCE = "the smallest that the pool allows: the most nodes, so the most addresses"
NODE_GIB_PER_VCPU = Figure(4, "GiB", "general-purpose instances")
NODE_ALLOCATABLE = Figure(0.9, "of a node", "Amazon EKS: kubelet, system and eviction reserve", assumed=True)
NODE_PACKING = Figure(0.85, "of a node", "pods of unequal size leave gaps", assumed=True)
PODS_PER_NODE = Figure(110, "pods", "Kubernetes documentation, large clusters")
ROLLOUT_SURGE = Figure(
    0.25, "of a Deployment's pods", "Kubernetes' default maxSurge, rounded up: new pods start before old ones stop"
)
NODES_PER_CLUSTER = Figure(5000, "nodes", "Kubernetes documentation, large clusters")
NODE_STORAGE_GIB = Figure(80, "GiB", "the node class's own default: a gp3 volume for images, logs and scratch space")

# People, where the declaration says requests only

USER_REQUESTS = Figure(0.1, "requests/s", "a signed-in person's clients ask once in ten seconds", assumed=True)
VISIT_SECONDS = Figure(1800, "s", "a person's visit takes half an hour", assumed=True)
VISITS_WITH_SIGN_IN = Figure(0.1, "of visits", "one in ten begins with a sign-in, others with a refresh", assumed=True)
VISITS_WITH_MAIL = Figure(
    0.001, "of visits", "one in a thousand registers or resets a password, by a mail", assumed=True
)

# Availability and latency

_SLA = "https://aws.amazon.com/legal/service-level-agreements/"
SLA_CLOUDFRONT = Figure(99.9, "%", f"Amazon CloudFront SLA ({_SLA})")
SLA_GATEWAY = Figure(99.95, "%", f"Amazon API Gateway SLA ({_SLA})")
SLA_BALANCER = Figure(99.99, "%", f"Elastic Load Balancing SLA ({_SLA})")
SLA_EKS = Figure(99.95, "%", f"Amazon EKS SLA ({_SLA})")
SLA_NODES = Figure(99.99, "%", f"Amazon Compute SLA, region level: instances in two zones or more ({_SLA})")
SLA_NODES_SINGLE = Figure(99.5, "%", f"Amazon Compute SLA, a single instance ({_SLA})")
SLA_DATABASE = Figure(99.95, "%", f"Amazon RDS SLA, Multi-AZ ({_SLA})")
SLA_DATABASE_SINGLE = Figure(99.5, "%", f"Amazon RDS SLA, Single-AZ ({_SLA})")
DATABASE_FAILOVER_SECONDS = Figure(
    120, "s", "Amazon RDS User Guide, Multi-AZ DB instance deployments: failover times are typically 60 to 120 s"
)
DATABASE_RESTART_SECONDS = Figure(600, "s", "a new host, crash recovery and start, without a standby", assumed=True)
INSTANCE_LOSSES = Figure(1, "a year", "a host of any instance a year", assumed=True)
MAINTENANCES = Figure(2, "a year", "minor versions and operating system, in the window", assumed=True)
CLASS_CHANGES = Figure(1, "a year", "one step of growth", assumed=True)
ZONE_LOSSES = Figure(0.33, "a year", "a zone that is away as a whole, once in three years", assumed=True)
ZONE_LOSS_SECONDS = Figure(180, "s", "health checks of balancers and databases notice and turn away", assumed=True)
ZONE_RESTORE_SECONDS = Figure(14_400, "s", "what is in one zone waits for it, or for a restored backup", assumed=True)
DEPLOYMENT_SECONDS = Figure(
    0,
    "s",
    "maxUnavailable 0 and a drain: `make bench-services WHAT=faults` stops processes under load and loses nothing",
)
EDGE_MS = Figure(15, "ms", "CloudFront to a region of the same continent, on connections that are open", assumed=True)
GATEWAY_MS = Figure(25, "ms", "API Gateway's own part with an authorizer that has its key", assumed=True)
BALANCER_MS = Figure(5, "ms", "VPC link and load balancer, inside a region", assumed=True)
ZONE_MS = Figure(1, "ms", "a round trip between two zones of a region", assumed=True)
STATEMENT_WAY_MS = Figure(
    2 * ZONE_MS, "ms", "a statement's way to a proxy or pooler in another zone, and on to the database", assumed=True
)


def _statement_ms(quantity: Quantity, what: str) -> Figure:
    """Mean time until PostgreSQL beside the service answers a statement."""
    if any(quantity in each for each in ours().services.values()):
        return Figure(_ours(quantity), "ms", f"{what}, mean until PostgreSQL beside it answers: {OURS}")
    return Figure(
        WAITING_P95_MS / P95_TO_MEAN - STATEMENT_WAY_MS,
        "ms",
        f"{what}, mean of what T2 allows: no bench has timed it yet",
        assumed=True,
    )


READ_STATEMENT_MS = _statement_ms("read_statement_ms", "a statement of a get or a list")
WRITE_STATEMENT_MS = _statement_ms("write_statement_ms", "a statement of a creation")
CACHE_ROUND_TRIPS = Figure(2, "round trips", "token bucket, and copy or its invalidation")
LATENCY_QUANTILE = Figure(0.95, "of requests", "T1 and T2 are 95th percentiles")
