"""Local databases for a service's shards, and their shard map (D3)."""

from __future__ import annotations

import datetime

from groundplan.capacity import Plan

MOST_SHARDS = 2
"""Most local shards of a service: tests with two shards cover more of them, and sixty-four servers are too many."""

Generations = list[tuple[str, int]]
"""ISO date and shards, as in a declared shard map."""


def shards_of(plan: Plan, service: str) -> int:
    return min(plan.database_of(service).shards, MOST_SHARDS)


def most_shards(plan: Plan) -> int:
    """Servers that the whole system needs, which its services share."""
    return min(max(database.shards for database in plan.databases), MOST_SHARDS)


def generations_of(plan: Plan, service: str, today: datetime.date) -> Generations:
    """The service's shard map, with as many shards as there are here.

    A generation that is still to come has begun here: what it brings is tried before the day on which it counts.
    """
    declared = [(since, min(count, MOST_SHARDS)) for since, count in plan.database_of(service).shard_generations]
    begun = [each for each in declared if each[0] <= today.isoformat()]
    if len(begun) == len(declared):
        return declared
    last = (today.isoformat(), declared[-1][1])
    return [*(each for each in begun if each[0] < last[0]), last]
