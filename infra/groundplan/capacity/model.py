"""The plan: every size and count, each with its reason. Plain data, no rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal


@dataclass(frozen=True, slots=True)
class Decision:
    """One size or count and why it is so.

    ``subject`` names the part (``database.order``), ``setting`` the attribute (``instance_class``), ``rule``
    the requirement ids it follows from (``D3, P1``), ``source`` where a number in the reason comes from.
    """

    subject: str
    setting: str
    value: str
    reason: str
    rule: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """How much one part of the system holds, in its own unit and in the system's requests per second.

    ``capacity`` is what the declared resources hold as deployed with autoscaling used up; ``bites_at_rps`` is the
    system load at which demand meets it. Utilisations are shares of capacity (1.0 is full) now and at the
    declared growth factor.
    """

    subject: str
    unit: str
    capacity: float
    demand_now: float
    demand_grown: float
    utilisation_now: float
    utilisation_grown: float
    bites_at_rps: float
    remedy: str


WorkloadRole = Literal["api", "command", "query", "consumer", "relay", "projector"]


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """One Deployment. ``api`` serves everything; with CQRS ``command`` and ``query`` share the work (A4)."""

    name: str
    service: str
    role: WorkloadRole
    min_pods: int
    max_pods: int
    cpu_millicores: int
    memory_mib: int
    primary_connections: int
    """Connections of one pod to the primary (or its proxy) of each shard."""
    replica_connections: int
    """Connections of one pod to the read replicas, over all replicas of a shard."""
    target_cpu_percent: int = 60
    """CPU use, of the request, at which the autoscaler adds a pod."""


@dataclass(frozen=True, slots=True)
class PoolerPlan:
    """PgBouncer in front of the read replicas of one shard (RDS Proxy serves the writer only)."""

    pods: int
    cpu_millicores: int
    memory_mib: int
    max_client_connections: int
    """Connections that one pooler pod accepts."""
    server_connections: int
    """Connections that one pooler pod opens to the replicas, over all of them."""


def instance_name(database: str, shard: int) -> str:
    """What the program calls a shard's instance.

    The first has the database's own name, so that adding a second one renames nothing.
    """
    return f"db-{database}" if shard == 1 else f"db-{database}-{shard}"


@dataclass(frozen=True, slots=True)
class DatabasePlan:
    """One logical database of a service, or the shared instance of all; each shard is an instance of this size."""

    name: str
    services: tuple[str, ...]
    instance_class: str
    replica_class: str
    replicas: int
    """Read replicas of each shard."""
    storage_gb: int
    """Of the shard that needs most; each has its own in `shard_storage_gb`."""
    max_storage_gb: int
    iops: int | None
    """Provisioned gp3 IOPS; None: the size's baseline."""
    throughput_mibps: int | None
    shards: int
    shard_generations: tuple[tuple[str, int], ...]
    """(ISO date, shards): the append-only map."""
    shard_storage_gb: tuple[int, ...]
    """Of each shard: the first ones hold what is older than the later generations."""
    shard_max_storage_gb: tuple[int, ...]
    multi_zone: bool
    proxy: bool
    pooler: PoolerPlan | None
    max_connections: int
    """The parameter `max_connections` of the instance."""

    @property
    def instances(self) -> tuple[str, ...]:
        """What the program calls the instances that are written to, in the order of the shards."""
        return tuple(instance_name(self.name, shard) for shard in range(1, self.shards + 1))


@dataclass(frozen=True, slots=True)
class CachePlan:
    """The Valkey replication group that all services share, each with its own user and key prefix."""

    node_type: str
    shards: int
    replicas: int
    """Replicas of each shard."""
    working_set_gb: float


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One event's Kafka topic, or SNS topic.

    A service with CQRS also has a stream of all its changes, ``<service>.read_model``, which no declared
    event may be called (`groundplan.declaration.checks.events`). Its projector reads it under a consumer group or from
    a queue of its own, so that it never competes with the service's consumer.
    """

    event: str
    publisher: str
    consumers: tuple[str, ...]
    """Services whose consumer reads it."""
    partitions: int
    """Of the Kafka topic; 0 for an SNS topic, which has none."""
    projectors: tuple[str, ...] = ()
    """Services whose projector reads it."""


@dataclass(frozen=True, slots=True)
class KafkaPlan:
    kind: Literal["standard", "express"]
    instance_type: str
    brokers: int
    storage_gb: int | None
    """Per broker; None on Express, which grows by itself."""
    replication: int
    min_in_sync: int


@dataclass(frozen=True, slots=True)
class EventsPlan:
    """Where events travel: Kafka when ``kafka`` is given, else SNS topics and SQS queues."""

    topics: tuple[TopicPlan, ...]
    retention_hours: int
    log_retention_days: int
    kafka: KafkaPlan | None


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    requests_per_second: int
    """Stage throttle."""
    burst: int
    cache_gb: float | None
    """Stage cache size as AWS sells it (0.5, 1.6, 6.1 …); None: off."""
    cache_seconds: int
    account_limit_rps: int
    """The account's default for regional REST APIs, all stages together."""


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    cidr: IPv4Network
    zones: int
    public: tuple[IPv4Network, ...]
    private: tuple[IPv4Network, ...]
    data: tuple[IPv4Network, ...]
    firewall: tuple[IPv4Network, ...]
    ingress: tuple[IPv4Network, ...]
    """The load balancer's, in which no pod has an address."""
    nat: Literal["none", "single", "per_zone", "regional"]


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """Limits of the node pool; Auto Mode picks the machines inside them."""

    instance_cpus: tuple[str, ...]
    nodes_now: int
    nodes_grown: int
    cpu_limit: int
    """vCPUs that the pool may reach."""
    memory_limit_gib: int
    pods_grown: int

    @property
    def node_vcpus(self) -> int:
        """Of the smallest node, by which nodes are counted."""
        return int(self.instance_cpus[0])


@dataclass(frozen=True, slots=True)
class Kept:
    """A size that stays as it was deployed, though less would do, because AWS never makes it smaller."""

    subject: str
    setting: str
    value: str
    needed: str
    """What today's declaration alone would give."""
    why: str
    cost: str
    """What keeping it costs."""
    source: str


MINUTES = 30 * 24 * 60
"""In the 30 days over which availability is counted."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one part takes of a budget: minutes in 30 days, or milliseconds at the 95th percentile."""

    part: str
    amount: float
    source: str


@dataclass(frozen=True, slots=True)
class AvailabilityBudget:
    """Minutes in 30 days: what the target allows, what AWS's commitments allow, and what this stack takes itself."""

    target_percent: float
    allowed: float
    committed_percent: float
    commitments: tuple[Share, ...]
    """Of what every request passes: each may be away for so long before AWS pays for it."""
    outages: tuple[Share, ...]
    """What the design answers: failovers, upgrades, deployments, a zone. They are within the commitments."""
    needed: str
    """What would have to change for a target that isn't met; empty for one that is."""

    @property
    def committed(self) -> float:
        return MINUTES * (100 - self.committed_percent) / 100

    @property
    def own(self) -> float:
        return sum(outage.amount for outage in self.outages)

    @property
    def verdict(self) -> Literal["covered", "not covered", "not met"]:
        """Not covered: AWS's commitments are weaker than the target, which then rests on what AWS does beyond them."""
        if self.own > self.allowed:
            return "not met"
        return "covered" if self.committed <= self.allowed else "not covered"


@dataclass(frozen=True, slots=True)
class LatencyBudget:
    """Of one kind of request of the slowest service, from CloudFront on: how far clients are isn't declared."""

    request: str
    service: str
    target: float
    hops: tuple[Share, ...]
    needed: str
    """What would have to change for a target that isn't met; empty for one that is."""

    @property
    def total(self) -> float:
        """The hops' 95th percentiles together: seldom are all of them slow at once, so that it is an upper bound."""
        return sum(hop.amount for hop in self.hops)


@dataclass(frozen=True, slots=True)
class Budgets:
    availability: AvailabilityBudget
    latency: tuple[LatencyBudget, ...]
    """Of each kind of request that the system has, what takes longest first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the program declares that has a size."""

    system: str
    environment: str
    requests_per_second: float
    growth_factor: float
    workloads: tuple[WorkloadPlan, ...]
    databases: tuple[DatabasePlan, ...]
    cache: CachePlan | None
    events: EventsPlan | None
    gateway: GatewayPlan
    network: NetworkPlan
    cluster: ClusterPlan
    tiers: tuple[Tier, ...]
    decisions: tuple[Decision, ...]
    notes: tuple[str, ...] = field(default=())
    """What a person should know before they rely on the plan (quotas to raise, limits met)."""
    kept: tuple[Kept, ...] = field(default=())
    """Sizes that are larger than they need be."""
    held: tuple[Kept, ...] = field(default=())
    """Sizes that wait for another one, which takes effect in a maintenance window."""
    budgets: Budgets | None = None
    """None only while the plan is being made."""

    def database_of(self, service: str) -> DatabasePlan:
        return next(database for database in self.databases if service in database.services)

    def workloads_of(self, service: str) -> tuple[WorkloadPlan, ...]:
        return tuple(workload for workload in self.workloads if workload.service == service)

    @property
    def bottlenecks(self) -> tuple[Tier, ...]:
        """Tiers in the order in which they bite, the first one first."""
        return tuple(sorted(self.tiers, key=lambda tier: tier.bites_at_rps))
