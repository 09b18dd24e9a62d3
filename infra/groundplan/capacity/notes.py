"""What a person should know before they rely on a plan: quotas to raise, limits that are met, dates to watch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from groundplan.capacity import figures
from groundplan.capacity.budget_text import unmet
from groundplan.capacity.model import Plan
from groundplan.capacity.placement import Placement, placements
from groundplan.capacity.quotas import quota_notes
from groundplan.capacity.shards import fullest_shard_gb
from groundplan.capacity.wording import count, number, whole
from groundplan.capacity.written import contradictions, with_written
from groundplan.declaration.model import System
from groundplan.quotas import QUOTAS
from groundplan.stack.environment import Environment

_WATCHED_MONTHS = 60
"""Years ahead that a shard's fill is worth a line: five."""


def notes(plan: Plan, system: System, environment: Environment) -> tuple[str, ...]:
    """One sentence or two each, the ones that need an action first."""
    return (
        *(unmet(plan.budgets) if plan.budgets else ()),
        *contradictions(system),
        *quota_notes(plan, system, environment),
        *_over(plan, environment),
        *_full(plan),
        *_account(plan),
        *_shards(with_written(system), placements(system, environment), environment),
    )


def _over(plan: Plan, environment: Environment) -> Iterator[str]:
    for workload in plan.workloads:
        if workload.max_pods >= environment.quota("alb_targets_per_group"):
            yield (
                f"{workload.name} stops at {workload.max_pods:,} pods, the targets that one target group takes: ask "
                f"for a raise ({QUOTAS['alb_targets_per_group'].ask}), or split the service."
            )
    for database in plan.databases:
        if database.iops and database.iops >= figures.GP3_MAX_IOPS:
            yield (
                f"database.{database.name} gets gp3's most, {database.iops:,} IOPS: more needs another kind of storage "
                "(io2) or more shards."
            )


def _full(plan: Plan) -> Iterator[str]:
    """Parts that full growth would overfill as they are: with what to do, as each has its way."""
    told = ("gateway.account", "events.publish")
    for tier in sorted(plan.tiers, key=lambda tier: tier.bites_at_rps):
        if tier.utilisation_grown > 1 and tier.subject not in told:
            yield (
                f"{tier.subject} is full at {whole(tier.bites_at_rps)} of "
                f"{number(plan.requests_per_second * plan.growth_factor)} requests/s; {tier.remedy}."
            )


def _account(plan: Plan) -> Iterator[str]:
    clients = sum(w.max_pods for w in plan.workloads if w.role in ("consumer", "relay", "projector"))
    if plan.events and plan.events.kafka and clients > figures.BROKER_CONNECTIONS:
        yield (
            f"{clients:,} pods connect to each broker, which takes {figures.BROKER_CONNECTIONS:,.0f} connections with "
            "IAM: "
            "use fewer, larger pods, or raise listener.name.client_iam.max.connections with care."
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
