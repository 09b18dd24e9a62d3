"""Deployments: pods now and at most, their size, and their connection pools (T1, T3, T4, P1, D3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from groundplan.capacity import figures
from groundplan.capacity.costs import Costs
from groundplan.capacity.demand import Demand, Statements, consumes, reads_apart, relays
from groundplan.capacity.model import Decision, WorkloadPlan, WorkloadRole
from groundplan.capacity.wording import number, percent
from groundplan.declaration.model import Broker, Service, System
from groundplan.stack.environment import Environment


@dataclass(frozen=True, slots=True)
class Work:
    """One workload's part of its service's demand today: cores of pod time, and statements by where they go.

    None where it has no business: query pods with replicas never speak to the primary.
    """

    role: WorkloadRole
    rate: float
    unit: str
    cores: float
    primary: Statements | None
    replicas: Statements | None
    source: str = ""
    """Of the cores."""
    statements_source: str = ""
    """Of the connections."""


SERVING: frozenset[WorkloadRole] = frozenset({"api", "command", "query"})


def work_of(service: Service, demand: Demand, *, replicas: bool) -> tuple[Work, ...]:
    """The workloads of one service with what each has to do; ``replicas`` says whether reads go to them.

    The relay is a Deployment of its own rather than a part of the API: its number must not follow the number of
    requests, and an API pod that dies must not stop events. Its pods share the outbox by locking rows.
    """
    costs = demand.costs
    reading = (
        (demand.cached_reads * costs.cached_read_ms + demand.database_reads * costs.database_read_ms) / 1000,
        Statements.of(demand.read_statements, costs.read_statement_ms),
    )
    writing = (
        demand.writes * costs.write_ms / 1000,
        Statements.of(demand.writes * costs.statements_a_write, costs.write_statement_ms),
    )
    works: list[Work] = []
    if service.cqrs:
        works.append(Work("command", demand.writes, "requests/s", writing[0], writing[1], None))
        works.append(_reading("query", demand.reads, reading, None, replicas))
    else:
        works.append(_reading("api", demand.requests, reading, writing, replicas))
    if consumes(service):
        rate, each = demand.consumed_events, costs.statements_a_consumed_event
        works.append(_background("consumer", rate, costs.consumed_event_ms, each, costs))
    if relays(service):
        rate, each = demand.relayed_events, float(figures.STATEMENTS_PER_RELAYED_EVENT)
        works.append(_background("relay", rate, costs.relayed_event_ms, each, costs))
    if service.cqrs:
        rate, each = demand.projected_events, costs.statements_a_projected_event
        works.append(_background("projector", rate, costs.projected_event_ms, each, costs))
    return tuple(replace(work, source=costs.source, statements_source=costs.statements_source) for work in works)


def _reading(
    role: WorkloadRole,
    rate: float,
    reading: tuple[float, Statements],
    writing: tuple[float, Statements] | None,
    replicas: bool,
) -> Work:
    cores = reading[0] + (writing[0] if writing else 0.0)
    if replicas:
        return Work(role, rate, "requests/s", cores, writing[1] if writing else None, reading[1])
    return Work(role, rate, "requests/s", cores, reading[1] + writing[1] if writing else reading[1], None)


def _background(role: WorkloadRole, rate: float, milliseconds: float, statements: float, costs: Costs) -> Work:
    asked = Statements.of(rate * statements, costs.write_statement_ms)
    return Work(role, rate, "events/s", rate * milliseconds / 1000, asked, None)


def pods_for(cores: float, pod_cores: float, floor: int, *, multi_zone: bool) -> int:
    """Pods that hold ``cores`` at the target utilisation and, spread over three zones, still do when one zone is lost.

    The fullest zone holds the rounded-up third, so the pods that are left are the rounded-down two thirds.
    """
    pods = math.ceil(cores / (pod_cores * figures.TARGET_UTILISATION) - 1e-9)
    if multi_zone:
        survivors = math.ceil(cores / (pod_cores * figures.SURVIVOR_UTILISATION) - 1e-9)
        pods = max(pods, math.ceil(survivors * 3 / 2))
    return max(pods, floor)


def pods_floor(role: WorkloadRole, environment: Environment) -> int:
    """Fewest pods: one in each zone for what users wait for, two for work in the background."""
    if not environment.multi_zone:
        return 1
    return 3 if role in SERVING else 2


def plan_workloads(
    system: System, environment: Environment, demands: dict[str, Demand], shards: dict[str, int]
) -> tuple[tuple[WorkloadPlan, ...], tuple[Decision, ...]]:
    """Every Deployment of the system; ``shards`` is the number of database instances a service's pods connect to."""
    workloads: list[WorkloadPlan] = []
    decisions: list[Decision] = []
    for name, service in system.services.items():
        for work in work_of(service, demands[name], replicas=reads_apart(system, environment, name, demands[name])):
            workload, reasons = _workload(system, environment, name, work, shards[name])
            workloads.append(workload)
            decisions.extend(reasons)
    return tuple(workloads), tuple(decisions)


def _workload(
    system: System, environment: Environment, service: str, work: Work, shards: int
) -> tuple[WorkloadPlan, tuple[Decision, ...]]:
    growth = system.requirements.growth_factor
    floor = pods_floor(work.role, environment)
    multi_zone = environment.multi_zone

    def effective(millicores: int) -> tuple[float, int, int]:
        """Cores that a pod of this size can use, and its pools: Little's law, for a pod that is busy all the time."""
        cores = millicores / 1000
        busy = [_busy(statements, work.cores, cores) for statements in (work.primary, work.replicas)]
        together = sum(connections or 0.0 for connections in busy)
        usable = min(1.0, figures.POOL_LIMIT * shards / max(together, 1e-9))
        primary, replica = (_pool(connections, usable / shards) for connections in busy)
        return cores * usable, primary, replica

    millicores, memory = figures.POD_SIZES[-1]
    for size in figures.POD_SIZES:
        if pods_for(work.cores * growth, effective(size[0])[0], floor, multi_zone=multi_zone) == floor:
            millicores, memory = size
            break
    pod_cores, primary, replica = effective(millicores)
    limit, bound = int(environment.quota("alb_targets_per_group")), "a target group takes"
    if work.role in ("consumer", "projector") and system.events.broker is Broker.KAFKA:
        # A pod without a partition would idle.
        limit, bound = int(figures.PARTITIONS_PER_TOPIC), "a topic's partitions go to"
    least = min(pods_for(work.cores, pod_cores, floor, multi_zone=multi_zone), limit)
    needed = pods_for(work.cores * growth, pod_cores, floor, multi_zone=multi_zone)
    most = max(least, min(needed, limit))
    workload = WorkloadPlan(
        name=f"{service}-{work.role}",
        service=service,
        role=work.role,
        min_pods=least,
        max_pods=most,
        cpu_millicores=millicores,
        memory_mib=memory,
        primary_connections=primary,
        replica_connections=replica,
        target_cpu_percent=round(figures.TARGET_UTILISATION * 100),
    )
    return workload, _reasons(workload, work, pod_cores, needed, floor, growth, bound)


def _busy(statements: Statements | None, cores: float, pod_cores: float) -> float | None:
    """Connections in use at once in a pod that does ``pod_cores`` worth of this work, with room for uneven arrivals."""
    if statements is None:
        return None
    return statements.sessions / cores * pod_cores * figures.BUSY_HEADROOM if cores else 0.0


def usable_cores(workload: WorkloadPlan, work: Work, shards: int) -> float:
    """Cores that a pod can use: its own, or fewer when its pools are smaller than these would ask for."""
    cores = workload.cpu_millicores / 1000
    for pool, statements in (
        (workload.primary_connections, work.primary),
        (workload.replica_connections, work.replicas),
    ):
        busy = _busy(statements, work.cores, cores)
        if busy:
            cores *= min(1.0, pool * shards / busy)
    return cores


def with_reachable_targets(
    system: System,
    environment: Environment,
    demands: dict[str, Demand],
    workloads: tuple[WorkloadPlan, ...],
    shards: dict[str, int],
) -> tuple[WorkloadPlan, ...]:
    """Workloads whose autoscaler asks for a pod at the target utilisation of what a pod can use.

    A pod that its pools hold to a part of its core never gets to 60 % of the whole.
    """
    reached: dict[str, tuple[str, Work]] = {}
    for name, service in system.services.items():
        apart = reads_apart(system, environment, name, demands[name])
        reached |= {f"{name}-{work.role}": (name, work) for work in work_of(service, demands[name], replicas=apart)}
    targets = []
    for workload in workloads:
        name, work = reached[workload.name]
        usable = usable_cores(workload, work, shards[name]) * 1000 / workload.cpu_millicores
        whole = math.floor(figures.TARGET_UTILISATION * 100 * usable + 1e-9)
        targets.append(replace(workload, target_cpu_percent=max(1, whole)))
    return tuple(targets)


def target_reasons(reasons: tuple[Decision, ...], workloads: tuple[WorkloadPlan, ...]) -> tuple[Decision, ...]:
    """The reasons, with those of targets that are lower than where pools bind nothing."""
    targets = {f"workload.{workload.name}": str(workload.target_cpu_percent) for workload in workloads}
    return tuple(
        replace(
            reason,
            value=targets[reason.subject],
            reason=f"{reason.reason}: {percent(figures.TARGET_UTILISATION)} of what its pools let a pod use",
        )
        if reason.setting == "target_cpu_percent" and reason.value != targets[reason.subject]
        else reason
        for reason in reasons
    )


def _pool(busy: float | None, share: float) -> int:
    if busy is None:
        return 0
    return max(int(figures.SMALLEST_POOL), math.ceil(busy * share - 1e-9))


def _reasons(
    workload: WorkloadPlan, work: Work, pod_cores: float, needed: int, floor: int, growth: float, bound: str
) -> tuple[Decision, ...]:
    subject = f"workload.{workload.name}"
    per_core = work.rate / work.cores if work.cores else 0.0
    load = f"{number(work.rate)} {work.unit} need {number(work.cores)} cores ({number(per_core)} {work.unit} a core)"
    zones = ", and again when one of three zones is lost" if floor > 1 else ", in one zone"
    capped = f"; {needed:,} would be needed, {bound} {workload.max_pods:,}" if needed > workload.max_pods else ""
    usable = (
        f", of which its pool lets it use {number(pod_cores)}" if pod_cores < workload.cpu_millicores / 1000 else ""
    )
    return (
        Decision(
            subject,
            "min_pods",
            str(workload.min_pods),
            f"{load}; pods hold them at {percent(figures.TARGET_UTILISATION)}{zones}; never fewer than {floor}",
            "T3, T4",
            work.source,
        ),
        Decision(
            subject,
            "max_pods",
            str(workload.max_pods),
            f"{number(growth)} times the load needs {number(work.cores * growth)} cores{capped}",
            "P1",
            figures.MAX_PODS_SOURCE if capped else work.source,
        ),
        Decision(
            subject,
            "cpu_millicores",
            str(workload.cpu_millicores),
            "a pod is one Python worker, which uses one core at most; smaller where "
            f"{floor} small pods hold {number(growth)} times the load{usable}",
            "T1, P4",
            figures.POD_SIZES_SOURCE,
        ),
        Decision(
            subject,
            "memory_mib",
            str(workload.memory_mib),
            f"one worker of {number(workload.cpu_millicores / 1000)} core with its pools, buffers and headroom",
            "T1",
            figures.POD_SIZES_SOURCE,
        ),
        Decision(
            subject,
            "primary_connections",
            str(workload.primary_connections),
            _pool_reason(workload.primary_connections, work.primary, work.cores, "primary"),
            "D3, T2",
            f"Little's law; {work.statements_source}; {figures.POOL_LIMIT.source}",
        ),
        Decision(
            subject,
            "replica_connections",
            str(workload.replica_connections),
            _pool_reason(workload.replica_connections, work.replicas, work.cores, "replicas"),
            "D3, T2",
            f"Little's law; {work.statements_source}; {figures.POOL_LIMIT.source}",
        ),
        Decision(
            subject,
            "target_cpu_percent",
            str(workload.target_cpu_percent),
            "the autoscaler keeps pods at the utilisation that the plan counts with",
            "T1",
            figures.TARGET_UTILISATION.source,
        ),
    )


def _pool_reason(pool: int, statements: Statements | None, cores: float, where: str) -> str:
    if not pool or statements is None:
        return f"sends nothing to the {where}"
    a_pod = statements.rate / cores if cores else 0.0
    each = statements.sessions / statements.rate * 1000 if statements.rate else 0.0
    return (
        f"{number(a_pod)} statements/s a core to the {where}, {number(each)} ms each, and half as many again; "
        f"at least {figures.SMALLEST_POOL:.0f}, at most {figures.POOL_LIMIT:.0f} a pod"
    )
