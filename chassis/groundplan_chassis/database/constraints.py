"""The columns of a violated CHECK: PostgreSQL's error names the constraint and no column."""

from __future__ import annotations

import logging
from typing import Final

import asyncpg

from groundplan_chassis.database.failures import Away, columns_of, describe
from groundplan_chassis.database.place import Place
from groundplan_chassis.http.errors import Unavailable

# A constraint's name is unique in its table, and says nothing for sure: it may be shortened, or a person's own.
_COLUMNS: Final = """
    SELECT attname::text AS name
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)
    WHERE nspname = $1 AND relname = $2 AND conname = $3
    ORDER BY attnum
"""

log = logging.getLogger(__name__)


class Constraints:
    """Columns of constraints from the catalogue, read once for each violated constraint."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[str, ...]] = {}

    async def columns(self, place: Place, error: asyncpg.CheckViolationError) -> tuple[str, ...]:
        """The constraint's columns; from its name while the catalogue is unavailable."""
        if not (error.schema_name and error.table_name and error.constraint_name):
            return columns_of(error)
        name = (error.schema_name, error.table_name, error.constraint_name)
        if name not in self._known:
            try:
                rows = await place.ask(_COLUMNS, lambda connection: connection.fetch(_COLUMNS, *name))
            except (Away, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                log.info("the columns of a constraint could not be asked for: %s", describe(trouble))
                return columns_of(error)
            self._known[name] = tuple(row["name"] for row in rows)
        return self._known[name]
