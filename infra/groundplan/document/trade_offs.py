"""What was chosen, what speaks for it and what against: of this system, with its own names and numbers.

Each row holds a number of the plan, of the price table or of a measurement, or a name of the declaration, so that none
is true of another system. Numbers keep where they come from (`Number.source`); tests find each of them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundplan.capacity import DatabasePlan, Plan, figures
from groundplan.capacity.cache import cache_load
from groundplan.capacity.demand import demands, service_requests
from groundplan.capacity.events import event_load
from groundplan.capacity.wording import count, number, percent, span, whole
from groundplan.declaration.model import System
from groundplan.document.markdown import table
from groundplan.pricing.table import usd_of
from groundplan.stack.environment import Environment

_HOURS = 730
"""Of a month, as AWS's own calculator counts them."""
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written, its value, and where it comes from: `plan: …`, `declared: …`, `rate: …`."""

    text: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class TradeOff:
    decision: str
    pros: str
    cons: str
    numbers: tuple[Number, ...]


def trade_offs(system: System, plan: Plan, environment: Environment) -> str:
    rows = [(row.decision, row.pros, row.cons) for row in trade_off_rows(system, plan, environment)]
    text = table(("Decision", "Pros", "Cons"), rows)
    return (
        f"{text}\n\nNumbers are those of `{plan.environment}`: sizes and loads of the plan (`make plan WHY=1`), US "
        "dollars a month at list prices (`make cost`)."
    )


def trade_off_rows(system: System, plan: Plan, environment: Environment) -> tuple[TradeOff, ...]:
    return tuple(_Rows(system, plan, environment).rows())


class _Rows:
    def __init__(self, system: System, plan: Plan, environment: Environment) -> None:
        self.system = system
        self.plan = plan
        self.environment = environment
        self.demands = demands(system, environment)
        self._numbers: list[Number] = []

    def rows(self) -> Iterator[TradeOff]:
        for part in (
            self._services(),
            self._edge(),
            self._cluster(),
            self._events(),
            self._databases(),
            self._cache(),
            self._network(),
            self._targets(),
        ):
            yield from part

    def _row(self, decision: str, pros: str, cons: str) -> TradeOff:
        said, self._numbers = tuple(self._numbers), []
        return TradeOff(decision, pros, cons, said)

    def _say(self, value: float, source: str, text: str = "") -> str:
        text = text or number(value)
        self._numbers.append(Number(text, value, source))
        return text

    def _month(self, key: str, units: float, source: str) -> str:
        """What so many units cost in a month; says so where the price table has no rate for the region."""
        usd = usd_of(key, self.environment.region)
        if usd is None:
            return "an amount that isn't in the price table for this region"
        amount = usd * units * _HOURS
        return "$" + self._say(amount, f"rate: {key} x {source} x {_HOURS} h", f"{amount:,.0f}")

    # Services

    def _services(self) -> Iterator[TradeOff]:
        requests = {name: load * self.environment.load_share for name, load in service_requests(self.system).items()}
        largest = max(requests, key=lambda name: requests[name])
        total = self._say(self.plan.requests_per_second, "plan: requests_per_second")
        serving = [each for each in self.plan.workloads_of(largest) if each.role in ("api", "query", "command")]
        pods = self._say(sum(each.max_pods for each in serving), f"plan: max_pods of {largest}'s serving workloads")
        if len(requests) == 1:
            yield self._row(
                f"One service, {largest}",
                f"nothing to coordinate (P4): {total} requests/s in one program, of at most {pods} pods",
                f"a fault of {largest} is a fault of all {total} requests/s",
            )
            return
        own = self._say(requests[largest], f"declared: requests of {largest}")
        apart = self._say(len(requests), "declared: services")
        flows = sum(len(each.consumes) for each in self.system.services.values())
        between = self._say(flows, "declared: consumed events")
        late = sum(demand.consumed_events for demand in self.demands.values())
        rate = self._say(late, "declared: events/s that consumers handle")
        names = self._named(requests)
        yield self._row(
            f"{apart} services rather than one program: {names}",
            f"{largest}, with {own} of {total} requests/s, grows to {pods} pods without the others",
            f"{between} flows of events between them, {rate} events/s at the peak, can come late"
            if flows
            else f"no event connects {names} yet: what one needs of another is a call",
        )

    def _named(self, names: Iterable[str]) -> str:
        listed = list(names)
        more = len(listed) - _NAMED
        return ", ".join(listed[:_NAMED]) + (
            f" and {self._say(more, 'declared: names left out')} more" if more > 0 else ""
        )

    # Edge and cluster

    def _edge(self) -> Iterator[TradeOff]:
        public = [name for name, each in self.system.services.items() if each.exposure == "public"]
        if not public:
            return
        load = sum(self.demands[name].requests for name in public)
        rate = self._say(load, "declared: requests/s of public services")
        limit = self._say(self.plan.gateway.account_limit_rps, "plan: gateway.account_limit_rps")
        million = usd_of("apigateway.rest", self.environment.region)
        price = f"${self._say(million, 'rate: apigateway.rest', f'{million:g}')}" if million else "dearer"
        yield self._row(
            f"REST API rather than HTTP API, for {self._named(public)}",
            f"WAF, request validation and TLS 1.3 only before {rate} requests/s",
            f"{price} a million requests, and an account's default of {limit} requests/s",
        )
        if self.plan.gateway.cache_gb:
            seconds = self._say(self.plan.gateway.cache_seconds, "plan: gateway.cache_seconds")
            size = self._say(self.plan.gateway.cache_gb, "plan: gateway.cache_gb")
            cost = self._month(f"apigateway.cache.{self.plan.gateway.cache_gb:g}", 1, "one cache")
            reads = self._say(sum(self.demands[name].reads for name in public), "declared: reads/s of public services")
            yield self._row(
                f"Responses cached by the gateway for {seconds} s (C1)",
                f"what repeats of {reads} reads/s never reaches the cluster",
                f"nothing but time makes them new, and {size} GB cost {cost}",
            )

    def _cluster(self) -> Iterator[TradeOff]:
        cluster = self.plan.cluster
        nodes = self._say(cluster.nodes_now, "plan: cluster.nodes_now", span(cluster.nodes_now, cluster.nodes_grown))
        if cluster.nodes_grown != cluster.nodes_now:
            self._say(cluster.nodes_grown, "plan: cluster.nodes_grown")
        pods = self._say(cluster.pods_grown, "plan: cluster.pods_grown")
        if self.environment.existing_cluster:
            yield self._row(
                f"The cluster {self.environment.existing_cluster.cluster_name}, which is already there",
                f"nothing more to run: {pods} pods at most join it",
                f"its upgrades, policies and the {nodes} nodes that these need are decided elsewhere",
            )
            return
        cost = self._month("eks.cluster", 1, "one cluster")
        yield self._row(
            "EKS Auto Mode",
            f"{nodes} nodes for at most {pods} pods are bought, patched and replaced by AWS",
            f"{cost} for the control plane, a fee on each of {nodes} nodes, and no choice of their images",
        )

    # Events

    def _events(self) -> Iterator[TradeOff]:
        events = self.plan.events
        if events is None:
            return
        load = event_load(self.system, self.demands)
        rate = self._say(load.messages, "plan: event_load.messages")
        if events.kafka is None:
            queues = sum(len(topic.consumers) + len(topic.projectors) for topic in events.topics)
            held = self._say(queues, "plan: queues")
            topics = self._say(len(events.topics), "plan: topics")
            yield self._row(
                "SNS and SQS rather than Kafka",
                f"nothing to size for {rate} messages/s: {topics} topics and {held} queues cost nothing at rest",
                f"no replay from the broker (the event log does it), and no order across {rate} messages/s",
            )
        else:
            kafka = events.kafka
            hours = self._say(events.retention_hours, "plan: events.retention_hours")
            partitions = self._say(sum(topic.partitions for topic in events.topics), "plan: partitions")
            cost = self._month(f"msk.{kafka.instance_type}", kafka.brokers, "brokers")
            yield self._row(
                "Kafka rather than SNS and SQS",
                f"order within an aggregate, and replay of {hours} hours of {rate} messages/s",
                f"brokers cost {cost} at rest, and {partitions} partitions are set for growth from the start",
            )
            rate = self._say(load.messages, "plan: event_load.messages")
            brokers = self._say(kafka.brokers, "plan: events.kafka.brokers")
            if kafka.kind == "express":
                yield self._row(
                    "MSK Express brokers rather than Standard",
                    f"storage of {brokers} x `{kafka.instance_type}` grows by itself for {rate} messages/s",
                    "three zones always, and no way to or from Standard in place",
                )
            else:
                gib = self._say(kafka.storage_gb or 0, "plan: events.kafka.storage_gb")
                yield self._row(
                    "MSK Standard brokers rather than Express",
                    f"`{kafka.instance_type}` is a small type, and {brokers} of it hold {rate} messages/s",
                    f"{gib} GiB on each to watch, and no way to Express in place",
                )
        relays = [name for name in self.system.services if self.demands[name].relayed_events]
        if relays:
            sent = self._say(load.messages, "plan: event_load.messages")
            yield self._row(
                f"A relay of its own for the outbox of {self._named(relays)}",
                f"{sent} messages/s go on when API pods die, and follow no number of pods",
                f"{self._count(len(relays), 'Deployment', 'declared: services with an outbox')} more, and some "
                "milliseconds",
            )

    def _count(self, amount: int, noun: str, source: str, plural: str = "") -> str:
        self._say(amount, source)
        return count(amount, noun, plural or None)

    # Databases

    def _databases(self) -> Iterator[TradeOff]:
        databases = self.plan.databases
        instances = sum(each.shards * (1 + each.replicas) for each in databases)
        if self.environment.shared_database:
            services = self._count(len(self.system.services), "service", "declared: services")
            (shared,) = databases
            cost = self._month(self._rate_of(shared), 1, "one instance")
            yield self._row(
                f"One `{shared.instance_class}` for the databases of {services}",
                f"{cost} rather than an instance for each",
                f"{self._named(self.system.services)} are apart by permission only (A2), and fail together",
            )
        elif len(databases) > 1:
            held = self._count(instances, "instance", "plan: database instances")
            largest = max(databases, key=lambda each: each.storage_gb)
            gib = self._say(largest.storage_gb, f"plan: storage_gb of {largest.name}")
            yield self._row(
                f"A database for each service (A2): {self._named(each.name for each in databases)}",
                f"load, schema and failure stay a service's own, as do the {gib} GiB of {largest.name}",
                f"{held} to pay, and no joins or transactions across services",
            )
        if cqrs := [name for name, service in self.system.services.items() if service.cqrs]:
            projected = self._say(
                sum(self.demands[name].projected_events for name in cqrs), "declared: projected events/s"
            )
            reads = self._say(sum(self.demands[name].database_reads for name in cqrs), "declared: reads/s of them")
            yield self._row(
                f"CQRS for {self._named(cqrs)} (A4)",
                f"{reads} reads/s scale apart from {projected} writes/s, and answers are stored as they are given",
                f"a read may be some moments old, and projectors follow {projected} changes/s",
            )
        if sharded := [each for each in databases if each.shards > 1]:
            shards = ", ".join(
                f"{each.name} ({self._say(each.shards, f'plan: shards of {each.name}')})" for each in sharded
            )
            most = self._say(max(each.storage_gb for each in sharded), "plan: storage_gb of the fullest shard")
            yield self._row(
                f"Shards for {shards} (D3)",
                f"data and writes beyond one instance: {most} GiB in the fullest",
                f"no unique constraint and no transaction across the shards of {shards}; lists ask them all",
            )
        if replicated := [each for each in databases if each.replicas]:
            names = ", ".join(
                f"{self._say(each.replicas, f'plan: replicas of {each.name}')} of {each.name}" for each in replicated
            )
            reads = self._say(
                sum(self.demands[name].read_statements for each in replicated for name in each.services),
                "declared: read statements/s of them",
            )
            yield self._row(
                f"Read replicas (D3): {names}",
                f"{reads} statements/s stay off the writer, and one more replica takes more of them",
                "they lag: what was just written is read from the primary of "
                f"{self._named(each.name for each in replicated)}",
            )

    def _rate_of(self, database: DatabasePlan) -> str:
        return f"rds.{database.instance_class}.{'multi' if database.multi_zone else 'single'}"

    # Cache

    def _cache(self) -> Iterator[TradeOff]:
        cached = [name for name, service in self.system.services.items() if service.cached]
        if not cached or not self.plan.cache:
            return
        saved = sum(self.demands[name].cached_reads for name in cached)
        hits = self._say(saved, "declared: reads/s from the cache")
        held = self._say(
            cache_load(self.system, self.environment, self.demands).memory_gib, "plan: cache_load.memory_gib"
        )
        yield self._row(
            f"Cache-aside in Valkey for {self._named(cached)} (C2)",
            f"{hits} reads/s never reach a database, and the cache's loss fails no request",
            f"{held} GiB of copies can be old as declared for each resource (C3); without them databases get {hits} "
            "reads/s more",
        )

    # Network

    def _network(self) -> Iterator[TradeOff]:
        zones = self.plan.network.zones
        outbound = self._say(
            self.plan.requests_per_second * figures.OUTBOUND_CONNECTIONS, "plan: connections of network.nat"
        )
        if self.environment.nat == "none":
            yield self._row(
                "No NAT gateway",
                f"nothing of {self._named(self.system.services)} leaves but to AWS's endpoints",
                f"no calls to outside services, of which {outbound} at once are expected",
            )
        else:
            each = zones if self.environment.nat in ("per_zone", "regional") else 1
            cost = self._month("nat.hour", each, "gateways")
            pros, cons = {
                "per_zone": (
                    f"a lost zone leaves the others their way for {outbound} connections out",
                    f"{cost} at rest",
                ),
                "single": (f"{cost} at rest", f"with its zone the way out is lost for all {outbound} connections"),
                "regional": (f"AWS spreads {outbound} connections over the zones", f"{cost} at rest, and newer"),
            }[self.environment.nat]
            name = {
                "per_zone": "A NAT gateway in each zone",
                "single": "One NAT gateway",
                "regional": "A regional NAT gateway",
            }
            yield self._row(name[self.environment.nat], pros, cons)
        if self.environment.interface_endpoints and self.environment.existing_cluster is None:
            cost = self._month("endpoint.hour", zones, "zones, each endpoint")
            requests = self._say(self.plan.requests_per_second, "plan: requests_per_second")
            yield self._row(
                "Interface endpoints for AWS services",
                f"logs and keys of {requests} requests/s stay inside the network",
                f"each endpoint costs {cost} in all zones",
            )

    # Targets

    def _targets(self) -> Iterator[TradeOff]:
        assert self.plan.budgets
        available = self.plan.budgets.availability
        allowed = self._say(available.allowed, "plan: budgets.availability.allowed")
        committed = self._say(available.committed, "plan: budgets.availability.committed")
        own = self._say(available.own, "plan: budgets.availability.own")
        percentage = self._say(
            available.target_percent, "declared: availability_percent", number(available.target_percent, 3)
        )
        requests = self._say(self.plan.requests_per_second, "plan: requests_per_second")
        restored = (
            "databases are restored from their copies in another one (docs/region-loss.md)"
            if self.environment.backup_copy_region is not None
            else "it is back: nothing has a copy in another one (`backup_copy_region`)"
        )
        yield self._row(
            f"One region for a target of {percentage} %",
            f"no data in two places: {requests} requests/s are answered where they are written; failovers and upgrades "
            f"take {own} minutes in 30 days",
            f"AWS commits itself to {committed} minutes away in 30 days where {allowed} are allowed, and the region's "
            f"loss is an outage until {restored}",
        )
        if not self.environment.multi_zone:
            names = self._named(each.name for each in self.plan.databases)
            minutes = self._say(available.own, "plan: budgets.availability.own")
            yield self._row(
                f"One zone for databases and cache: {names}",
                "half the price of what holds data",
                f"with its zone the stack is down; {minutes} minutes in 30 days are expected",
            )
        first, second = self.plan.bottlenecks[:2]
        today = self._say(self.plan.requests_per_second, "plan: requests_per_second")
        full = "no load"
        if first.bites_at_rps < float("inf"):
            full = (
                self._say(first.bites_at_rps, f"plan: {first.subject} full", whole(first.bites_at_rps)) + " requests/s"
            )
        used = self._say(
            first.utilisation_now * 100, f"plan: {first.subject} utilisation_now", percent(first.utilisation_now)[:-2]
        )
        goal = self._say(self.plan.requests_per_second * self.plan.growth_factor, "plan: the goal")
        yield self._row(
            f"Databases sized for today's {today} requests/s, pods for {goal}",
            f"no idle machines: {first.subject}, the fullest, is at {used} %",
            f"{first.subject} is full at {full}, {second.subject} next: the declared load must be raised before",
        )
