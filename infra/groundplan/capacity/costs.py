"""What one request, event and statement of a service takes: as declared, as measured, or as the figures say."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.declaration.model import System


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU times are milliseconds of a core."""

    cached_read_ms: float = 1000 / figures.POD_CACHED_READS
    database_read_ms: float = 1000 / figures.POD_DATABASE_READS
    write_ms: float = 1000 / figures.POD_WRITES
    consumed_event_ms: float = 1000 / figures.POD_CONSUMED_EVENTS
    projected_event_ms: float = 1000 / figures.POD_CONSUMED_EVENTS
    relayed_event_ms: float = 1000 / figures.POD_RELAYED_EVENTS
    statements_a_read: float = float(figures.STATEMENTS_PER_READ)
    statements_a_write: float = float(figures.STATEMENTS_PER_WRITE)
    statements_a_consumed_event: float = float(figures.STATEMENTS_PER_CONSUMED_EVENT)
    statements_a_projected_event: float = float(figures.STATEMENTS_PER_PROJECTED_EVENT)
    read_statement_core_ms: float = float(figures.READ_STATEMENT_CORE_MS)
    write_statement_core_ms: float = float(figures.WRITE_STATEMENT_CORE_MS)
    object_kib: float = float(figures.CACHED_OBJECT_KIB)
    """One resource in the cache, and in an answer."""
    event_kib: float = float(figures.EVENT_KIB)
    """One event at the broker."""


def costs_of(system: System, name: str) -> Costs:
    """Of one service."""
    load = system.services[name].load
    given: dict[str, float] = {}
    if load.cpu_ms_per_request is not None:
        given |= dict.fromkeys(("cached_read_ms", "database_read_ms", "write_ms"), load.cpu_ms_per_request)
    if load.payload_bytes is not None:
        given["object_kib"] = (load.payload_bytes + figures.CACHE_ENTRY_BYTES) / 1024
        given["event_kib"] = (load.payload_bytes + figures.EVENT_ENVELOPE_BYTES) / 1024
    return Costs(**given)
