"""Duration of every SQL statement of a run, and whether its plan uses an index (T2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

_PARAMETER_LIMIT = 40
SMALL_BYTES = 256 * 1024
"""Of a table that is best read whole: 32 pages. That of idempotency keys has next to nothing in a bench whose clients
send none."""

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    # Generic in its stubs only.
    Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement's text, how often it ran, its latency in milliseconds, and what its plan reads."""

    text: str
    count: int
    p95_ms: float
    max_ms: float
    indexes: tuple[str, ...]
    """That its plan uses."""
    scanned: tuple[str, ...]
    """Tables that its plan reads whole, small ones apart."""

    @property
    def plan(self) -> str:
        """In a few words."""
        if self.scanned:
            return f"reads {', '.join(self.scanned)} whole"
        return ", ".join(self.indexes) or "no index, and no large table"


async def evaluate(connection: Connection, measured: Mapping[str, list[float]]) -> list[Statement]:
    """Each measured statement with the tables that its generic plan reads from end to end."""
    evaluated = []
    for text, taken in sorted(measured.items()):
        ordered = sorted(taken)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        nodes = list(_nodes(await _plan(connection, text)))
        indexes = sorted({str(node["Index Name"]) for node in nodes if "Index Name" in node})
        whole = sorted({str(node["Relation Name"]) for node in nodes if node["Node Type"] == "Seq Scan"})
        scanned = [table for table in whole if await _large(connection, table)]
        evaluated.append(Statement(text, len(ordered), p95, ordered[-1], tuple(indexes), tuple(scanned)))
    return evaluated


async def _large(connection: Connection, table: str) -> bool:
    """Whether the table has so many pages that an index is faster."""
    return bool(await connection.fetchval("SELECT pg_relation_size(to_regclass($1)) > $2", table, SMALL_BYTES))


async def _plan(connection: Connection, text: str) -> Mapping[str, object] | None:
    """The plan that PostgreSQL would take for any values: a plan for given ones could be lucky. None: it has none, as
    BEGIN and COMMIT."""
    if not text.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
        return None
    arguments = max((number for number in range(1, _PARAMETER_LIMIT) if f"${number}" in text), default=0)
    given = f"({', '.join(['NULL'] * arguments)})" if arguments else ""
    async with connection.transaction(readonly=False):
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE evaluated AS {text}")
        try:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE evaluated{given}")
        finally:
            await connection.execute("DEALLOCATE evaluated")
    found: Mapping[str, object] = json.loads(plan)[0]["Plan"]
    return found


def _nodes(node: Mapping[str, object] | None) -> Iterator[Mapping[str, object]]:
    """A plan's node and all below it."""
    if node is None:
        return
    yield node
    children = node.get("Plans", [])
    assert isinstance(children, list)
    for child in children:
        yield from _nodes(child)
