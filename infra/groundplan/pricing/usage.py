"""What a month of a stack's load asks of its parts: requests, events and bytes, by service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from groundplan.capacity.demand import Demand, demands
from groundplan.capacity.model import Plan
from groundplan.cloud.model import Resource
from groundplan.declaration.model import System
from groundplan.pricing import figures
from groundplan.pricing.band import NOTHING, Band, total
from groundplan.pricing.table import PriceTable
from groundplan.stack.environment import Environment

EDGE_REGION = "us-east-1"
SHARED = "shared"
"""The service that what belongs to no single one is counted for."""


@dataclass(frozen=True)
class Usage:
    """One simulated program under a load."""

    system: System
    environment: Environment
    plan: Plan
    resources: tuple[Resource, ...]
    table: PriceTable
    load: float = 1.0
    """Times the load that the plan was made for."""
    users: int | None = None
    """Monthly active users; None: the declaration doesn't say."""

    def of(self, token: str) -> tuple[Resource, ...]:
        return self._by_type.get(token, ())

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return {token: tuple(resources) for token, resources in found.items()}

    @cached_property
    def demand(self) -> Mapping[str, Demand]:
        """A second's, at the peak."""
        return {name: each.times(self.load) for name, each in demands(self.system, self.environment).items()}

    def month(self, per_second: float, service: str) -> Band:
        """A month of what a peak second of the service's load holds."""
        load = self.system.services[service].load
        at_work = load.working_hours.days_per_week * load.working_hours.hours_per_day / (7 * 24)
        mean = figures.MEAN_LOAD.band if load.peak_to_mean is None else Band.exactly(1 / load.peak_to_mean)
        return mean * (at_work * per_second * figures.SECONDS)

    @cached_property
    def requests(self) -> Mapping[str, Band]:
        """Of all services, a month."""
        return {name: self.month(each.requests, name) for name, each in self.demand.items()}

    @cached_property
    def public(self) -> Mapping[str, Band]:
        """Requests that come by way of the gateway."""
        services = self.system.services
        return {name: each for name, each in self.requests.items() if services[name].exposure == "public"}

    @cached_property
    def request_shares(self) -> Mapping[str, float]:
        return shares({name: each.expected for name, each in self.requests.items()})

    @cached_property
    def public_shares(self) -> Mapping[str, float]:
        return shares({name: each.expected for name, each in self.public.items()})

    @cached_property
    def all_requests(self) -> Band:
        return total(self.requests.values())

    @cached_property
    def api_requests(self) -> Band:
        return total(self.public.values())

    @cached_property
    def static_requests(self) -> Band:
        if not self.system.edge.static_site:
            return NOTHING
        return self.api_requests * figures.STATIC_REQUESTS.band

    @cached_property
    def edge_requests(self) -> Band:
        return self.api_requests + self.static_requests

    @cached_property
    def edge_writes(self) -> Band:
        return total(self.month(each.writes, name) for name, each in self.demand.items() if name in self.public)

    @cached_property
    def events(self) -> Mapping[str, Band]:
        """Messages a month by event: each of a service's is published as often as another."""
        if self.plan.events is None:
            return {}
        services = self.system.services
        found = {}
        for topic in self.plan.events.topics:
            demand, declared = self.demand[topic.publisher], services[topic.publisher].publishes
            messages = demand.published_events / len(declared) if topic.event in declared else demand.projected_events
            found[topic.event] = self.month(messages, topic.publisher)
        return found

    def consumed(self, name: str) -> Band:
        """Others' events that a service handles in a month: they come at their publishers' hours."""
        publishers, consumed = self.system.published_events(), self.system.services[name].consumes
        sources = sorted({publishers[event] for event in consumed if event in publishers})
        return total(self.month(self.demand[source].published_events, source) for source in sources)

    def projected(self, name: str) -> Band:
        """Changes of its own that a service projects in a month."""
        return self.month(self.demand[name].projected_events, name)

    def event_kib(self, event: str) -> Band:
        """Of one message."""
        publisher = self.publisher(event)
        if self.system.services[publisher].load.payload_bytes is None:
            return figures.EVENT_KIB.band
        return Band.exactly(self.demand[publisher].costs.event_kib)

    def answers_gib(self, requests: Mapping[str, Band]) -> Band:
        """The bytes of services' answers."""
        return total(gib(each, self._response_kib(name) * figures.KIB) for name, each in requests.items())

    def _response_kib(self, name: str) -> Band:
        if self.system.services[name].load.payload_bytes is None:
            return figures.RESPONSE_KIB.band
        return Band.exactly(self.demand[name].costs.object_kib)

    def readers(self, event: str) -> int:
        """Services' consumers and projectors of it."""
        assert self.plan.events is not None
        topic = next(topic for topic in self.plan.events.topics if topic.event == event)
        return len(topic.consumers) + len(topic.projectors)

    def publisher(self, event: str) -> str:
        assert self.plan.events is not None
        return next(topic.publisher for topic in self.plan.events.topics if topic.event == event)

    @cached_property
    def event_shares(self) -> Mapping[str, float]:
        by: dict[str, float] = {}
        for event, messages in self.events.items():
            by[self.publisher(event)] = by.get(self.publisher(event), 0) + messages.expected
        return shares(by)

    @cached_property
    def events_gib(self) -> Band:
        return total(gib(each, self.event_kib(event) * figures.KIB) for event, each in self.events.items())

    @cached_property
    def handled_events(self) -> Mapping[str, Band]:
        """Events that a service handles in a month, projections with them."""
        return {name: self.consumed(name) + self.projected(name) for name in self.demand}

    @cached_property
    def service_log_gib(self) -> Band:
        """What the services' pods log in a month."""
        return gib(self.all_requests, figures.SERVICE_LOG_BYTES.band) + gib(
            total(self.handled_events.values()), figures.EVENT_LOG_BYTES.band
        )

    @cached_property
    def queue_traffic_gib(self) -> Band:
        """Events that leave and enter pods by way of SNS and SQS."""
        if self.plan.events is None or self.plan.events.kafka is not None:
            return NOTHING
        return total(
            gib(each * (1 + self.readers(event)), self.event_kib(event) * figures.KIB)
            for event, each in self.events.items()
        )

    @property
    def nodes(self) -> float:
        """Nodes of four vCPUs under the load: the autoscaler adds them evenly up to the plan's growth."""
        cluster, growth = self.plan.cluster, self.plan.growth_factor
        grown = 0.0 if growth <= 1 else min(1.0, max(0.0, (self.load - 1) / (growth - 1)))
        return cluster.nodes_now + (cluster.nodes_grown - cluster.nodes_now) * grown

    @cached_property
    def node_shares(self) -> Mapping[str, float]:
        """By the CPU that each service's fewest pods ask for."""
        by: dict[str, float] = {}
        for workload in self.plan.workloads:
            by[workload.service] = by.get(workload.service, 0) + workload.min_pods * workload.cpu_millicores
        return shares(by)

    def database_services(self, instance: str) -> Mapping[str, float]:
        """Whose data a database's parts hold, by the name of the part (`db-order-replica-1`)."""
        names = [each.name for each in self.plan.databases if f"{instance}-".startswith(f"db-{each.name}-")]
        if not names:
            return WHOLE
        database = next(each for each in self.plan.databases if each.name == max(names, key=len))
        return shares({name: self.requests[name].expected for name in database.services})


WHOLE: Mapping[str, float] = {SHARED: 1.0}


def shares(amounts: Mapping[str, float]) -> Mapping[str, float]:
    """Parts of one; of nothing, all of it is shared."""
    whole = sum(amounts.values())
    return {name: amount / whole for name, amount in amounts.items()} if whole > 0 else WHOLE


def gib(count: Band, size: Band) -> Band:
    return count * size * (1 / figures.GIB)


def items_in(value: object) -> list[Any]:
    """A list of a resource's input, which may be left out."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else []
