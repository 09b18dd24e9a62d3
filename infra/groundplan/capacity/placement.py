"""Which services share a database instance, what each instance must hold, and the classes there are to hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import Demand, Statements, reads_apart, statement_core_seconds
from groundplan.capacity.figures import DatabaseClass
from groundplan.capacity.shards import FIRST_GENERATION, shard_count, shard_generations, shards_gb
from groundplan.capacity.workloads import work_of
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

SHARED = "shared"
"""Name of the one instance that holds every service's database."""


@dataclass(frozen=True, slots=True)
class InstanceLoad:
    """What one shard's instances must hold today: cores and I/O of the writer, and of all its readers together."""

    writer_cores: float
    writer_io: float
    reader_cores: float
    reader_io: float
    hot_gib: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Which services share an instance, and the map of its shards."""

    name: str
    services: tuple[str, ...]
    generations: tuple[tuple[str, int], ...]

    @property
    def shards(self) -> int:
        return shard_count(self.generations)


def placements(system: System, environment: Environment) -> tuple[Placement, ...]:
    """Databases of the stack: one a service (A2), or one for all.

    A shared instance has one shard, regardless of what services declare: it is there to be cheap, holds a part of the
    data, and a service whose map has a single shard runs the same code.
    """
    if environment.shared_database:
        return (Placement(SHARED, tuple(system.services), ((FIRST_GENERATION, 1),)),)
    return tuple(
        Placement(name, (name,), shard_generations(service, system.requirements))
        for name, service in system.services.items()
    )


def has_replicas(placement: Placement, system: System, environment: Environment, demands: dict[str, Demand]) -> bool:
    """D3: services whose reads press a writer get replicas."""
    return any(reads_apart(system, environment, name, demands[name]) for name in placement.services)


def instance_load(
    placement: Placement, system: System, environment: Environment, demands: dict[str, Demand]
) -> InstanceLoad:
    """Today's load of one shard."""
    writer = writer_io = reader = reader_io = 0.0
    for name in placement.services:
        demand = demands[name]
        read_seconds, write_seconds = statement_core_seconds(system, demand.costs)
        reads, read_io = demand.read_statements * read_seconds, demand.read_statements * figures.READ_STATEMENT_IO
        if reads_apart(system, environment, name, demand):
            reader, reader_io = reader + reads, reader_io + read_io
        else:
            writer, writer_io = writer + reads, writer_io + read_io
        writer += demand.write_work * write_seconds
        writer_io += demand.write_work * figures.WRITE_STATEMENT_IO
    shards = placement.shards
    return InstanceLoad(
        writer_cores=writer / shards,
        writer_io=writer_io / shards,
        reader_cores=reader / shards,
        reader_io=reader_io / shards,
        hot_gib=placed_gb(placement, system, environment, 0) * figures.HOT_DATA_SHARE,
    )


def usable_connections(database_class: DatabaseClass) -> int:
    """Connections that services may hold together, of one instance."""
    return math.floor(max_connections(database_class) * figures.USABLE_CONNECTIONS)


def rollout_connections(database_class: DatabaseClass) -> int:
    """Connections that pods may hold while a rollout runs old ones and new ones side by side."""
    return max_connections(database_class) - int(figures.RESERVED_CONNECTIONS)


def max_connections(database_class: DatabaseClass) -> int:
    """The parameter `max_connections` as RDS would compute it, on what is left of the class's memory."""
    memory = database_class.memory_gib * 2**30 * figures.DATABASE_MEMORY
    return min(int(figures.MAX_CONNECTIONS), math.floor(memory / figures.CONNECTION_BYTES))


def class_named(name: str) -> DatabaseClass:
    return next(c for c in (*figures.BURSTABLE_DATABASE_CLASSES, *figures.DATABASE_CLASSES) if c.name == name)


def classes(environment: Environment) -> tuple[DatabaseClass, ...]:
    """Classes from small to large; burstable ones only where no failover is asked for, as their credits run out."""
    if environment.multi_zone:
        return figures.DATABASE_CLASSES
    return figures.BURSTABLE_DATABASE_CLASSES + figures.DATABASE_CLASSES


def smallest_class(
    environment: Environment, cores: float, io: float, hot_gib: float, connections: int = 0, rolling: int = 0
) -> DatabaseClass | None:
    """The first class that holds cores and I/O at the target utilisation, hot data in memory, and the connections."""
    return next(
        (
            candidate
            for candidate in classes(environment)
            if cores <= candidate.cores * figures.TARGET_UTILISATION
            and io <= candidate.iops * figures.TARGET_UTILISATION
            and hot_gib <= candidate.memory_gib * figures.MEMORY_FOR_PAGES
            and connections <= usable_connections(candidate)
            and rolling <= rollout_connections(candidate)
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class ShardStatements:
    """Today's, of one shard: on the writer, and on all its replicas together."""

    primary: Statements
    replicas: Statements


def statements_per_shard(
    placement: Placement, system: System, environment: Environment, demands: dict[str, Demand]
) -> ShardStatements:
    primary = replicas = Statements(0.0, 0.0)
    for name in placement.services:
        for work in work_of(
            system.services[name], demands[name], replicas=reads_apart(system, environment, name, demands[name])
        ):
            primary += work.primary or Statements(0.0, 0.0)
            replicas += work.replicas or Statements(0.0, 0.0)
    return ShardStatements(primary / placement.shards, replicas / placement.shards)


def surviving_replicas(replicas: int) -> int:
    """Replicas that are left when one is lost: what connections are counted against."""
    return max(1, replicas - 1)


def baseline_iops(storage_gb: int) -> float:
    """gp3's IOPS at no extra charge, for PostgreSQL."""
    return figures.GP3_STRIPED_IOPS if storage_gb >= figures.GP3_STRIPED_FROM_GB else figures.GP3_IOPS


def placed_gb(
    placement: Placement, system: System, environment: Environment, months: int, growth: float = 1.0
) -> float:
    """GiB in the placement's fullest shard after so many months."""
    return max(placed_shards_gb(placement, system, environment, months, growth))


def placed_shards_gb(
    placement: Placement, system: System, environment: Environment, months: int, growth: float = 1.0
) -> tuple[float, ...]:
    """GiB in each of the placement's shards after so many months."""
    services = [system.services[name] for name in placement.services]
    by_service = [shards_gb(service, placement.generations, months, growth) for service in services]
    return tuple(sum(shard) * environment.load_share for shard in zip(*by_service, strict=True))
