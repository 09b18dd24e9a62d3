"""What every SQL statement of a run took, and whether its plan uses an index (T2)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg

_PARAMETER_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement's text, how often it ran, its latency in milliseconds, and the tables that its plan reads whole."""

    text: str
    count: int
    p95_ms: float
    max_ms: float
    scanned: tuple[str, ...]


def durations(log: Iterable[str]) -> dict[str, list[float]]:
    """Durations by statement, from a service's log whose `slow_query` lines begin at 0 ms."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in log:
        if '"slow_query"' in line:
            entry = json.loads(line)
            if entry.get("event") == "slow_query":
                found[entry["statement"]].append(float(entry["duration_ms"]))
    return dict(found)


async def judge(connection: asyncpg.Connection[asyncpg.Record], measured: Mapping[str, list[float]]) -> list[Statement]:
    """Each measured statement with the tables that its generic plan reads from end to end."""
    judged = []
    for text, taken in sorted(measured.items()):
        ordered = sorted(taken)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        judged.append(Statement(text, len(ordered), p95, ordered[-1], await _scanned(connection, text)))
    return judged


async def _scanned(connection: asyncpg.Connection[asyncpg.Record], text: str) -> tuple[str, ...]:
    """The plan that PostgreSQL would take for any values: a plan for given ones could be lucky."""
    if not text.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
        return ()
    arguments = max((number for number in range(1, _PARAMETER_LIMIT) if f"${number}" in text), default=0)
    given = f"({', '.join(['NULL'] * arguments)})" if arguments else ""
    async with connection.transaction(readonly=False):
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE judged AS {text}")
        try:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE judged{given}")
        finally:
            await connection.execute("DEALLOCATE judged")
    return tuple(sorted(_whole(json.loads(plan)[0]["Plan"])))


def _whole(node: Mapping[str, object]) -> Iterable[str]:
    if node["Node Type"] == "Seq Scan":
        yield str(node["Relation Name"])
    children = node.get("Plans", [])
    assert isinstance(children, list)
    for child in children:
        yield from _whole(child)
