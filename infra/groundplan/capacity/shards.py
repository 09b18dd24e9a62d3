"""Shards of a service's database: how many its data needs, and what its declared map says (D3)."""

from __future__ import annotations

import math
from datetime import date

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


_DAYS_A_MONTH = 365.25 / 12


def shards_gb(
    service: Service,
    generations: tuple[tuple[str, int], ...],
    months: float,
    growth: float = 1.0,
    today: date | None = None,
) -> tuple[float, ...]:
    """GiB in each shard after so many months, when data grows ``growth`` times as fast as declared from today.

    A key stays in its generation's shards. Of today's data as much belongs to a generation as was declared to grow
    since its first day; what is older than that is the first generation's. From today on rows go to the generation of
    their day: one that is still to come takes nothing before it begins.
    """
    today = today or date.today()
    starts = [(date.fromisoformat(since) - today).days / _DAYS_A_MONTH for since, _ in generations]
    starts[0] = -math.inf
    ends = [*starts[1:], math.inf]
    rate = service.data_growth_gb_per_month
    held = [0.0] * max(count for _, count in generations)

    def put(amount: float, count: int) -> None:
        for shard in range(count):
            held[shard] += amount / count

    left = service.data_gb
    for start, end, (_, count) in reversed(list(zip(starts, ends, generations, strict=True))):
        written = left if math.isinf(start) else min(left, rate * max(0.0, min(end, 0.0) - start))
        left -= written
        put(written, count)
        put(rate * growth * max(0.0, min(end, months) - max(start, 0.0)), count)
    return tuple(held)


def fullest_shard_gb(
    service: Service,
    generations: tuple[tuple[str, int], ...],
    months: float,
    growth: float = 1.0,
    today: date | None = None,
) -> float:
    """GiB in the fullest shard."""
    return max(shards_gb(service, generations, months, growth, today))


def enough_shards(service: Service, requirements: Requirements, since: date, today: date | None = None) -> int | None:
    """The fewest shards of a generation from ``since`` on with which none passes 1 TB within the horizon.

    None where none is enough: rows that are there stay in their shards.
    """
    declared = _declared(service)
    last = declared[-1][1]
    for count in range(last, MOST_SHARDS + 1):
        generations = (*declared, (since.isoformat(), count))
        if _fits(service, generations, requirements, today):
            return count
    return None


def _declared(service: Service) -> tuple[tuple[str, int], ...]:
    """The declared map; a service without one has one shard."""
    return tuple((g.since.isoformat(), g.shards) for g in service.shard_map or ()) or ((FIRST_GENERATION, 1),)


def _fits(
    service: Service, generations: tuple[tuple[str, int], ...], requirements: Requirements, today: date | None
) -> bool:
    return fullest_shard_gb(service, generations, requirements.horizon_months, 1.0, today) <= figures.SHARD_GB + 1e-6


def check_shards(system: System, today: date | None = None) -> list[Problem]:
    """Services whose fullest shard passes 1 TB within the horizon, with the lines to add, or why none help.

    The map is declared, never computed on deployment: rows stay where their key put them, so a number that moved
    with the declared data size would lose them.
    """
    problems = []
    today = today or date.today()
    requirements = system.requirements
    for name, service in system.services.items():
        generations = _declared(service)
        if _fits(service, generations, requirements, today):
            continue
        declared = generations[-1][1]
        problems.append(
            Problem(
                where="system.yaml",
                path=f"services.{name}.shard_map",
                value=f"{declared} shard{'s' if declared > 1 else ''}" if service.shard_map else "not declared",
                expected=_expected(service, generations, requirements, today),
                remedy=_remedy(service, requirements, today),
            )
        )
    return problems


def _expected(
    service: Service, generations: tuple[tuple[str, int], ...], requirements: Requirements, today: date
) -> str:
    months = requirements.horizon_months
    limit = number(figures.SHARD_GB)
    if not service.shard_map:
        data = number(service.data_gb_at(months))
        needed = required_shards(service, requirements)
        return f"{needed} shards: {data} GiB in {months} months, at most {limit} GiB in each (D3)"
    fullest = number(fullest_shard_gb(service, generations, months, 1.0, today))
    return f"at most {limit} GiB in the fullest shard (D3): it holds {fullest} GiB in {months} months"


_STAYING = "rows stay in the shard that their key put them in"


def _remedy(service: Service, requirements: Requirements, today: date) -> str:
    needed = required_shards(service, requirements)
    if needed > MOST_SHARDS:
        return f"a map has at most {MOST_SHARDS} shards: split the service, or keep less of its data in the database"
    later = enough_shards(service, requirements, today, today)
    if not service.shard_map:
        advice = f"add these lines before the service holds data; {_STAYING}, so where one instance holds data already "
        advice += (
            f"make the first line say `shards: 1` and add a second one of {later} shards with the day from which new "
            "keys may spread"
            if later
            else "no map is enough: keep less in it, or set the service up anew with these lines and load its rows "
            "through its API"
        )
        return "\n".join([advice, "      shard_map:", f"        - {{since: {FIRST_GENERATION}, shards: {needed}}}"])
    begun = [g for g in service.shard_map if g.since <= today]
    coming = len(begun) < len(service.shard_map)
    # Where a generation is still to come, the lines up to today are what rows were put by.
    later = enough_shards(service.model_copy(update={"shard_map": begun or None}), requirements, today, today)
    if later is None:
        return (
            f"no line is enough, as {_STAYING}: keep less in the fullest shard, or set the service up anew with "
            f"`- {{since: {FIRST_GENERATION}, shards: {needed}}}` and load its rows through its API, which puts each "
            "into its shard"
        )
    later = max(later, service.shard_map[-1].shards)
    lines = [f"- {{since: {g.since.isoformat()}, shards: {g.shards}}}" for g in begun]
    lines.append(f"- {{since: <the day of the change>, shards: {later}}}")
    advice = (
        "let these lines stand instead of those whose day is to come; never change the ones above"
        if coming
        else "append the last of these lines; never change the ones above it"
    )
    return "\n".join([advice, "      shard_map:", *(f"        {line}" for line in lines)])
