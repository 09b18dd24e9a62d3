"""The shard of a new aggregate (D3).

The map is append-only: a generation says from which day on new aggregates spread over how many shards. Rows stay where
they were put, and their ids say where that is (`groundplan_chassis.identifiers`), so nothing moves when a
generation begins.
"""

from __future__ import annotations

import datetime
import hashlib
import random
from collections.abc import Sequence

from groundplan_chassis.clock import Clock
from groundplan_chassis.identifiers import MOST_SHARDS
from groundplan_chassis.problems import Problem, ProblemsFound
from groundplan_chassis.settings import ShardGeneration


class ShardMap:
    """The shard generations of one service."""

    def __init__(self, generations: Sequence[ShardGeneration], shards: int, clock: Clock) -> None:
        """``shards``: databases that there are. Raises ProblemsFound where the map can't be meant for them."""
        problem = _contradiction(generations, shards, clock)
        if problem is not None:
            raise ProblemsFound("shard map", [problem])
        self._generations = tuple(generations)
        self._clock = clock

    def place(self, key: str | None = None, at: datetime.datetime | None = None) -> int:
        """The shard of a new aggregate: any of those that take new ones today, or took them ``at`` that moment.

        With ``key`` it is the same one for the same key, as long as no generation begins in between.
        """
        return _place(self._width(at or self._clock.now()), key)

    def places(self, key: str, since: datetime.datetime) -> tuple[int, ...]:
        """The shards where `place` has put this key from ``since`` until now, the newest first."""
        first = self._width(since)
        widths = [each.shards for each in self._generations if since.date() < each.since <= self._clock.now().date()]
        return tuple(dict.fromkeys(_place(width, key) for width in (*reversed(widths), first)))

    def _width(self, moment: datetime.datetime) -> int:
        """Shards that take new aggregates at that moment."""
        day = moment.astimezone(datetime.UTC).date()
        begun = [each.shards for each in self._generations if each.since <= day]
        return begun[-1] if begun else self._generations[0].shards


def _place(width: int, key: str | None) -> int:
    if key is None:
        return random.randrange(width)  # noqa: S311 - spreads load, hides nothing
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % width


def _contradiction(generations: Sequence[ShardGeneration], shards: int, clock: Clock) -> Problem | None:
    days = [each.since for each in generations]
    widths = [each.shards for each in generations]
    remedy = "deploy again with `make up`, which gives both from system.yaml; only ever append to its shard_map"
    if not 1 <= shards <= MOST_SHARDS:
        return Problem("DATABASE_SHARDS", f"{shards} shards", f"1 to {MOST_SHARDS}", remedy)
    if not generations or days != sorted(set(days)):
        told = ", ".join(map(str, days)) or "empty"
        return Problem("DATABASE_SHARD_MAP", told, "generations whose days rise, one at least", remedy)
    if widths != sorted(widths):
        told = f"{', '.join(map(str, widths))} shards one after the other"
        return Problem("DATABASE_SHARD_MAP", told, "shards that never become fewer: they hold rows", remedy)
    if min(widths) < 1 or max(widths) > shards:
        told = f"{max(widths)} shards from {days[widths.index(max(widths))]}"
        return Problem("DATABASE_SHARD_MAP", told, f"1 to {shards}, as many as DATABASE_SHARDS lists", remedy)
    if days[0] > clock.now().date():
        return Problem("DATABASE_SHARD_MAP", f"first day {days[0]}", "a first generation that has begun", remedy)
    return None
