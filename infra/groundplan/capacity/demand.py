"""What is asked of each service: requests, statements and events a second at today's peak."""

from __future__ import annotations

from dataclasses import dataclass, replace

from groundplan.capacity import figures
from groundplan.declaration.model import Service, System
from groundplan.stack.environment import Environment


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

    @property
    def reads(self) -> float:
        return self.cached_reads + self.database_reads

    @property
    def requests(self) -> float:
        return self.reads + self.writes

    def times(self, factor: float) -> Demand:
        return replace(self, **{name: getattr(self, name) * factor for name in Demand.__slots__})

    @property
    def read_statements(self) -> float:
        return self.database_reads * figures.STATEMENTS_PER_READ

    @property
    def write_work(self) -> float:
        """What all writing asks of the primary, in statements' worth a second."""
        return (
            self.writes * figures.STATEMENTS_PER_WRITE
            + self.consumed_events * figures.STATEMENTS_PER_CONSUMED_EVENT
            + self.projected_events * figures.STATEMENTS_PER_PROJECTED_EVENT
            + self.relayed_events * figures.RELAYED_EVENT_WORK
        )


def statement_core_seconds(system: System) -> tuple[float, float]:
    """Seconds of a core that a read and a write take.

    Pools count with the declared duration of a statement, so cores must too: a statement that runs for longer than
    waits explain is active on a vCPU for the rest.
    """
    running = max(0.0, query_seconds(system) - figures.WAITING_P95_MS / 1000 / figures.P95_TO_MEAN)
    return figures.READ_STATEMENT_CORE_MS / 1000 + running, figures.WRITE_STATEMENT_CORE_MS / 1000 + running


def query_seconds(system: System) -> float:
    """Mean duration of a statement, by what is declared of its 95th percentile (T2)."""
    return system.requirements.query_p95_ms / 1000 / figures.P95_TO_MEAN


def requests_per_second(system: System, environment: Environment) -> float:
    """The load, over all services, that the stack is sized for."""
    return system.requirements.requests_per_second * environment.load_share


def demands(system: System, environment: Environment) -> dict[str, Demand]:
    """Today's demand by service.

    Every write publishes at most one event of the declared kinds, and which kind is unknown: so any consumer of a
    publisher is given all of that publisher's writes.
    """
    load = requests_per_second(system, environment)
    weights = sum(service.traffic_weight for service in system.services.values())
    writes = {
        name: load * service.traffic_weight / weights * (1 - service.read_share)
        for name, service in system.services.items()
    }
    publishers = {event: name for name, service in system.services.items() for event in service.publishes}
    return {
        name: _demand(name, service, load * service.traffic_weight / weights, writes, publishers)
        for name, service in system.services.items()
    }


def _demand(
    name: str, service: Service, requests: float, writes: dict[str, float], publishers: dict[str, str]
) -> Demand:
    reads = requests * service.read_share
    from_cache = reads * service.repeat_share if service.cached else 0.0
    sources = {publishers[event] for event in service.consumes if event in publishers}
    streams = bool(service.publishes) + service.cqrs
    return Demand(
        cached_reads=from_cache,
        database_reads=reads - from_cache,
        writes=writes[name],
        consumed_events=sum(writes[source] for source in sorted(sources)),
        projected_events=writes[name] if service.cqrs else 0.0,
        relayed_events=writes[name] * streams,
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
    return system_wide * statement_core_seconds(system)[0]


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
