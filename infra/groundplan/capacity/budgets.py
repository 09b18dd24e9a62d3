"""Budgets of availability and of latency: what the targets leave, and what each part takes of it (T1, T2, T4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

from groundplan.capacity import figures
from groundplan.capacity.demand import Demand, query_seconds
from groundplan.capacity.figures import Figure
from groundplan.capacity.model import MINUTES, AvailabilityBudget, Budgets, LatencyBudget, Plan, Share
from groundplan.capacity.wording import number, percent
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

_MONTHS_A_YEAR = 365.25 / 30


def budgets(plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> Budgets:
    latency = sorted(_latencies(plan, system, demands), key=lambda each: each.total, reverse=True)
    slowest = {each.request: each for each in reversed(latency)}
    return Budgets(availability(system, environment), tuple(each for each in latency if slowest[each.request] is each))


# Availability


def availability(system: System, environment: Environment) -> AvailabilityBudget:
    target = system.requirements.availability_percent
    committed = _committed(environment)
    found = AvailabilityBudget(
        target_percent=target,
        allowed=MINUTES * (100 - target) / 100,
        committed_percent=_serial(committed) * 100,
        commitments=tuple(
            Share(part, MINUTES * (100 - figure) / 100, f"{number(figure, 2)} %: {figure.source}")
            for part, figure in committed
        ),
        outages=tuple(_outages(environment)),
        needed="",
    )
    needed = "" if found.verdict == "covered" else _needed(found, environment)
    return AvailabilityBudget(
        found.target_percent, found.allowed, found.committed_percent, found.commitments, found.outages, needed
    )


def _committed(environment: Environment) -> list[tuple[str, Figure]]:
    """What every request passes, with AWS's commitment. Cache and broker aren't among it: services answer without."""
    zones = environment.multi_zone
    return [
        ("CloudFront", figures.SLA_CLOUDFRONT),
        ("API Gateway", figures.SLA_GATEWAY),
        ("load balancer", figures.SLA_BALANCER),
        ("EKS control plane", figures.SLA_EKS),
        ("nodes" if zones else "nodes, in one zone", figures.SLA_NODES if zones else figures.SLA_NODES_SINGLE),
        (
            "database and standby" if zones else "database, in one zone",
            figures.SLA_DATABASE if zones else figures.SLA_DATABASE_SINGLE,
        ),
    ]


def _serial(committed: list[tuple[str, Figure]]) -> float:
    return math.prod(figure / 100 for _, figure in committed)


def _outages(environment: Environment) -> Iterator[Share]:
    zones = environment.multi_zone
    seconds = figures.DATABASE_FAILOVER_SECONDS if zones else figures.DATABASE_RESTART_SECONDS
    what = "failover to the standby" if zones else "restart in place"
    for cause, times in (
        ("database instance lost", figures.INSTANCE_LOSSES),
        ("database maintenance", figures.MAINTENANCES),
        ("database class changed", figures.CLASS_CHANGES),
    ):
        yield Share(
            f"{cause}: {what}",
            times * seconds / 60 / _MONTHS_A_YEAR,
            f"{number(times)} a year ({times.source}), {number(seconds)} s each ({seconds.source})",
        )
    loss = figures.ZONE_LOSS_SECONDS if zones else figures.ZONE_RESTORE_SECONDS
    share = 1 / figures.ZONES if zones else 1.0
    yield Share(
        "zone lost" + (": a third of the requests until targets are taken out" if zones else ": until it is back"),
        figures.ZONE_LOSSES * loss / 60 * share / _MONTHS_A_YEAR,
        f"{number(figures.ZONE_LOSSES)} a year ({figures.ZONE_LOSSES.source}), {number(loss)} s ({loss.source})",
    )
    yield Share("deployments of services", 0.0, figures.DEPLOYMENT_SECONDS.source)


def _needed(found: AvailabilityBudget, environment: Environment) -> str:
    """The change that covers the target, or the largest target that is covered."""
    ways = []
    if not environment.multi_zone:
        better = availability_of(environment.model_copy(update={"multi_zone": True}))
        ways.append(f"multi_zone: true makes {number(better, 2)} %")
    direct = _serial([each for each in _committed(environment) if each[1] is not figures.SLA_CLOUDFRONT]) * 100
    ways.append(f"an API that isn't behind CloudFront makes {number(direct, 2)} %")
    one = found.committed_percent / 100
    ways.append(
        f"two regions, each able to serve alone, make {number((1 - (1 - one) ** 2) * 100, 4)} %, "
        "which this design doesn't have"
    )
    most = math.floor(found.committed_percent * 10) / 10
    return (
        f"{'; '.join(ways)}; availability_percent: {most:g} would be covered by the "
        f"{number(found.committed_percent, 2)} % of this one region"
    )


def availability_of(environment: Environment) -> float:
    """What AWS commits itself to, of all that a request passes, in percent."""
    return _serial(_committed(environment)) * 100


# Latency


def _latencies(plan: Plan, system: System, demands: dict[str, Demand]) -> Iterator[LatencyBudget]:
    target = float(system.requirements.latency_p95_ms)
    for name, service in system.services.items():
        costs = demands[name].costs
        operations = {operation for resource in service.resources.values() for operation in resource.operations}
        database = plan.database_of(name)
        edge = [*_edge()] if service.exposure == "public" else []
        kinds: list[tuple[str, float, float, bool]] = []
        if "get" in operations and service.cached:
            kinds.append(("get, from the cache", costs.cached_read_ms, 0, False))
        if "get" in operations:
            kinds.append(("get", costs.database_read_ms, costs.statements_a_get, bool(database.pooler)))
        if "list" in operations:
            kinds.append(("list", costs.list_ms, costs.statements_a_list, bool(database.pooler)))
        if operations & {"create", "update", "delete"}:
            kinds.append(("write", costs.write_ms, costs.statements_a_write, database.proxy))
        for request, milliseconds, statements, shared in kinds:
            hops = [*edge, _pod(milliseconds, costs.source), *_stores(system, statements, shared)]
            yield LatencyBudget(request, name, target, tuple(hops), _faster(hops, statements, system, target))


def _edge() -> Iterator[Share]:
    for part, figure in (
        ("CloudFront and the way to the region", figures.EDGE_MS),
        ("web ACL, API Gateway, authorizer", figures.GATEWAY_MS),
        ("VPC link and load balancer", figures.BALANCER_MS),
    ):
        yield Share(part, float(figure), figure.source)


def _pod(milliseconds: float, source: str) -> Share:
    """Waiting and work in a pod that is as busy as the autoscaler lets it be."""
    wait = _sum_p95(1) / (1 - figures.TARGET_UTILISATION)
    return Share(
        "pod: work and waiting",
        milliseconds * wait,
        f"{number(milliseconds, 2)} ms of a core ({source}), {percent(figures.TARGET_UTILISATION)} busy, exponential "
        "times",
    )


def _stores(system: System, statements: float, shared: bool) -> Iterator[Share]:
    yield Share("cache: rate limit and copy", figures.CACHE_ROUND_TRIPS * figures.ZONE_MS, figures.ZONE_MS.source)
    if not statements:
        return
    trips = statements * (1 + shared)
    yield Share(
        "to the database" + (", through its proxy or pooler" if shared else ""),
        trips * figures.ZONE_MS,
        figures.ZONE_MS.source,
    )
    yield Share(
        f"{number(statements)} statements, one after the other",
        statements_p95_ms(system, statements),
        f"query_p95_ms {system.requirements.query_p95_ms} each; the sum's 95th percentile, exponential times",
    )


def statements_p95_ms(system: System, statements: float) -> float:
    """The 95th percentile of so many statements one after the other."""
    return query_seconds(system) * 1000 * _sum_p95(statements)


def _sum_p95(count: float) -> float:
    """The 95th percentile of a sum of ``count`` exponential times, in their mean; in between, evenly."""
    if count <= 0:
        return 0.0
    below = math.floor(count)
    return _erlang_p95(below) + (count - below) * (_erlang_p95(below + 1) - _erlang_p95(below))


@cache
def _erlang_p95(count: int) -> float:
    if count == 0:
        return 0.0

    def beyond(time: float) -> float:
        return math.exp(-time) * sum(time**k / math.factorial(k) for k in range(count))

    low, high = 0.0, 10.0 * count
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > 1 - figures.LATENCY_QUANTILE else (low, middle)
    return high


def _faster(hops: list[Share], statements: float, system: System, target: float) -> str:
    total = sum(hop.amount for hop in hops)
    if total <= target:
        return ""
    rest = total - statements_p95_ms(system, statements)
    if rest < target and statements:
        most = (target - rest) / (_sum_p95(statements) * 1000) * 1000 * float(figures.P95_TO_MEAN)
        whole = math.floor(most)
        lower = f"query_p95_ms of at most {whole}, or " if whole >= 1 else ""
        return f"{lower}latency_p95_ms of at least {math.ceil(total)}"
    largest = max(hops, key=lambda hop: hop.amount)
    return f"latency_p95_ms of at least {math.ceil(total)}: {largest.part} alone takes {number(largest.amount)} ms"
