"""How large the system is, how it grows, and what gives out first (D3, P1)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from groundplan.capacity import DatabasePlan, Plan, reach
from groundplan.capacity.reach import reach_sentences
from groundplan.capacity.report import first_bottleneck, pooling
from groundplan.capacity.wording import count, number, percent, span, whole
from groundplan.declaration.model import System
from groundplan.document.markdown import bullets, module, table
from groundplan.stack.environment import Environment

_SHOWN_TIERS = 10
_SHOWN_PARTS = 60
"""Rows of the table of sizes, beyond which it is left to `make plan`."""


def scaling(system: System, environment: Environment, plan: Plan, plans: Mapping[str, Plan]) -> str:
    """Current capacity of `plan`'s stack, the approach, the bottlenecks, and the sizes of all stacks."""
    return "\n\n".join(
        [
            "### Current capacity\n\nSizes by stack, as `make plan` computes them with a reason for "
            f"each:\n\n{_sizes(plans)}",
            f"How full `{plan.environment}` is, what fills up first at the top:\n\n{_tiers(plan)}",
            f"### Scaling approach\n\n{_approach(system, plan)}",
            f"### How far it goes\n\n{bullets(reach_sentences(reach(plan, system, environment)))}",
            f"### Bottlenecks\n\n{first_bottleneck(plan)}",
            *([bullets(plan.notes)] if plan.notes else []),
        ]
    )


def _sizes(plans: Mapping[str, Plan]) -> str:
    columns = [dict(_parts(plan)) for plan in plans.values()]
    parts = list(dict.fromkeys(part for column in columns for part in column))
    shown = parts[:_SHOWN_PARTS]
    rows = [(part, *(column.get(part, "-") for column in columns)) for part in shown]
    text = table(("", *plans), rows)
    left_out = len(parts) - len(shown)
    return f"{text}\n\nAnd {left_out} more: `make plan` lists them all." if left_out else text


def _parts(plan: Plan) -> list[tuple[str, str]]:
    grown = plan.requests_per_second * plan.growth_factor
    parts = [("requests/s, today and the goal", f"{number(plan.requests_per_second)}, {number(grown)}")]
    cluster = plan.cluster
    parts.append(("nodes of 4 vCPU", span(cluster.nodes_now, cluster.nodes_grown)))
    if plan.cache:
        nodes = plan.cache.shards * (1 + plan.cache.replicas)
        parts.append(("cache", f"{nodes} x {plan.cache.node_type}"))
    if plan.events:
        kafka = plan.events.kafka
        parts.append(("events", f"{kafka.brokers} x {kafka.instance_type}" if kafka else "SNS and SQS"))
    gateway = plan.gateway
    parts.append(("gateway requests/s, burst", f"{gateway.requests_per_second:,}, {gateway.burst:,}"))
    parts += [(f"database {database.name}", _database(database)) for database in plan.databases]
    parts += [(f"pods of {w.name}", f"{span(w.min_pods, w.max_pods)} x {w.cpu_millicores}m") for w in plan.workloads]
    return parts


def _database(database: DatabasePlan) -> str:
    shards = f"{database.shards} shards of " if database.shards > 1 else ""
    standby = " and standby" if database.multi_zone else ""
    replicas = f", {count(database.replicas, 'replica')}" if database.replicas else ""
    storage = f"{database.storage_gb:,} to {database.max_storage_gb:,} GiB"
    return f"{shards}{database.instance_class}{standby}{replicas}, {storage}, {pooling(database)}"


def _tiers(plan: Plan) -> str:
    rows = [
        (
            tier.subject,
            f"{number(tier.capacity)} {tier.unit}",
            percent(tier.utilisation_now),
            percent(tier.utilisation_grown),
            f"{whole(tier.bites_at_rps)} requests/s" if math.isfinite(tier.bites_at_rps) else "-",
        )
        for tier in plan.bottlenecks[:_SHOWN_TIERS]
    ]
    return table(("Part", "Capacity", "Now", f"At {number(plan.growth_factor)} times", "Full at"), rows)


def _approach(system: System, plan: Plan) -> str:
    """The scaling table, with what this system does about each row."""
    sharded = [database for database in plan.databases if database.shards > 1]
    replicated = [database.name for database in plan.databases if database.replicas]
    pooled = [database.name for database in plan.databases if database.proxy or database.pooler]
    repeating = [name for name, service in system.services.items() if service.cached]
    databases = module("groundplan.capacity.databases")
    rows = [
        (
            "read-heavy load",
            "read replicas",
            f"{', '.join(replicated)}: read from replicas" if replicated else "none read-heavy here",
            databases,
        ),
        (
            "over 1 TB of data",
            "sharding",
            "; ".join(f"{database.name}: {database.shards} shards" for database in sharded)
            or "no database passes 1 TB within the horizon",
            module("groundplan.capacity.shards"),
        ),
        (
            "frequent identical queries",
            "cache",
            f"{', '.join(repeating)}: copies in Valkey" if repeating else "no resource is declared cached",
            module("groundplan.capacity.cache"),
        ),
        (
            "high concurrency",
            "connection pooling",
            f"{', '.join(pooled)}: shared connections" if pooled else "the services' own pools are enough",
            databases,
        ),
        (
            "more requests",
            "more pods, then more nodes",
            f"autoscaled to {plan.cluster.pods_grown:,} pods and {plan.cluster.nodes_grown:,} nodes",
            module("groundplan.capacity.workloads"),
        ),
    ]
    return table(("When", "Then (D3)", "Here", "File"), rows)
