"""What a person should know before they rely on a plan: quotas to raise, limits that are met, dates to watch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from groundplan.capacity import figures
from groundplan.capacity.budget_text import unmet
from groundplan.capacity.demand import Demand
from groundplan.capacity.gateway import public_requests
from groundplan.capacity.model import Plan
from groundplan.capacity.placement import Placement, placements
from groundplan.capacity.shards import fullest_shard_gb
from groundplan.capacity.wording import count, number, whole
from groundplan.capacity.workloads import SERVING
from groundplan.capacity.written import contradictions, with_written
from groundplan.declaration.model import System
from groundplan.stack.environment import Environment

_WATCHED_MONTHS = 60
"""Years ahead that a shard's fill is worth a line: five."""


def notes(plan: Plan, system: System, environment: Environment, demands: dict[str, Demand]) -> tuple[str, ...]:
    """One sentence or two each, the ones that need an action first."""
    return (
        *(unmet(plan.budgets) if plan.budgets else ()),
        *contradictions(system),
        *_gateway(plan, system, demands),
        *_over(plan),
        *_full(plan),
        *_account(plan, environment),
        *_shards(with_written(system), placements(system, environment), environment),
    )


def _gateway(plan: Plan, system: System, demands: dict[str, Demand]) -> Iterator[str]:
    limit = plan.gateway.account_limit_rps
    now = public_requests(system, demands)
    if now >= limit:
        yield (
            f"Today's {number(now)} requests/s already meet the account's default for regional REST APIs "
            f"({limit:,} requests/s, all stages together): ask for a raise (Service Quotas L-8A5B8E43) before "
            "deploying."
        )
    elif now * plan.growth_factor >= limit:
        yield (
            f"{_times(plan.growth_factor)} the load is {number(now * plan.growth_factor)} requests/s, which meets the "
            f"account's default for regional REST APIs ({limit:,} requests/s): ask for a raise (Service Quotas "
            "L-8A5B8E43) before."
        )


def _times(factor: float) -> str:
    return "Ten times" if factor == 10 else f"{number(factor)} times"


def _over(plan: Plan) -> Iterator[str]:
    for workload in plan.workloads:
        if workload.max_pods >= figures.MAX_PODS:
            yield (
                f"{workload.name} stops at {workload.max_pods:,} pods, the targets that one target group takes: ask "
                "for a "
                "raise (Service Quotas L-7E6692B2), or split the service."
            )
    for database in plan.databases:
        if database.iops and database.iops >= figures.GP3_MAX_IOPS:
            yield (
                f"database.{database.name} gets gp3's most, {database.iops:,} IOPS: more needs another kind of storage "
                "(io2) or more shards."
            )


def _full(plan: Plan) -> Iterator[str]:
    """Parts that full growth would overfill as they are: with what to do, as each has its way."""
    told = ("gateway.account",)
    for tier in sorted(plan.tiers, key=lambda tier: tier.bites_at_rps):
        if tier.utilisation_grown > 1 and tier.subject not in told:
            yield (
                f"{tier.subject} is full at {whole(tier.bites_at_rps)} of "
                f"{number(plan.requests_per_second * plan.growth_factor)} requests/s; {tier.remedy}."
            )


def _account(plan: Plan, environment: Environment) -> Iterator[str]:
    if environment.existing_cluster is None and plan.cluster.cpu_limit > figures.ACCOUNT_VCPUS:
        yield (
            f"The node pool may reach {plan.cluster.cpu_limit:,} vCPU; a new account has {figures.ACCOUNT_VCPUS:.0f} "
            f"(Service Quotas {figures.ACCOUNT_VCPUS_QUOTA}): ask for more before the first deployment."
        )
    instances = sum(database.shards * (1 + database.replicas) for database in plan.databases)
    if instances > figures.DATABASES_PER_ACCOUNT:
        yield (
            f"The plan has {count(instances, 'database instance')}; an account has "
            f"{figures.DATABASES_PER_ACCOUNT:.0f} by "
            "default (Service Quotas L-7B6409FD): ask for more before deploying."
        )
    proxies = sum(database.shards for database in plan.databases if database.proxy)
    if proxies > figures.PROXIES_PER_ACCOUNT:
        yield (
            f"The plan has {count(proxies, 'database proxy', 'database proxies')}; an account has "
            f"{figures.PROXIES_PER_ACCOUNT:.0f} by default: ask for more before deploying."
        )
    if plan.cache and plan.cache.shards * (1 + plan.cache.replicas) > figures.CACHE_CLUSTER_NODES:
        yield (
            f"The cache has {plan.cache.shards * (1 + plan.cache.replicas)} nodes; a cluster has "
            f"{figures.CACHE_CLUSTER_NODES:.0f} by default (Service Quotas, ElastiCache): ask for more before "
            "deploying."
        )
    clients = sum(w.max_pods for w in plan.workloads if w.role in ("consumer", "relay", "projector"))
    if plan.events and plan.events.kafka and clients > figures.BROKER_CONNECTIONS:
        yield (
            f"{clients:,} pods connect to each broker, which takes {figures.BROKER_CONNECTIONS:,.0f} connections with "
            "IAM: "
            "use fewer, larger pods, or raise listener.name.client_iam.max.connections with care."
        )
    groups = sum(1 for workload in plan.workloads if workload.role in SERVING)
    if groups > figures.TARGET_GROUPS_PER_BALANCER:
        yield (
            f"{groups} Deployments serve requests; one load balancer takes {figures.TARGET_GROUPS_PER_BALANCER:.0f} "
            "target "
            "groups: merge services, or make some internal."
        )
    if plan.cluster.nodes_grown > figures.NODES_PER_CLUSTER:
        yield (
            f"Full growth needs {plan.cluster.nodes_grown:,} nodes; Kubernetes is tested up to "
            f"{figures.NODES_PER_CLUSTER:,.0f}: split the system before."
        )


def _shards(system: System, placed: tuple[Placement, ...], environment: Environment) -> Iterator[str]:
    """When a service's fullest shard passes 1 TB at the growth that is counted, if that can be foreseen."""
    if environment.shared_database:
        return
    for placement in placed:
        service = system.services[placement.name]
        if fullest_shard_gb(service, placement.generations, _WATCHED_MONTHS) <= figures.SHARD_GB:
            continue
        if not service.data_growth_gb_per_month:
            continue
        full_in = next(
            (
                month
                for month in range(_WATCHED_MONTHS + 1)
                if fullest_shard_gb(service, placement.generations, month) > figures.SHARD_GB
            ),
            math.inf,
        )
        if full_in <= _WATCHED_MONTHS:
            yield (
                f"{placement.name}'s fullest shard passes 1 TB "
                + (f"in {count(int(full_in), 'month')}" if full_in else "already")
                + " at that growth: declare a generation with more shards before (D3)."
            )
