"""What one request, event and statement of a service takes: declared, measured, or by the product's figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from groundplan.capacity import figures
from groundplan.capacity.wording import number
from groundplan.declaration.measured import Quantity, Spread
from groundplan.declaration.model import System


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU times are milliseconds of a core."""

    cached_read_ms: float = 1000 / figures.POD_CACHED_READS
    database_read_ms: float = 1000 / figures.POD_DATABASE_READS
    """Of a get and a list, in the mix of the bench."""
    list_ms: float = 1000 / figures.POD_LISTS
    write_ms: float = 1000 / figures.POD_WRITES
    consumed_event_ms: float = 1000 / figures.POD_CONSUMED_EVENTS
    projected_event_ms: float = 1000 / figures.POD_PROJECTED_EVENTS
    relayed_event_ms: float = 1000 / figures.POD_RELAYED_EVENTS
    statements_a_get: float = float(figures.STATEMENTS_PER_GET)
    statements_a_list: float = float(figures.STATEMENTS_PER_LIST)
    statements_a_read: float = float(figures.STATEMENTS_PER_READ)
    statements_a_write: float = float(figures.STATEMENTS_PER_WRITE)
    statements_a_consumed_event: float = float(figures.STATEMENTS_PER_CONSUMED_EVENT)
    statements_a_projected_event: float = float(figures.STATEMENTS_PER_PROJECTED_EVENT)
    read_statement_core_ms: float = float(figures.READ_STATEMENT_CORE_MS)
    write_statement_core_ms: float = float(figures.WRITE_STATEMENT_CORE_MS)
    read_statement_ms: float = figures.READ_STATEMENT_MS + figures.STATEMENT_WAY_MS
    """Mean time that a connection is held for a statement of a get or a list: measured, its way, and what is declared
    to be work (`working_ms`)."""
    write_statement_ms: float = figures.WRITE_STATEMENT_MS + figures.STATEMENT_WAY_MS
    object_kib: float = float(figures.CACHED_OBJECT_KIB)
    """One resource in the cache, and in an answer."""
    event_kib: float = float(figures.EVENT_KIB)
    """One event at the broker."""
    source: str = figures.OURS
    """Of the CPU times."""
    statements_source: str = figures.WRITE_STATEMENT_MS.source
    """Of the times that statements take."""


def costs_of(system: System, name: str) -> Costs:
    """Of one service."""
    costs = Costs()
    if own := system.measured_of(name):
        assert system.measured is not None
        source = f"this project's, {system.measured.provenance}"
        costs = replace(replace(costs, **_measured(own)), source=source)
        if "write_statement_ms" in own:
            costs = replace(costs, statements_source=source)
    load = system.services[name].load
    given: dict[str, Any] = {}
    if load.payload_bytes is not None:
        given["object_kib"] = (load.payload_bytes + figures.CACHE_ENTRY_BYTES) / 1024
        given["event_kib"] = (load.payload_bytes + figures.EVENT_ENVELOPE_BYTES) / 1024
    costs = replace(costs, **given)
    if load.cpu_ms_per_request is not None:
        kinds = ("cached_read_ms", "database_read_ms", "list_ms", "write_ms")
        declared: dict[str, Any] = dict.fromkeys(kinds, load.cpu_ms_per_request)
        costs = replace(costs, **declared, source="declared")
    working = working_ms(system)
    return replace(
        costs,
        read_statement_ms=costs.read_statement_ms + working,
        write_statement_ms=costs.write_statement_ms + working,
    )


def working_ms(system: System) -> float:
    """Mean time that a statement works beyond what was measured and waits explain, by its declared 95th percentile.

    T2 is a limit for statements that take a fraction of it; one that is declared to take longer has more to do.
    """
    return float(max(0.0, system.requirements.query_p95_ms - figures.WAITING_P95_MS) / figures.P95_TO_MEAN)


def _measured(own: dict[Quantity, Spread]) -> dict[str, Any]:
    """What a project measured itself, where it did."""
    found: dict[str, Any] = {}
    for field, quantity in _SAME.items():
        if quantity in own:
            found[field] = own[quantity].median
    share = float(figures.LIST_SHARE)
    if "database_get_ms" in own and "list_ms" in own:
        found["database_read_ms"] = own["database_get_ms"].median * (1 - share) + own["list_ms"].median * share
    if "statements_a_get" in own and "statements_a_list" in own:
        found["statements_a_read"] = (
            own["statements_a_get"].median * (1 - share) + own["statements_a_list"].median * share
        )
    timed: tuple[Quantity, ...] = ("read_statement_ms", "write_statement_ms")
    found |= {kind: own[kind].median + figures.STATEMENT_WAY_MS for kind in timed if kind in own}
    return found


_SAME: dict[str, Quantity] = {
    "cached_read_ms": "cached_get_ms",
    "list_ms": "list_ms",
    "write_ms": "create_ms",
    "consumed_event_ms": "consumed_event_ms",
    "projected_event_ms": "projected_event_ms",
    "relayed_event_ms": "relayed_event_ms",
    "statements_a_get": "statements_a_get",
    "statements_a_list": "statements_a_list",
    "statements_a_write": "statements_a_create",
    "read_statement_core_ms": "read_statement_core_ms",
    "write_statement_core_ms": "write_statement_core_ms",
}


def provenance(system: System) -> list[tuple[str, str]]:
    """Each service with the figures that its plan uses, and where they come from."""
    rows = []
    for name in system.services:
        costs = costs_of(system, name)
        rows.append(
            (
                name,
                f"{number(costs.cached_read_ms)} ms of a core for a read from the cache, "
                f"{number(costs.database_read_ms)} from the database, {number(costs.write_ms)} for a write; "
                f"{number(costs.statements_a_read)} statements a read, {number(costs.statements_a_write)} a write, "
                f"which take {number(costs.read_statement_ms)} and {number(costs.write_statement_ms)} ms each "
                f"({costs.source})",
            )
        )
    return rows
