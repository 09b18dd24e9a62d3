"""Databases: instance classes, replicas, storage, shards, pooling and the connection budget (D3, A2, T2, T4, P1).

Instance classes hold today's peak with headroom, not ten times of it: a larger class is one number in the declaration
and a failover of about a minute, while the idle nine tenths would be paid for every hour. What can't be changed
without harm later (storage's ceiling, shards, connections of the most pods) is planned for growth from the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from groundplan.capacity import figures
from groundplan.capacity.cluster import surge
from groundplan.capacity.database_reasons import Facts, database_reasons
from groundplan.capacity.demand import Demand, Statements, grown_read_cores, read_heavy
from groundplan.capacity.figures import DatabaseClass
from groundplan.capacity.model import DatabasePlan, Decision, PoolerPlan, WorkloadPlan, instance_name
from groundplan.capacity.placement import (
    InstanceLoad,
    Placement,
    classes,
    has_replicas,
    instance_load,
    max_connections,
    placed_shards_gb,
    placements,
    rollout_connections,
    smallest_class,
    statements_per_shard,
    surviving_replicas,
    usable_connections,
)
from groundplan.capacity.wording import count
from groundplan.declaration.model import System
from groundplan.problems import Problem, ProblemsFound
from groundplan.stack.environment import Environment


def plan_databases(
    system: System,
    environment: Environment,
    demands: dict[str, Demand],
    workloads: tuple[WorkloadPlan, ...],
    written: System,
    data_growth: float,
) -> tuple[tuple[DatabasePlan, ...], tuple[WorkloadPlan, ...], tuple[Decision, ...]]:
    """Every database, and the workloads with pools that its connection budget allows.

    ``written`` is the system with the growth of what is written.

    Raises ProblemsFound when the most pods could not each have one connection.
    """
    databases: list[DatabasePlan] = []
    decisions: list[Decision] = []
    by_service: dict[str, list[WorkloadPlan]] = {}
    for workload in workloads:
        by_service.setdefault(workload.service, []).append(workload)
    pooled: dict[str, WorkloadPlan] = {}
    for placement in placements(system, environment):
        own = [workload for name in placement.services for workload in by_service[name]]
        database, fitted, reasons = _database(placement, system, environment, demands, own, written, data_growth)
        databases.append(database)
        decisions.extend(reasons)
        pooled |= {workload.name: workload for workload in fitted}
    return tuple(databases), tuple(pooled[workload.name] for workload in workloads), tuple(decisions)


def _database(
    placement: Placement,
    system: System,
    environment: Environment,
    demands: dict[str, Demand],
    workloads: list[WorkloadPlan],
    written: System,
    data_growth: float,
) -> tuple[DatabasePlan, list[WorkloadPlan], list[Decision]]:
    load = instance_load(placement, system, environment, demands)
    growth = system.requirements.growth_factor
    statements = statements_per_shard(placement, system, environment, demands)

    clients = _together(workloads, _primary)
    busy = _busy(statements.primary.sessions * growth)
    proxy = environment.database_proxy and clients > figures.POOLING_FROM
    largest = classes(environment)[-1]
    # More than the largest class takes is shared (the proxy queues) or cut (pools shrink): it asks for no larger one.
    held = min(clients, busy if proxy else clients, usable_connections(largest))
    rolling = 0 if proxy else min(_rolling(workloads, _primary), rollout_connections(largest))
    chosen = smallest_class(environment, load.writer_cores, load.writer_io, load.hot_gib, held, rolling) or largest
    fitted = workloads if proxy else _fit_pools(placement, environment, workloads, chosen)
    squeezed = fitted != workloads

    replicas = 0
    replica_class = chosen
    if has_replicas(placement, system, environment, demands):
        replica_class, replicas = _replicas(load, chosen, environment)
    pooler = _pooler(fitted, replica_class, replicas, statements.replicas * growth, environment)

    remembered = environment.remembered.databases.get(placement.name)
    horizon = system.requirements.horizon_months
    grown_data = placed_shards_gb(placement, written, environment, horizon, data_growth)
    storages: list[int] = []
    ceilings: list[int] = []
    for shard, data in enumerate(placed_shards_gb(placement, system, environment, 0)):
        least, deployed_ceiling = remembered.of_shard(shard + 1) if remembered else (0, 0)
        least = max(least, environment.restored.storage_gb(instance_name(placement.name, shard + 1)))
        storage, iops, io_needed = _storage(data, load, replicas, growth, least)
        ceiling = max(storage * figures.STORAGE_AUTOSCALING_STEP, grown_data[shard] * figures.STORAGE_HEADROOM)
        # Storage may have grown by itself up to the ceiling that was deployed, and no ceiling is below the storage.
        ceilings.append(min(int(figures.MAX_STORAGE_GB), max(_tens(ceiling), storage, deployed_ceiling)))
        storages.append(storage)
    database = DatabasePlan(
        name=placement.name,
        services=placement.services,
        instance_class=chosen.name,
        replica_class=replica_class.name,
        replicas=replicas,
        storage_gb=max(storages),
        max_storage_gb=max(ceilings),
        iops=iops,
        throughput_mibps=None,
        shards=placement.shards,
        shard_generations=placement.generations,
        shard_storage_gb=tuple(storages),
        shard_max_storage_gb=tuple(ceilings),
        multi_zone=environment.multi_zone,
        proxy=proxy,
        pooler=pooler,
        max_connections=max_connections(chosen),
    )
    facts = Facts(
        _grown_reads(placement, system, environment, demands),
        load,
        clients,
        busy,
        io_needed,
        max(grown_data),
        data_growth,
        squeezed,
        chosen,
        statements.replicas.rate * growth,
    )
    return database, fitted, database_reasons(database, placement, system, environment, facts)


def _grown_reads(placement: Placement, system: System, environment: Environment, demands: dict[str, Demand]) -> float:
    heavy = (name for name in placement.services if read_heavy(system.services[name]))
    return max((grown_read_cores(system, environment, demands[name]) for name in heavy), default=0.0)


def _primary(workload: WorkloadPlan) -> int:
    return workload.primary_connections


def _replica(workload: WorkloadPlan) -> int:
    return workload.replica_connections


def _together(workloads: list[WorkloadPlan], pool: Callable[[WorkloadPlan], int]) -> int:
    """What the most pods hold."""
    return sum(workload.max_pods * pool(workload) for workload in workloads)


def _rolling(workloads: list[WorkloadPlan], pool: Callable[[WorkloadPlan], int]) -> int:
    """What the most pods hold while all are replaced."""
    return sum((workload.max_pods + surge(workload.max_pods)) * pool(workload) for workload in workloads)


def _busy(sessions: float) -> int:
    """Connections in use at once, with room for uneven arrivals."""
    return math.ceil(sessions * figures.BUSY_HEADROOM)


def _fit_pools(
    placement: Placement, environment: Environment, workloads: list[WorkloadPlan], chosen: DatabaseClass
) -> list[WorkloadPlan]:
    """Pools cut in proportion until the most pods together stay within the budget, and within the instance while a
    rollout starts pods beside those they replace."""
    usable, most = usable_connections(chosen), rollout_connections(chosen)

    def fits(those: list[WorkloadPlan]) -> bool:
        return _together(those, _primary) <= usable and _rolling(those, _primary) <= most

    if fits(workloads):
        return workloads
    share = min(usable / _together(workloads, _primary), most / _rolling(workloads, _primary))
    cut = [
        replace(workload, primary_connections=max(1, math.floor(workload.primary_connections * share)))
        if workload.primary_connections
        else workload
        for workload in workloads
    ]
    if not fits(cut):
        cut = [replace(workload, primary_connections=min(1, workload.primary_connections)) for workload in cut]
    if not fits(cut):
        needed = sum(workload.max_pods for workload in cut if workload.primary_connections)
        setting = "shared_database" if environment.shared_database else "database_proxy"
        raise ProblemsFound(
            [
                Problem(
                    where=f"Pulumi.{environment.name}.yaml",
                    path=setting,
                    value="true" if environment.shared_database else "false",
                    expected=f"at most {usable:,} connections to one instance, {most:,} while pods are replaced; "
                    f"{needed:,} pods of {count(len(placement.services), 'service')} need one each",
                    remedy="set shared_database to false, so that each service has its own instance"
                    if environment.shared_database
                    else "set database_proxy to true, so that connections are shared",
                )
            ]
        )
    return cut


def _replicas(load: InstanceLoad, writer: DatabaseClass, environment: Environment) -> tuple[DatabaseClass, int]:
    """The writer's class, so that a replica can take its place, or the first larger one that needs at most fifteen."""
    ladder = classes(environment)
    for candidate in ladder[ladder.index(writer) :]:
        replicas = _replicas_of(load, candidate, environment)
        if replicas <= figures.MAX_REPLICAS:
            return candidate, replicas
    return ladder[-1], int(figures.MAX_REPLICAS)


def _replicas_of(load: InstanceLoad, candidate: DatabaseClass, environment: Environment) -> int:
    share = max(load.reader_cores / candidate.cores, load.reader_io / candidate.iops)
    replicas = math.ceil(share / figures.TARGET_UTILISATION - 1e-9)
    if environment.multi_zone:
        return max(replicas, math.ceil(share / figures.SURVIVOR_UTILISATION - 1e-9) + 1, 2)
    return max(replicas, 1)


def _pooler(
    workloads: list[WorkloadPlan],
    replica_class: DatabaseClass,
    replicas: int,
    statements: Statements,
    environment: Environment,
) -> PoolerPlan | None:
    """PgBouncer, once the pods' connections pass what the replicas that survive one's loss can take."""
    clients, rolling = _together(workloads, _replica), _rolling(workloads, _replica)
    survivors = surviving_replicas(replicas)
    budget, most = usable_connections(replica_class) * survivors, rollout_connections(replica_class) * survivors
    if not replicas or (clients <= budget and rolling <= most):
        return None
    floor = 2 if environment.multi_zone else 1
    lost = 1 if environment.multi_zone else 0
    pods = max(
        floor,
        math.ceil(statements.rate / (figures.POOLER_STATEMENTS * figures.TARGET_UTILISATION)),
        math.ceil(rolling / figures.POOLER_CLIENTS) + lost,
    )
    server = min(max(_busy(statements.sessions), pods), budget) // pods
    server = min(server, most // (pods + surge(pods)))
    return PoolerPlan(
        pods=pods,
        cpu_millicores=1000,
        memory_mib=256,
        max_client_connections=int(figures.POOLER_CLIENTS),
        server_connections=max(1, server),
    )


def _tens(value: float) -> int:
    return math.ceil(value / 10 - 1e-9) * 10


def _storage(
    data: float, load: InstanceLoad, replicas: int, growth: float, least: int
) -> tuple[int, int | None, float]:
    """Storage in GiB, provisioned IOPS (None: the size's baseline), and the IOPS that are needed today.

    Striping comes with the size and is cheap, so it is there for full growth; provisioned IOPS are for today, as they
    can be raised at any time. ``least`` is what is deployed: storage never shrinks.
    """
    needed = max(load.writer_io, load.reader_io / surviving_replicas(replicas)) / figures.TARGET_UTILISATION
    storage = max(int(figures.SMALLEST_STORAGE_GB), least, _tens(data * figures.STORAGE_HEADROOM))
    if needed * growth > figures.GP3_IOPS:
        storage = max(storage, int(figures.GP3_STRIPED_FROM_GB))
    storage = min(storage, int(figures.MAX_STORAGE_GB))
    if needed <= figures.GP3_STRIPED_IOPS:
        return storage, None, needed
    iops = min(math.ceil(needed / 1000) * 1000, int(figures.GP3_MAX_IOPS))
    return max(storage, _tens(iops / figures.GP3_IOPS_PER_GB)), iops, needed
