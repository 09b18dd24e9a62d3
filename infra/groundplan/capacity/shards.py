"""Shards of a service's database: how many its data needs, and what its declared map says (D3)."""

from __future__ import annotations

import math

from groundplan.capacity import figures
from groundplan.capacity.wording import number
from groundplan.declaration.model import Requirements, Service, System
from groundplan.problems import Problem

FIRST_GENERATION = "2000-01-01"
"""A day before any data: the generation of a service that declares no map."""


MOST_SHARDS = 64
"""What the declaration's model allows for one generation."""


def required_shards(service: Service, requirements: Requirements) -> int:
    """Shards that hold the service's data at the horizon with at most 1 TB in each (D3)."""
    return max(1, math.ceil(service.data_gb_at(requirements.horizon_months) / figures.SHARD_GB))


def shard_generations(service: Service, requirements: Requirements) -> tuple[tuple[str, int], ...]:
    """The declared map as (ISO date, shards), else one generation of as many shards as the data needs."""
    if service.shard_map:
        return tuple((generation.since.isoformat(), generation.shards) for generation in service.shard_map)
    return ((FIRST_GENERATION, required_shards(service, requirements)),)


def shard_count(generations: tuple[tuple[str, int], ...]) -> int:
    """Instances that exist: those of the last generation. None has fewer than the one before it, as shards hold rows
    (`infra/groundplan/declaration/checks/requirements.py`; pods refuse such a map too)."""
    return generations[-1][1]


def fullest_shard_gb(
    service: Service, generations: tuple[tuple[str, int], ...], months: int, growth: float = 1.0
) -> float:
    """GiB in the fullest shard: today's data stays on the first generation's shards, growth spreads over the last's."""
    first, last = generations[0][1], generations[-1][1]
    return service.data_gb / first + service.data_growth_gb_per_month * growth * months / last


def check_shards(system: System) -> list[Problem]:
    """Services whose data needs more shards than they declare, with the lines to add.

    The map is declared, never computed on deployment: rows stay where their key put them, so a number that moved
    with the declared data size would lose them.
    """
    problems = []
    for name, service in system.services.items():
        needed = required_shards(service, system.requirements)
        declared = max((generation.shards for generation in service.shard_map or ()), default=1)
        if needed <= declared:
            continue
        problems.append(
            Problem(
                where="system.yaml",
                path=f"services.{name}.shard_map",
                value=f"{declared} shard{'s' if declared > 1 else ''}" if service.shard_map else "not declared",
                expected=_expected(service, system.requirements, needed),
                remedy=_remedy(service, needed),
            )
        )
    return problems


def _expected(service: Service, requirements: Requirements, needed: int) -> str:
    data = service.data_gb_at(requirements.horizon_months)
    return (
        f"{needed} shards: {number(data)} GiB in {requirements.horizon_months} months, "
        f"at most {number(figures.SHARD_GB)} GiB in each (D3)"
    )


def _remedy(service: Service, needed: int) -> str:
    if needed > MOST_SHARDS:
        return f"a map has at most {MOST_SHARDS} shards: split the service, or keep less of its data in the database"
    if not service.shard_map:
        lines = [f"- {{since: {FIRST_GENERATION}, shards: {needed}}}"]
        advice = (
            "add these lines to the service; if it holds data already, make the first line say `shards: 1` and add a "
            "second one with the day from which new keys may spread"
        )
    else:
        lines = [f"- {{since: {g.since.isoformat()}, shards: {g.shards}}}" for g in service.shard_map]
        lines.append(f"- {{since: <the day of the change>, shards: {needed}}}")
        advice = "append the last of these lines; never change the ones above it"
    return "\n".join([advice, "      shard_map:", *(f"        {line}" for line in lines)])
