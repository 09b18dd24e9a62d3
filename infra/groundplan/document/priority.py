"""In what order to build and to grow: core, scale, optimise."""

from __future__ import annotations

from groundplan.capacity import Plan
from groundplan.capacity.report import at_load
from groundplan.capacity.wording import number
from groundplan.declaration.model import System
from groundplan.document.markdown import bullets

_MEASURE = (
    "Measure your own services: `make bench-services WHAT=capacity` writes `capacity.yaml`, which plans then use."
)
_SHOWN_TIERS = 4


def priority(system: System, plan: Plan) -> str:
    """Three lists for this system."""
    services = ", ".join(list(system.services)[:8]) + (" and the others" if len(system.services) > 8 else "")
    core = [
        f"The services' commands and queries: {services}; each with its migrations and tests.",
        f"Sign-in and roles ({', '.join(system.identity.roles)}), and the edge in front: WAF, rate limit, TLS.",
    ]
    if plan.events:
        flows = [f"{t.event} to {', '.join(t.consumers)}" for t in plan.events.topics if t.consumers]
        said = f": {'; '.join(flows[:5])}" if flows else ""
        core.append(f"Events by outbox, relay and inbox{said}; and the event log, which can't be filled in later.")
    core.append("Backups restored once for practice, and alarms that reach a person.")
    scale = []
    replicated = [database.name for database in plan.databases if database.replicas]
    if replicated:
        scale.append(f"Reads from replicas: {', '.join(replicated)}; show their lag on the dashboard.")
    sharded = [f"{database.name} ({database.shards})" for database in plan.databases if database.shards > 1]
    if sharded:
        scale.append(f"Shards: {', '.join(sharded)}; the key must be right before there is data.")
    cached = [name for name, service in system.services.items() if service.cached]
    if cached:
        scale.append(f"Cache-aside for {', '.join(cached)}, with the declared invalidation.")
    # What holds the goal has no place among the next things to do.
    short = [tier for tier in plan.bottlenecks if tier.utilisation_grown > 1]
    scale += [f"{tier.subject}, full at {at_load(tier)}: {tier.remedy}." for tier in short[:_SHOWN_TIERS]]
    if not short:
        goal = number(plan.requests_per_second * plan.growth_factor)
        scale.append(f"Nothing more up to {goal} requests/s: every part holds the goal as it is deployed.")
    optimise = [
        *([] if system.measured else [_MEASURE]),
        "Statements slower than the target: indexes for the access paths that are really used.",
        "Costs: reserved capacity for databases and cache once their sizes have settled.",
    ]
    return "\n\n".join(
        f"### {number}. {title}\n\n{bullets(lines)}"
        for number, (title, lines) in enumerate((("Core", core), ("Scale", scale), ("Optimise", optimise)), 1)
    )
