"""Each part's capacity against what is asked of it now and at full growth, and the load at which it bites (P1, T3)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from groundplan.capacity import figures
from groundplan.capacity.cache import cache_load, node_named, operations
from groundplan.capacity.demand import Demand, query_seconds, requests_per_second
from groundplan.capacity.events import broker_named, event_load, partitions_in_use, readers_of, sns_publish_limit
from groundplan.capacity.gateway import public_requests
from groundplan.capacity.model import CachePlan, DatabasePlan, EventsPlan, Plan, Tier, WorkloadPlan
from groundplan.capacity.network import addresses, private_addresses_needed
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
from groundplan.capacity.workloads import Work, usable_cores, work_of
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

_RAISE = "raise requirements.requests_per_second, and lower growth_factor by as much to keep the goal"


def tiers(plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> tuple[Tier, ...]:
    """Every part that can run out, in the order in which a request meets them."""
    return tuple(_Reckoning(plan, system, environment, demands).tiers())


class _Reckoning:
    """One plan's demands and capacities."""

    def __init__(self, plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> None:
        self.plan = plan
        self.system = system
        self.environment = environment
        self.demands = demands
        self.growth = system.requirements.growth_factor
        self.seconds = query_seconds(system)
        self.load = requests_per_second(system, environment)
        self.works: dict[str, tuple[str, Work]] = {
            f"{name}-{work.role}": (name, work)
            for name, service in system.services.items()
            for work in work_of(service, demands[name], replicas=environment.read_replicas)
        }

    def tier(
        self,
        subject: str,
        unit: str,
        capacity: float,
        now: float,
        remedy: str,
        grown: float | None = None,
        beyond: float | None = None,
    ) -> Tier:
        """Demand grows with the load where ``grown`` isn't given.

        Where it has a floor, ``beyond`` is what it is at full growth without one, and goes on from there in a line.
        """
        at_growth = now * self.growth if grown is None else grown
        slope = at_growth if beyond is None else beyond
        return Tier(
            subject=subject,
            unit=unit,
            capacity=capacity,
            demand_now=now,
            demand_grown=at_growth,
            utilisation_now=now / capacity,
            utilisation_grown=at_growth / capacity,
            bites_at_rps=self.load * self.growth * capacity / slope if slope else math.inf,
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
            f"ask for more than {limit:,} requests/s (Service Quotas, L-8A5B8E43) before the load is there",
        )

    def _workloads(self) -> Iterator[Tier]:
        shards = {name: database.shards for database in self.plan.databases for name in database.services}
        for workload in self.plan.workloads:
            service, work = self.works[workload.name]
            if not work.cores:
                continue
            cores = usable_cores(workload, work, shards[service], self.seconds)
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
        yield from self._connections(database, statements.primary, statements.replicas)

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
        seconds = self.seconds * figures.BUSY_HEADROOM
        if database.proxy:
            yield self.tier(
                f"{subject}.connections",
                "connections",
                usable,
                primary * seconds,
                "a larger class takes more connections; faster statements need fewer",
            )
        else:
            held = self._held({w: w.primary_connections for w in workloads})
            yield self.tier(
                f"{subject}.connections",
                "connections",
                usable,
                held[0],
                "set database_proxy to true in the stack",
                held[1],
                held[2],
            )
        if not database.replicas:
            return
        usable = usable_connections(class_named(database.replica_class)) * database.replicas
        remedy = "more replicas take more connections; faster statements need fewer"
        if database.pooler:
            now = replicas * seconds
            yield self.tier(f"{subject}.replica-connections", "connections", usable, now, remedy)
        else:
            held = self._held({w: w.replica_connections for w in workloads})
            yield self.tier(f"{subject}.replica-connections", "connections", usable, held[0], remedy, held[1], held[2])

    def _held(self, a_pod: dict[WorkloadPlan, int]) -> tuple[float, float, float]:
        """What pods hold together: the fewest pods, the most, and as many as full growth asks for without a floor."""
        return (
            sum(each * workload.min_pods for workload, each in a_pod.items()),
            sum(each * workload.max_pods for workload, each in a_pod.items()),
            sum(each * self._asked_pods(workload) for workload, each in a_pod.items()),
        )

    def _asked_pods(self, workload: WorkloadPlan) -> float:
        cores = self.works[workload.name][1].cores * self.growth
        return cores / (workload.cpu_millicores / 1000 * figures.TARGET_UTILISATION)

    def _busiest(self, subject: str, ways: tuple[tuple[str, float, float], ...], remedy: str) -> Tier:
        unit, capacity, now = max(ways, key=lambda way: way[2] / way[1])
        return self.tier(subject, unit, capacity, now, remedy)

    def _cache(self, cache: CachePlan) -> Iterator[Tier]:
        node = node_named(cache.node_type)
        now, grown = (cache_load(self.system, self.environment, self.demands, factor) for factor in (1.0, self.growth))
        remedy = f"a larger node or another shard, online: {_RAISE}"
        yield self.tier(
            "cache.operations",
            "operations/s",
            operations(node) * cache.shards,
            now.operations,
            remedy,
            grown.operations,
        )
        yield self.tier(
            "cache.memory",
            "GiB",
            node.memory_gib * figures.CACHE_MEMORY * cache.shards,
            now.memory_gib,
            remedy,
            grown.memory_gib,
        )

    def _events(self, events: EventsPlan) -> Iterator[Tier]:
        load = event_load(self.system, self.demands)
        kafka = events.kafka
        if not kafka:
            limit = sns_publish_limit(self.environment.region)
            yield self.tier(
                "events.publish",
                "messages/s",
                limit,
                load.messages,
                f"ask for more than {limit:,.0f} messages/s (Service Quotas, Amazon SNS) before the load is there",
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
        busy = partitions_in_use(self.system, self.demands)
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
        cpu = self._held({workload: workload.cpu_millicores for workload in self.plan.workloads})
        usable = self.plan.cluster.cpu_limit * figures.NODE_ALLOCATABLE * figures.NODE_PACKING
        return self.tier(
            "cluster.cpu",
            "vCPU",
            usable,
            cpu[0] / 1000,
            "the pool's limits follow: raise requirements.growth_factor",
            cpu[1] / 1000,
            cpu[2] / 1000,
        )

    def _addresses(self) -> Tier:
        multi_zone = self.environment.multi_zone
        cluster = self.plan.cluster
        grown = private_addresses_needed(cluster, multi_zone=multi_zone)
        fixed = figures.SHARED_PRIVATE_ADDRESSES
        cpu = self._held({workload: workload.cpu_millicores for workload in self.plan.workloads})
        return self.tier(
            "network.addresses",
            "addresses a zone",
            addresses(self.plan.network.private[0]),
            (grown - fixed) * cluster.nodes_now / cluster.nodes_grown + fixed,
            "a larger vpc_cidr, which means a new network: choose it large from the start",
            grown,
            (grown - fixed) * cpu[2] / cpu[1] + fixed,
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
