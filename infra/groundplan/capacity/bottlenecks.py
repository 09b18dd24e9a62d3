"""Each part's capacity against what is asked of it now and at full growth, and the load at which it bites (P1, T3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from groundplan.capacity import figures
from groundplan.capacity.cache import CacheLoad, cache_load, node_named, operations
from groundplan.capacity.cluster import NodePool, node_pool
from groundplan.capacity.demand import Demand, reads_apart, requests_per_second
from groundplan.capacity.events import broker_named, event_load, partitions_in_use, readers_of
from groundplan.capacity.gateway import public_requests
from groundplan.capacity.model import CachePlan, DatabasePlan, EventsPlan, Plan, Tier, WorkloadPlan
from groundplan.capacity.network import addresses, private_addresses
from groundplan.capacity.placement import (
    Placement,
    baseline_iops,
    class_named,
    instance_load,
    placements,
    smallest_class,
    statements_per_shard,
    usable_connections,
)
from groundplan.capacity.workloads import Work, pods_floor, pods_for, usable_cores, work_of
from groundplan.declaration.model import System
from groundplan.quotas import QUOTAS
from groundplan.stack.environment import Environment

_RAISE = "raise requirements.requests_per_second, and lower growth_factor by as much to keep the goal"


def tiers(plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> tuple[Tier, ...]:
    """Every part that can run out, in the order in which a request meets them."""
    return tuple(_Reckoning(plan, system, environment, demands).tiers())


_DOUBLINGS = 24
_HALVINGS = 26


def multiple_at(demand: Callable[[float], float], capacity: float) -> float:
    """The largest multiple of today's load at which ``demand``, which never falls, is within the capacity.

    Infinite where no load fills it, and next to nothing where what is fixed does already.
    """
    within, beyond = 0.0, 1.0
    for _ in range(_DOUBLINGS):
        if demand(beyond) > capacity:
            break
        within, beyond = beyond, beyond * 2
    else:
        return math.inf
    for _ in range(_HALVINGS):
        middle = (within + beyond) / 2
        within, beyond = (middle, beyond) if demand(middle) <= capacity else (within, middle)
    return max(within, 1e-9)


class _Reckoning:
    """One plan's demands and capacities."""

    def __init__(self, plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> None:
        self.plan = plan
        self.system = system
        self.environment = environment
        self.demands = demands
        self.growth = system.requirements.growth_factor
        self.load = requests_per_second(system, environment)
        self.shards = {name: database.shards for database in plan.databases for name in database.services}
        self.works: dict[str, tuple[str, Work]] = {
            f"{name}-{work.role}": (name, work)
            for name, service in system.services.items()
            for work in work_of(service, demands[name], replicas=reads_apart(system, environment, name, demands[name]))
        }

        self.pod_sizes: dict[str, tuple[float, float, int]] = {}
        for workload in plan.workloads:
            service, work = self.works[workload.name]
            cores = usable_cores(workload, work, self.shards[service])
            self.pod_sizes[workload.name] = (work.cores, cores, pods_floor(workload.role, environment))

    def tier(
        self,
        subject: str,
        unit: str,
        capacity: float,
        demand: float | Callable[[float], float],
        remedy: str,
    ) -> Tier:
        """``demand`` is today's where it grows with the load, else what a multiple of today's load asks for.

        Then it may have a part that is fixed, a floor or a limit, and is full where it meets the capacity.
        """
        if callable(demand):
            now, at_growth, full_at = demand(1.0), demand(self.growth), multiple_at(demand, capacity)
        else:
            now, at_growth, full_at = demand, demand * self.growth, capacity / demand if demand else math.inf
        return Tier(
            subject=subject,
            unit=unit,
            capacity=capacity,
            demand_now=now,
            demand_grown=at_growth,
            utilisation_now=now / capacity,
            utilisation_grown=at_growth / capacity,
            bites_at_rps=self.load * full_at,
            remedy=remedy,
        )

    def tiers(self) -> Iterator[Tier]:
        yield self._gateway()
        yield from self._workloads()
        if self.plan.cache:
            yield from self._cache(self.plan.cache)
        for placement, database in zip(placements(self.system, self.environment), self.plan.databases, strict=True):
            yield from self._database(placement, database)
        if self.plan.events:
            yield from self._events(self.plan.events)
        yield self._nodes()
        if self.environment.existing_cluster is None:
            yield self._addresses()
        if self.environment.nat != "none":
            yield self._nat()

    def _gateway(self) -> Tier:
        limit = self.plan.gateway.account_limit_rps
        return self.tier(
            "gateway.account",
            "requests/s",
            limit,
            public_requests(self.system, self.demands),
            f"ask for more than {limit:,} requests/s ({QUOTAS['gateway_rps'].ask}) before the load is there",
        )

    def _workloads(self) -> Iterator[Tier]:
        for workload in self.plan.workloads:
            service, work = self.works[workload.name]
            if not work.cores:
                continue
            cores = usable_cores(workload, work, self.shards[service])
            yield self.tier(
                f"workload.{workload.name}",
                work.unit,
                workload.max_pods * cores * work.rate / work.cores,
                work.rate,
                "more pods, with no interruption: raise requirements.growth_factor",
            )

    def _database(self, placement: Placement, database: DatabasePlan) -> Iterator[Tier]:
        load = instance_load(placement, self.system, self.environment, self.demands)
        statements = statements_per_shard(placement, self.system, self.environment, self.demands)
        writer, replica = class_named(database.instance_class), class_named(database.replica_class)
        io = float(database.iops or baseline_iops(min(database.shard_storage_gb)))
        subject, shards = f"database.{database.name}", database.shards
        larger = smallest_class(
            self.environment, load.writer_cores * self.growth, load.writer_io * self.growth, load.hot_gib
        )
        yield self._busiest(
            f"{subject}.writer",
            (
                ("cores", writer.cores * shards, load.writer_cores * shards),
                ("IOPS", min(writer.iops, io) * shards, load.writer_io * shards),
            ),
            self._class_remedy(larger.name, database.instance_class)
            if larger
            else "no class holds full growth on one writer: split the service, or spread it over more shards",
        )
        if database.replicas:
            yield self._busiest(
                f"{subject}.replicas",
                (
                    ("cores", replica.cores * database.replicas * shards, load.reader_cores * shards),
                    ("IOPS", min(replica.iops, io) * database.replicas * shards, load.reader_io * shards),
                ),
                f"up to {figures.MAX_REPLICAS:.0f} replicas, then a larger class, with no interruption: {_RAISE}",
            )
        yield from self._connections(database, statements.primary.sessions, statements.replicas.sessions)

    def _class_remedy(self, enough: str, now: str) -> str:
        """What to do about an instance class, given the one that would hold full growth with headroom."""
        cost = "a failover of about a minute" if self.environment.multi_zone else "a restart of some minutes"
        class_ = "the next class" if enough == now else f"{enough} holds full growth"
        return f"{class_}, {cost}: {_RAISE}"

    def _connections(self, database: DatabasePlan, primary: float, replicas: float) -> Iterator[Tier]:
        """Shared connections follow the statements that run; unshared ones the pods that hold them."""
        subject = f"database.{database.name}"
        workloads = [workload for name in database.services for workload in self.plan.workloads_of(name)]
        usable = usable_connections(class_named(database.instance_class))
        if database.proxy:
            yield self.tier(
                f"{subject}.connections",
                "connections",
                usable,
                primary * figures.BUSY_HEADROOM,
                "a larger class takes more connections; faster statements need fewer",
            )
        else:
            yield self.tier(
                f"{subject}.connections",
                "connections",
                usable,
                self._held({w: w.primary_connections for w in workloads}),
                "set database_proxy to true in the stack",
            )
        if not database.replicas:
            return
        usable = usable_connections(class_named(database.replica_class)) * database.replicas
        remedy = "more replicas take more connections; faster statements need fewer"
        if database.pooler:
            now = replicas * figures.BUSY_HEADROOM
            yield self.tier(f"{subject}.replica-connections", "connections", usable, now, remedy)
        else:
            held = self._held({w: w.replica_connections for w in workloads})
            yield self.tier(f"{subject}.replica-connections", "connections", usable, held, remedy)

    def _held(self, a_pod: dict[WorkloadPlan, int]) -> Callable[[float], float]:
        """What pods hold together at a multiple of today's load."""
        return lambda multiple: sum(each * self._pods(workload, multiple) for workload, each in a_pod.items())

    def _pods(self, workload: WorkloadPlan, multiple: float) -> int:
        """The autoscaler's pods as deployed; beyond full growth, what the next plan would deploy."""
        work_cores, cores, floor = self.pod_sizes[workload.name]
        asked = pods_for(work_cores * multiple, cores, floor, multi_zone=self.environment.multi_zone)
        if multiple <= self.growth:
            return min(max(asked, workload.min_pods), workload.max_pods)
        return max(workload.max_pods, min(asked, int(self.environment.quota("alb_targets_per_group"))))

    def _busiest(self, subject: str, ways: tuple[tuple[str, float, float], ...], remedy: str) -> Tier:
        unit, capacity, now = max(ways, key=lambda way: way[2] / way[1])
        return self.tier(subject, unit, capacity, now, remedy)

    def _cache(self, cache: CachePlan) -> Iterator[Tier]:
        node = node_named(cache.node_type)

        def load(multiple: float) -> CacheLoad:
            return cache_load(self.system, self.environment, self.demands, multiple)

        remedy = f"a larger node or another shard, online: {_RAISE}"
        yield self.tier(
            "cache.operations",
            "operations/s",
            operations(node, load(1.0).object_kib) * cache.shards,
            load(1.0).operations,
            remedy,
        )
        yield self.tier(
            "cache.memory",
            "GiB",
            node.memory_gib * figures.CACHE_MEMORY * cache.shards,
            lambda multiple: load(multiple).memory_gib,
            remedy,
        )

    def _events(self, events: EventsPlan) -> Iterator[Tier]:
        load = event_load(self.system, self.demands)
        kafka = events.kafka
        if not kafka:
            limit = self.environment.quota("sns_publish")
            yield self.tier(
                "events.publish",
                "messages/s",
                limit,
                load.messages,
                f"ask for more than {limit:,.0f} messages/s ({QUOTAS['sns_publish'].ask}) before the load is there",
            )
            return
        broker = broker_named(kafka.instance_type)
        if load.messages:
            yield self._busiest(
                "kafka.throughput",
                (
                    ("MB/s in", broker.ingress_mbps * kafka.brokers, load.ingress_mbps),
                    ("MB/s out", broker.egress_mbps * kafka.brokers, load.egress_mbps),
                ),
                f"larger brokers, one after the other: {_RAISE}",
            )
        yield from self._partitions(events)

    def _partitions(self, events: EventsPlan) -> Iterator[Tier]:
        """A partition's events are handled one after the other: the topic with the least to spare."""
        busy = partitions_in_use(self.demands)
        ways = [(topic, busy[reader]) for topic in events.topics for reader in readers_of(topic) if busy[reader]]
        if not ways:
            return
        topic, in_use = max(ways, key=lambda way: way[1] / way[0].partitions)
        yield self.tier(
            f"topic.{topic.event}",
            "partitions",
            topic.partitions,
            in_use,
            "more partitions: events of one aggregate may be handled out of order while the old ones drain",
        )

    def _nodes(self) -> Tier:
        usable = self.plan.cluster.cpu_limit * figures.NODE_ALLOCATABLE * figures.NODE_PACKING
        return self.tier(
            "cluster.cpu",
            "vCPU",
            usable,
            lambda multiple: self._pool(multiple).cpu,
            "the pool's limits follow: raise requirements.growth_factor",
        )

    def _pool(self, multiple: float) -> NodePool:
        """What the pool holds at a multiple of today's load."""
        pods = ((self._pods(workload, multiple), workload.cpu_millicores) for workload in self.plan.workloads)
        return node_pool(pods, self.plan.databases, self.environment, self.plan.cluster.node_vcpus)

    def _addresses(self) -> Tier:
        def needed(multiple: float) -> float:
            pool = self._pool(multiple)
            return private_addresses(pool.nodes, pool.pods, multi_zone=self.environment.multi_zone)

        return self.tier(
            "network.addresses",
            "addresses a zone",
            addresses(self.plan.network.private[0]),
            needed,
            "a larger vpc_cidr, which means a new network: choose it large from the start",
        )

    def _nat(self) -> Tier:
        zones = self.plan.network.zones if self.environment.nat in ("per_zone", "regional") else 1
        return self.tier(
            "network.nat",
            "connections to one destination",
            figures.NAT_CONNECTIONS * zones,
            self.load * figures.OUTBOUND_CONNECTIONS,
            "more addresses on each NAT gateway, or keep connections to outside services open",
        )
