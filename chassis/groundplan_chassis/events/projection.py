"""A read model: its table, and the SQL that never replaces a newer version by an older one (A4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from groundplan_chassis.database.names import joined, quoted

if TYPE_CHECKING:
    from groundplan_chassis.database.transaction import Record, Transaction


@dataclass(frozen=True)
class Projection:
    """The definition of one resource's read model. Names are those of `groundplan.document.data_model`."""

    resource: str
    """`order`."""
    table: str
    """The aggregate's own table, from which the read model can be built anew: `orders`."""
    columns: tuple[str, ...]
    """Fields that have a column of their own in the read model, besides what every item has."""
    document: Callable[[Record], bytes]
    """Makes the API's document from a row of the table."""

    @cached_property
    def read_model(self) -> str:
        """The read model's table, quoted."""
        return quoted(joined(self.resource, "read_model"))

    @cached_property
    def upsert(self) -> str:
        """Takes ids, versions and documents, each id once; returns those that were written.

        An older or equal version changes nothing, so an event may come twice, late, or while a rebuild runs.
        """
        return self._upsert("<")

    @cached_property
    def renew(self) -> str:
        """As `upsert`, but equal versions are written again: a rebuild is authoritative."""
        return self._upsert("<=")

    @cached_property
    def tombstone(self) -> str:
        """Takes ids, versions and times of deletion; returns those that were written.

        The row stays as a tombstone without content, so that a late update does not bring it back.
        """
        cleared = "".join(f"\n    {quoted(column)} = NULL," for column in self.columns)
        return f"""INSERT INTO {self.read_model} AS held (id, document, version, created_at, updated_at, deleted_at)
SELECT id, '{{}}', version, deleted_at, deleted_at, deleted_at
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[]) AS given (id, version, deleted_at)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET{cleared}
    document = EXCLUDED.document,
    version = EXCLUDED.version,
    created_at = EXCLUDED.created_at,
    updated_at = EXCLUDED.updated_at,
    deleted_at = EXCLUDED.deleted_at
WHERE held.version < EXCLUDED.version
RETURNING id, version"""  # noqa: S608 - names are quoted

    @cached_property
    def rows(self) -> str:
        """Takes ids; returns those of the table's rows that are there, deleted ones as well."""
        return f"SELECT * FROM {quoted(self.table)} WHERE id = ANY($1::uuid[])"  # noqa: S608 - names are quoted

    @cached_property
    def prune(self) -> str:
        """Deletes old tombstones. Takes their age (an interval) and the most rows to delete."""
        return f"""WITH old AS (
    SELECT id FROM {self.read_model} WHERE deleted_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM {self.read_model} AS held USING old WHERE held.id = old.id"""  # noqa: S608 - names are quoted

    @cached_property
    def page(self) -> str:
        """Takes an id (NULL at the beginning) and a number: rows of the table after it, in the order of ids."""
        return f"SELECT * FROM {quoted(self.table)} WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"  # noqa: S608

    def behind(self, owner: str) -> str:
        """Takes an owner, by whose column of the table: counts their rows of which the read model has an older one."""
        return f"""SELECT count(*) FROM {self.read_model} AS held
JOIN {quoted(self.table)} AS row ON row.id = held.id
WHERE row.{quoted(owner)} = $1 AND held.version < row.version"""  # noqa: S608 - names are quoted

    def _upsert(self, older: str) -> str:
        own = [*(quoted(column) for column in self.columns), "created_at", "updated_at"]
        selected = "".join(f", fields.{column}" for column in own)
        written = "".join(f"\n    {column} = EXCLUDED.{column}," for column in own)
        # PostgreSQL itself turns the document's values into the types of the columns. Rows are locked in the order
        # of their ids, so that two projectors never wait for each other.
        return f"""INSERT INTO {self.read_model} AS held (id, document, version, {", ".join(own)})
SELECT given.id, given.document, given.version{selected}
FROM unnest($1::uuid[], $2::integer[], $3::jsonb[]) AS given (id, version, document)
CROSS JOIN LATERAL jsonb_populate_record(NULL::{self.read_model}, given.document) AS fields
ORDER BY given.id
ON CONFLICT (id) DO UPDATE SET{written}
    document = EXCLUDED.document,
    version = EXCLUDED.version,
    deleted_at = NULL
WHERE held.version {older} EXCLUDED.version
RETURNING id, version"""  # noqa: S608 - names are quoted


POSITIONS = """INSERT INTO read_model_positions (stream, partition, position)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS given (stream, partition, position)
ORDER BY stream, partition
ON CONFLICT (stream, partition) DO UPDATE SET position = EXCLUDED.position, updated_at = now()"""
"""Takes streams, partitions and positions, each partition once."""


async def write_rows(
    transaction: Transaction, projection: Projection, statement: str, rows: Sequence[Record]
) -> list[Record]:
    """Writes rows of the table into its read model by ``statement``, `Projection.upsert` or `Projection.renew`, and
    leaves tombstones of the deleted ones; returns ids and versions that were written."""
    living = [row for row in rows if row.get("deleted_at") is None]
    dead = [row for row in rows if row.get("deleted_at") is not None]
    written: list[Record] = []
    if living:
        documents = [msgspec.Raw(projection.document(row)) for row in living]
        ids, versions = [row["id"] for row in living], [row["version"] for row in living]
        written += await transaction.fetch(statement, ids, versions, documents)
    if dead:
        ids, versions = [row["id"] for row in dead], [row["version"] for row in dead]
        written += await transaction.fetch(projection.tombstone, ids, versions, [row["deleted_at"] for row in dead])
    return written
