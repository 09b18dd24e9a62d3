"""What is asked of each service: requests, statements and events a second at today's peak."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from groundplan.capacity import figures
from groundplan.capacity.costs import Costs, costs_of, working_ms
from groundplan.declaration.model import Service, System
from groundplan.stack.environment import Environment


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements a second, and the connections that they hold at once: by Little's law, on average."""

    rate: float
    sessions: float

    @classmethod
    def of(cls, rate: float, milliseconds: float) -> Self:
        return cls(rate, rate * milliseconds / 1000)

    def __add__(self, other: Statements) -> Statements:
        return Statements(self.rate + other.rate, self.sessions + other.sessions)

    def __mul__(self, factor: float) -> Statements:
        return Statements(self.rate * factor, self.sessions * factor)

    def __truediv__(self, parts: float) -> Statements:
        return Statements(self.rate / parts, self.sessions / parts)


@dataclass(frozen=True, slots=True)
class Demand:
    """One service's load, all in units a second at the peak of the stack's part of the load."""

    cached_reads: float
    """Requests answered from the cache."""
    database_reads: float
    writes: float
    consumed_events: float
    """Events of other services that its consumer handles."""
    projected_events: float
    """Changes of its own that its projector writes into the read model (A4)."""
    relayed_events: float
    """Messages that its relay takes from the outbox to the broker."""
    published_events: float = 0.0
    """Messages of declared events among them."""
    costs: Costs = field(default_factory=Costs)
    """What one of each takes."""

    @property
    def reads(self) -> float:
        return self.cached_reads + self.database_reads

    @property
    def requests(self) -> float:
        return self.reads + self.writes

    def times(self, factor: float) -> Demand:
        amounts = (name for name in Demand.__slots__ if name != "costs")
        return replace(self, **{name: getattr(self, name) * factor for name in amounts})

    @property
    def read_statements(self) -> float:
        return self.database_reads * self.costs.statements_a_read

    @property
    def write_work(self) -> float:
        """What all writing asks of the primary, in statements' worth a second."""
        return (
            self.writes * self.costs.statements_a_write
            + self.consumed_events * self.costs.statements_a_consumed_event
            + self.projected_events * self.costs.statements_a_projected_event
            + self.relayed_events * figures.RELAYED_EVENT_WORK
        )


def statement_core_seconds(system: System, costs: Costs) -> tuple[float, float]:
    """Seconds of a core that a read and a write take.

    What a statement is declared to work beyond its waits holds a connection, and a vCPU as long.
    """
    running = working_ms(system) / 1000
    return costs.read_statement_core_ms / 1000 + running, costs.write_statement_core_ms / 1000 + running


def query_seconds(system: System) -> float:
    """Mean duration of a statement that just meets its declared 95th percentile (T2): for budgets of latency, which T2
    bounds. What a statement takes, and so sizes, is `Costs.read_statement_ms` and `write_statement_ms`."""
    return system.requirements.query_p95_ms / 1000 / figures.P95_TO_MEAN


def requests_per_second(system: System, environment: Environment) -> float:
    """The load, over all services, that the stack is sized for."""
    return sum(service_requests(system).values()) * environment.load_share


def service_requests(system: System) -> dict[str, float]:
    """Each service's requests a second at today's peak.

    Its own, where it declares them; the others share the system's by their weights, so that a service with a load of
    its own takes nothing from its neighbours.
    """
    weights = sum(each.traffic_weight for each in system.services.values() if each.load.requests_per_second is None)
    shared = system.requirements.requests_per_second
    return {
        name: shared * service.traffic_weight / weights
        if service.load.requests_per_second is None
        else service.load.requests_per_second
        for name, service in system.services.items()
    }


def with_load(system: System, factor: float, growth_factor: float | None = None) -> System:
    """The system under so many times its load, services' own with it; a copy that isn't held to the bounds of a
    declaration. ``growth_factor`` replaces the declared one."""
    requirements = system.requirements
    changed = {"requests_per_second": requirements.requests_per_second * factor}
    if growth_factor is not None:
        changed["growth_factor"] = growth_factor
    services = {name: _loaded(service, factor) for name, service in system.services.items()}
    return system.model_copy(update={"requirements": requirements.model_copy(update=changed), "services": services})


def _loaded(service: Service, factor: float) -> Service:
    own = {
        key: amount * factor
        for key in ("requests_per_second", "events_per_second")
        if (amount := getattr(service.load, key)) is not None
    }
    return service.model_copy(update={"load": service.load.model_copy(update=own)}) if own else service


def mean_share(service: Service) -> float:
    """The mean of the service's load over a week, as a part of its peak."""
    hours = service.load.working_hours
    at_work = hours.days_per_week * hours.hours_per_day / (7 * 24)
    peak_to_mean = service.load.peak_to_mean
    return at_work * (float(figures.PEAK_TO_MEAN) if peak_to_mean is None else 1 / peak_to_mean)


def demands(system: System, environment: Environment) -> dict[str, Demand]:
    """Today's demand by service.

    A write publishes one event of the declared kinds unless the service declares its events, and which kind is unknown:
    so any consumer of a publisher is given all of that publisher's events.
    """
    return demands_at(system, environment.load_share)


def demands_at(system: System, share: float) -> dict[str, Demand]:
    """The demand by service of a part of the declared load."""
    requests = {name: amount * share for name, amount in service_requests(system).items()}
    events = {name: _published(service, requests[name], share) for name, service in system.services.items()}
    publishers = {event: name for name, service in system.services.items() for event in service.publishes}
    return {
        name: _demand(system, name, service, requests[name], events, publishers)
        for name, service in system.services.items()
    }


def _published(service: Service, requests: float, share: float) -> float:
    """Events that others may read."""
    if not service.publishes:
        return 0.0
    own = service.load.events_per_second
    return requests * (1 - service.read_share) if own is None else own * share


def _demand(
    system: System,
    name: str,
    service: Service,
    requests: float,
    events: dict[str, float],
    publishers: dict[str, str],
) -> Demand:
    reads = requests * service.read_share
    writes = requests * (1 - service.read_share)
    from_cache = reads * service.repeat_share if service.cached else 0.0
    sources = {publishers[event] for event in service.consumes if event in publishers}
    streamed = writes if service.cqrs else 0.0
    return Demand(
        cached_reads=from_cache,
        database_reads=reads - from_cache,
        writes=writes,
        consumed_events=sum(events[source] for source in sorted(sources)),
        projected_events=streamed,
        relayed_events=events[name] + streamed,
        published_events=events[name],
        costs=costs_of(system, name),
    )


def consumes(service: Service) -> bool:
    """Whether the service has a consumer."""
    return bool(service.consumes)


def relays(service: Service) -> bool:
    """Whether the service has an outbox to empty: it publishes, or feeds its own read model."""
    return bool(service.publishes) or service.cqrs


def read_heavy(service: Service) -> bool:
    """D3: reads are what its database mostly does, or its queries have processes of their own (A4)."""
    return service.cqrs or service.read_share >= figures.READ_HEAVY_SHARE


def grown_read_cores(system: System, environment: Environment, demand: Demand) -> float:
    """Cores that the service's reads take of its database at the whole system's full growth."""
    system_wide = demand.read_statements / environment.load_share * system.requirements.growth_factor
    return system_wide * statement_core_seconds(system, demand.costs)[0]


def reads_apart(system: System, environment: Environment, name: str, demand: Demand) -> bool:
    """D3: whether the service's reads go to replicas: they prevail, and are enough to press a writer.

    It is the whole system's load that decides, so that a smaller stack rehearses the same shape.
    """
    enough = grown_read_cores(system, environment, demand) >= figures.REPLICAS_FROM_CORES - 1e-9
    return environment.read_replicas and read_heavy(system.services[name]) and enough


def data_gb(service: Service, environment: Environment) -> float:
    """Data today in GiB, in this stack."""
    return service.data_gb * environment.load_share


def data_gb_at(service: Service, environment: Environment, months: int, growth: float = 1.0) -> float:
    """Data in GiB after so many months, when it grows ``growth`` times as fast as declared."""
    return (service.data_gb + service.data_growth_gb_per_month * growth * months) * environment.load_share
