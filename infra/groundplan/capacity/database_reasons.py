"""Why a database is as large as it is."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import read_heavy
from groundplan.capacity.figures import DatabaseClass
from groundplan.capacity.model import DatabasePlan, Decision
from groundplan.capacity.placement import (
    SHARED,
    InstanceLoad,
    Placement,
    baseline_iops,
    placed_gb,
    usable_connections,
)
from groundplan.capacity.shards import fullest_shard_gb
from groundplan.capacity.wording import number, percent, sizes
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules weighed: reads at full growth, today's load of a shard, connections, IOPS, data at the horizon."""

    grown_reads: float
    load: InstanceLoad
    clients: int
    busy: int
    io_needed: float
    grown_data: float
    data_growth: float
    squeezed: bool
    chosen: DatabaseClass
    replica_statements_grown: float


def database_reasons(
    database: DatabasePlan, placement: Placement, system: System, environment: Environment, facts: Facts
) -> list[Decision]:
    subject = f"database.{database.name}"
    requirements = system.requirements
    chosen, load = facts.chosen, facts.load
    of_shard = f" in each of {database.shards} shards" if database.shards > 1 else ""
    in_fullest = f" in the fullest of {database.shards} shards" if database.shards > 1 else ""
    usable = usable_connections(chosen)
    striped = database.storage_gb >= figures.GP3_STRIPED_FROM_GB
    throughput = figures.GP3_STRIPED_THROUGHPUT if striped else figures.GP3_THROUGHPUT
    reasons = [
        Decision(
            subject,
            "instance_class",
            database.instance_class,
            f"writes{of_shard} take {number(load.writer_cores)} of {number(chosen.cores)} cores "
            f"({percent(load.writer_cores / chosen.cores)}) and {number(load.writer_io)} of {chosen.iops:,} IOPS, hot "
            "data "
            f"{number(load.hot_gib)} of {chosen.memory_gib} GiB, connections {min(facts.clients, usable):,} of "
            f"{usable:,}; "
            f"the smallest class at {percent(figures.TARGET_UTILISATION)} or less",
            "T2, P4",
            figures.DATABASE_CLASSES_SOURCE,
        ),
        Decision(
            subject,
            "replica_class",
            database.replica_class,
            "as the writer, so that a replica can be promoted"
            if database.replica_class == database.instance_class
            else f"larger than the writer: {figures.MAX_REPLICAS:.0f} of its class would not hold the reads",
            "D3, T4",
            figures.DATABASE_CLASSES_SOURCE,
        ),
        Decision(
            subject,
            "replicas",
            str(database.replicas),
            _replica_reason(database, placement, system, environment, facts),
            "D3, A4",
            figures.READ_HEAVY_SHARE.source,
        ),
        Decision(
            subject,
            "storage_gb",
            str(database.storage_gb),
            f"{number(placed_gb(placement, system, environment, 0))} GiB{in_fullest} today, times "
            f"{number(figures.STORAGE_HEADROOM, 2)}"
            + (
                f"; full growth needs {number(facts.io_needed * requirements.growth_factor)} IOPS, and from 400 GiB "
                "gp3 gives "
                "12,000 rather than 3,000"
                if facts.io_needed * requirements.growth_factor > figures.GP3_IOPS
                else ""
            ),
            "P1",
            f"{figures.STORAGE_HEADROOM.source}; {figures.GP3_STRIPED_FROM_GB.source}",
        ),
        Decision(
            subject,
            "max_storage_gb",
            str(database.max_storage_gb),
            f"{number(facts.grown_data)} GiB in {requirements.horizon_months} months if data grows "
            f"{number(facts.data_growth)} times as fast as declared; storage grows by itself and a ceiling "
            "costs nothing",
            "P1",
            figures.STORAGE_AUTOSCALING_STEP.source,
        ),
        Decision(
            subject,
            "iops",
            "baseline" if database.iops is None else str(database.iops),
            f"{number(facts.io_needed)} IOPS today with headroom; the baseline of {database.storage_gb} GiB is "
            f"{number(baseline_iops(database.storage_gb))}",
            "T2",
            figures.GP3_STRIPED_IOPS.source,
        ),
        Decision(
            subject,
            "throughput_mibps",
            "baseline",
            f"{number(facts.io_needed * figures.IO_KIB / 1024)} MiB/s in pages of 8 KiB; the baseline is "
            f"{number(throughput)}",
            "T2",
            figures.GP3_STRIPED_THROUGHPUT.source,
        ),
        Decision(
            subject,
            "shards",
            str(database.shards),
            _shard_reason(database, placement, system),
            "D3",
            figures.SHARD_GB.source,
        ),
        Decision(
            subject,
            "shard_generations",
            ", ".join(f"{shards} from {since}" for since, shards in database.shard_generations),
            "declared: rows stay where the generation of their key put them"
            if any(system.services[name].shard_map for name in placement.services) and database.name != SHARED
            else "one generation since before any data",
            "D3",
            "append-only: a number computed anew on each deployment would lose rows",
        ),
        Decision(
            subject,
            "shard_storage_gb",
            sizes(database.shard_storage_gb),
            "each by its own data: what is older than the later generations stays in the first one's shards",
            "D3, P4",
            figures.STORAGE_HEADROOM.source,
        ),
        Decision(
            subject,
            "shard_max_storage_gb",
            sizes(database.shard_max_storage_gb),
            f"each by its own data in {requirements.horizon_months} months",
            "P1",
            figures.STORAGE_AUTOSCALING_STEP.source,
        ),
        Decision(
            subject,
            "multi_zone",
            "yes" if database.multi_zone else "no",
            f"a standby in another zone takes over in about a minute; {number(requirements.availability_percent, 3)} "
            "% allows "
            f"{number((100 - requirements.availability_percent) / 100 * 30 * 24 * 60)} minutes in 30 days"
            if database.multi_zone
            else "this stack may wait for an instance to be restored",
            "T4",
            "Amazon RDS User Guide, Multi-AZ: failover takes 60 to 120 seconds",
        ),
        Decision(
            subject,
            "proxy",
            "yes" if database.proxy else "no",
            _proxy_reason(database, environment, facts),
            "D3",
            figures.POOLING_FROM.source,
        ),
        Decision(
            subject,
            "max_connections",
            str(database.max_connections),
            f"what {chosen.memory_gib} GiB allow; services may hold {usable:,} of them"
            + ("; pools were cut so that the most pods stay within that" if facts.squeezed else ""),
            "D3",
            figures.CONNECTION_BYTES.source,
        ),
    ]
    if database.pooler:
        reasons += _pooler_reasons(database, facts)
    return reasons


def _replica_reason(
    database: DatabasePlan, placement: Placement, system: System, environment: Environment, facts: Facts
) -> str:
    heavy = [name for name in placement.services if read_heavy(system.services[name])]
    if database.replicas:
        own = next(
            c
            for c in (*figures.BURSTABLE_DATABASE_CLASSES, *figures.DATABASE_CLASSES)
            if c.name == database.replica_class
        )
        why = "CQRS reads from replicas" if any(system.services[name].cqrs for name in heavy) else "read-heavy"
        spare = ", one of which may fail" if database.replicas > 1 else ""
        return (
            f"{why}: reads take {number(facts.load.reader_cores)} cores of {number(own.cores)} in each replica, "
            f"at {percent(figures.TARGET_UTILISATION)} or less{spare}"
        )
    if heavy and environment.read_replicas:
        return (
            f"reads at full growth take {number(facts.grown_reads)} cores, and the primary bears them beside its "
            f"writes; from {number(figures.REPLICAS_FROM_CORES)} on they are worth replicas"
        )
    if heavy:
        return "this stack keeps no replicas; reads go to the primary"
    shares = ", ".join(percent(system.services[name].read_share) for name in placement.services[:3])
    return f"not read-heavy: {shares} of requests read, {percent(figures.READ_HEAVY_SHARE)} would be"


def _shard_reason(database: DatabasePlan, placement: Placement, system: System) -> str:
    if database.name == SHARED:
        return "one instance for all services, regardless of their maps: it holds a part of the data only"
    service = system.services[placement.services[0]]
    months = system.requirements.horizon_months
    data = number(service.data_gb_at(months))
    fullest = number(fullest_shard_gb(service, placement.generations, months))
    limit = number(figures.SHARD_GB)
    return f"{data} GiB in {months} months, {fullest} in the fullest shard, at most {limit} GiB in one"


def _proxy_reason(database: DatabasePlan, environment: Environment, facts: Facts) -> str:
    clients = f"the most pods hold {facts.clients:,} connections"
    if database.proxy:
        return f"{clients}, of which about {facts.busy:,} are busy at once at full growth: the proxy shares them"
    if facts.clients > figures.POOLING_FROM and not environment.database_proxy:
        return f"{clients}; this stack has no proxy, so the class must take them"
    return f"{clients}, fewer than the {figures.POOLING_FROM:.0f} from which sharing them pays"


def _pooler_reasons(database: DatabasePlan, facts: Facts) -> list[Decision]:
    assert database.pooler is not None
    pooler = database.pooler
    subject = f"pooler.{database.name}"
    reads = f"{number(facts.replica_statements_grown)} statements/s at full growth"
    return [
        Decision(
            subject,
            "pods",
            str(pooler.pods),
            f"{reads}, {number(figures.POOLER_STATEMENTS)} a pod at {percent(figures.TARGET_UTILISATION)}, and one "
            "may fail",
            "D3, T4",
            figures.POOLER_STATEMENTS.source,
        ),
        Decision(
            subject,
            "cpu_millicores",
            str(pooler.cpu_millicores),
            "PgBouncer uses one core",
            "D3",
            figures.POOLER_STATEMENTS.source,
        ),
        Decision(
            subject,
            "memory_mib",
            str(pooler.memory_mib),
            f"{pooler.max_client_connections:,} connections and TLS buffers",
            "D3",
            figures.POOLER_CLIENTS.source,
        ),
        Decision(
            subject,
            "max_client_connections",
            str(pooler.max_client_connections),
            "more than the most pods hold, divided by the pooler pods that are left",
            "D3",
            figures.POOLER_CLIENTS.source,
        ),
        Decision(
            subject,
            "server_connections",
            str(pooler.server_connections),
            f"{reads}; all pooler pods together stay within what the replicas that survive one's loss allow",
            "D3, T2",
            "Little's law",
        ),
    ]
