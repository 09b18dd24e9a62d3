"""A plan as text: what is deployed, how full it is, what gives out first, and why (U5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundplan.capacity.budget_text import (
    availability_rows,
    availability_sentence,
    latency_rows,
    latency_sentence,
)
from groundplan.capacity.model import Budgets, DatabasePlan, Plan, Tier
from groundplan.capacity.text import paragraph, table
from groundplan.capacity.wording import count, number, percent, span, whole

_SHOWN_TIERS = 12
"""Tiers in the report; the rest are roomier than any of these."""


def report(plan: Plan, reached: Sequence[str] = (), *, reasons: bool = False) -> str:
    """The plan in lines of at most 100 columns; with ``reasons`` every size's reason and source too.

    ``reached`` are the sentences of how far it goes (`groundplan.capacity.reach`).
    """
    lines = [
        f"{plan.system}, {plan.environment}: {number(plan.requests_per_second)} requests/s today, "
        f"{number(plan.requests_per_second * plan.growth_factor)} the goal",
        "",
        *_workloads(plan),
        "",
        *_databases(plan),
        "",
        *_rest(plan),
        "",
        *_tiers(plan),
        "",
        *paragraph(first_bottleneck(plan)),
    ]
    if reached:
        lines += ["", "How far it goes", *(line for sentence in reached for line in paragraph(sentence, "- "))]
    if plan.budgets:
        lines += ["", *_budgets(plan.budgets, reasons=reasons)]
    if plan.kept:
        lines += ["", *kept_sizes(plan)]
    if plan.held:
        lines += ["", *held_sizes(plan)]
    if plan.notes:
        lines += ["", "Before you rely on it", *(line for note in plan.notes for line in paragraph(note, "- "))]
    if reasons:
        lines += ["", *_reasons(plan)]
    return "\n".join(lines) + "\n"


def first_bottleneck(plan: Plan) -> str:
    """What gives out first and at what load, and what next."""
    first, second = plan.bottlenecks[:2]
    return (
        f"First bottleneck: {first.subject}, at {at_load(first)}; {first.remedy}. "
        f"Next: {second.subject}, at {at_load(second)}; {second.remedy}."
    )


def at_load(tier: Tier) -> str:
    """The system's load at which a tier is full."""
    return "no load" if math.isinf(tier.bites_at_rps) else f"{whole(tier.bites_at_rps)} requests/s"


def pooling(database: DatabasePlan) -> str:
    """How connections are shared."""
    ways = [way for way, used in (("proxy", database.proxy), ("pooler", database.pooler)) if used]
    return ", ".join(ways) or "own pools"


def _workloads(plan: Plan) -> list[str]:
    rows = [
        (
            workload.name,
            span(workload.min_pods, workload.max_pods),
            f"{workload.cpu_millicores}m",
            f"{workload.memory_mib} MiB",
            str(workload.primary_connections),
            str(workload.replica_connections),
        )
        for workload in plan.workloads
    ]
    return ["Workloads", *table(("", "pods", "CPU", "memory", "to primary", "to replicas"), rows)]


def _databases(plan: Plan) -> list[str]:
    rows = [
        (
            database.name,
            database.instance_class + (", standby" if database.multi_zone else ""),
            str(database.shards),
            f"{database.replicas}",
            f"{database.storage_gb:,} to {database.max_storage_gb:,} GiB",
            "baseline" if database.iops is None else f"{database.iops:,}",
            pooling(database),
        )
        for database in plan.databases
    ]
    return ["Databases", *table(("", "writer", "shards", "replicas", "storage", "IOPS", "connections"), rows, left=2)]


def _rest(plan: Plan) -> list[str]:
    rows = []
    if plan.cache:
        nodes = f"{plan.cache.shards} x (1 primary + {count(plan.cache.replicas, 'replica')})"
        rows.append(("Cache", f"{plan.cache.node_type}, {nodes}, {number(plan.cache.working_set_gb)} GiB in use"))
    if plan.events:
        topics = count(len(plan.events.topics), "topic")
        kafka = plan.events.kafka
        if kafka:
            partitions = sum(topic.partitions for topic in plan.events.topics)
            rows.append(("Events", f"{kafka.brokers} x {kafka.instance_type}, {topics}, {partitions} partitions"))
        else:
            queues = sum(len(topic.consumers) + len(topic.projectors) for topic in plan.events.topics)
            rows.append(("Events", f"SNS and SQS, {topics}, {count(queues, 'queue')} with dead-letter queues"))
    gateway = plan.gateway
    cached = f", cache {gateway.cache_gb} GB for {gateway.cache_seconds} s" if gateway.cache_gb else ""
    rows.append(
        (
            "Gateway",
            f"{gateway.requests_per_second:,} requests/s, burst {gateway.burst:,}{cached}; "
            f"the account's default is {gateway.account_limit_rps:,}",
        )
    )
    cluster = plan.cluster
    rows.append(
        (
            "Cluster",
            f"{span(cluster.nodes_now, cluster.nodes_grown)} {'node' if cluster.nodes_grown == 1 else 'nodes'} of "
            f"{cluster.node_vcpus} vCPU; "
            f"limits {cluster.cpu_limit:,} vCPU, {cluster.memory_limit_gib:,} GiB",
        )
    )
    network = plan.network
    rows.append(
        ("Network", f"{network.cidr}, {network.zones} zones, private {network.private[0]} each, NAT {network.nat}")
    )
    return ["Shared", *table(("", ""), rows, left=2)[1:]]


def _tiers(plan: Plan) -> list[str]:
    shown = plan.bottlenecks[:_SHOWN_TIERS]
    rows = [
        (
            tier.subject,
            tier.unit,
            number(tier.capacity),
            percent(tier.utilisation_now),
            percent(tier.utilisation_grown),
            whole(tier.bites_at_rps) if math.isfinite(tier.bites_at_rps) else "-",
        )
        for tier in shown
    ]
    grown = f"at {number(plan.growth_factor)}x"
    heading = "How full it is, what fills up first at the top"
    lines = [heading, *table(("", "unit", "capacity", "now", grown, "full at req/s"), rows, left=2)]
    left_out = len(plan.bottlenecks) - len(shown)
    return [*lines, f"  and {left_out} more with more room"] if left_out else lines


def _budgets(budgets: Budgets, *, reasons: bool) -> list[str]:
    """What takes how much of the targets; with ``reasons`` the source of each too."""
    available, slowest = budgets.availability, budgets.latency[:1]
    lines = ["Budgets", *paragraph(availability_sentence(available), "- ")]
    lines += [line for each in budgets.latency for line in paragraph(latency_sentence(each), "- ")]
    tables = [(f"minutes in 30 days, {number(available.allowed)} allowed", list(availability_rows(available)))]
    tables += [(f"ms of {each.request}, {number(each.target)} allowed", list(latency_rows(each))) for each in slowest]
    for heading, rows in tables:
        columns = 3 if reasons else 2
        lines += ["", *table((heading, "", "source")[:columns], [row[:columns] for row in rows], left=columns)]
    return lines


def kept_sizes(plan: Plan) -> list[str]:
    """What is larger than it need be, and why; to be called where there is any."""
    rows = [(f"{size.subject} {size.setting}", size.value, size.needed, size.cost) for size in plan.kept]
    whys = "; ".join(dict.fromkeys(size.why for size in plan.kept))
    return [
        "Kept as deployed, though less would do",
        *table(("", "kept", "needed", "costs"), rows, left=4),
        *paragraph(
            f"At list prices of the stack's region. Why: {whys}. How to start anew: README.md, Sizes that only grow."
        ),
    ]


def held_sizes(plan: Plan) -> list[str]:
    """What waits for a maintenance window, and for which; to be called where there is any."""
    rows = [(f"{size.subject} {size.setting}", size.value, size.needed) for size in plan.held]
    whys = "; ".join(dict.fromkeys(size.why for size in plan.held))
    return [
        "Waits for a maintenance window",
        *table(("", "until then", "planned"), rows, left=3),
        *paragraph(f"Why: {whys}."),
    ]


def _reasons(plan: Plan) -> list[str]:
    lines = ["Why"]
    subject = ""
    for decision in plan.decisions:
        if decision.subject != subject:
            subject = decision.subject
            lines += ["", subject]
        rule = f" [{decision.rule}]" if decision.rule else ""
        lines += paragraph(f"{decision.setting} = {decision.value}: {decision.reason}{rule} ({decision.source})", "- ")
    return lines
