"""What erasure does to the rows of one resource, and the SQL for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, Protocol
from uuid import UUID

from groundplan_chassis.database.names import quoted

if TYPE_CHECKING:
    from groundplan_chassis.database.transaction import Record, Transaction

Kind = Literal["person", "delete", "anonymise"]
MOST_ROWS: Final = 100
"""Rows that one transaction erases: each takes two statements, and no lock is held for long."""


class RecordErasure(Protocol):
    """Writes the erasure of a row into its history and its messages into the outbox; without personal values."""

    async def __call__(
        self, transaction: Transaction, before: Record, after: Record, *, actor: str, correlation_id: str
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Erasable:
    """A resource whose rows a person's erasure changes."""

    resource: str
    """`user`."""
    table: str
    owner: str
    """The column with the subject whose row it is."""
    kind: Kind
    """`person`: the row is the person, and its deletion asks for the erasure; `delete`: the row goes with the person;
    `anonymise`: it stays, without its personal values."""
    erased: Mapping[str, str]
    """By personal column the SQL of the value that it has afterwards. It may depend on the row's id alone."""
    record: RecordErasure
    owner_is_uuid: bool = False
    """The owner's column is of the type uuid."""

    @property
    def deletes(self) -> bool:
        return self.kind != "anonymise"

    def owned_by(self, subject: str) -> str | UUID | None:
        """The subject as the owner's column holds it; None where no row can be theirs."""
        if not self.owner_is_uuid:
            return subject
        try:
            return UUID(subject)
        except ValueError:
            return None

    @cached_property
    def remains(self) -> str:
        """True for a row that is not erased. Deleted rows count: they stay in the table."""
        held = [f"{quoted(column)} IS DISTINCT FROM {value}" for column, value in self.erased.items()]
        return f"({' OR '.join([*held, *(['deleted_at IS NULL'] if self.deletes else [])])})"

    @cached_property
    def find(self) -> str:
        """Takes a subject; locks and returns some of their rows that are not erased."""
        return (
            f"SELECT * FROM {quoted(self.table)} WHERE {quoted(self.owner)} = $1 AND {self.remains} "  # noqa: S608
            f"ORDER BY id LIMIT {MOST_ROWS} FOR UPDATE"
        )

    @cached_property
    def count(self) -> str:
        """Takes a subject; counts their rows that are not erased."""
        return f"SELECT count(*) FROM {quoted(self.table)} WHERE {quoted(self.owner)} = $1 AND {self.remains}"  # noqa: S608

    @cached_property
    def page(self) -> str:
        """Takes a subject and an id (NULL at the beginning): some of their rows after it, erased or not."""
        return (
            f"SELECT * FROM {quoted(self.table)} WHERE {quoted(self.owner)} = $1 AND ($2::uuid IS NULL OR id > $2) "  # noqa: S608
            f"ORDER BY id LIMIT {MOST_ROWS}"
        )

    @cached_property
    def erase(self) -> str:
        """Takes an id; returns the row as it is afterwards."""
        changes = [f"{quoted(column)} = {value}" for column, value in self.erased.items()]
        if self.deletes:
            changes.append("deleted_at = coalesce(deleted_at, now())")
        changes += ["version = version + 1", "updated_at = now()"]
        return f"UPDATE {quoted(self.table)} SET {', '.join(changes)} WHERE id = $1 RETURNING *"  # noqa: S608
