"""Lists in SQL: filtered, sorted, by page or by cursor, and counted up to a bound (R2, R3, T2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cmp_to_key
from typing import Any, Final

from chassis.database.database import Database
from chassis.database.names import quoted
from chassis.database.transaction import Record
from chassis.documents import Document, Page
from chassis.http.operations import CREATED_AT, ID, UPDATED_AT, ListQuery, Sort

COUNTED: Final = 10_000
"""Rows that are counted at most: an index gives so many in two or three milliseconds, a million would break T2."""
_NEVER_NULL: Final = frozenset({ID, CREATED_AT, UPDATED_AT})

Make = Callable[[Record], Document]


class ListStatement:
    """Statements for the lists of one table, or of one read model.

    Every name in a statement was declared by the service, and is quoted; every value is an argument.
    """

    def __init__(
        self, table: str, *, columns: str | None = None, owner: str | None = None, deletes: bool = False
    ) -> None:
        """``columns``: what is selected, in SQL; all by default, and what a list is sorted by in any case. ``owner``:
        the column with the owner's subject; ``deletes``: deleted rows stay, with `deleted_at`."""
        self._columns = columns
        self._table = quoted(table)
        self._owner = owner
        self._living = "deleted_at IS NULL" if deletes else None

    async def page(self, database: Database, query: ListQuery, make: Make) -> Page:
        """The page that was asked for. Raises Unavailable."""
        skipped = 0 if query.after is not None else query.offset
        rows_of = self.rows(query, skipped + query.limit + 1)
        if query.after is not None:
            rows, total = await _gathered(database, rows_of, query), None
        else:
            rows, counts = await asyncio.gather(
                _gathered(database, rows_of, query), database.each_shard(*self.count(query))
            )
            total = sum(int(count[0]["total"]) for count in counts)
        shown = rows[skipped : skipped + query.limit]
        more = len(rows) > skipped + query.limit
        return Page(
            items=[make(row) for row in shown],
            total=None if total is None else min(total, COUNTED),
            total_is_exact=total is None or total <= COUNTED,
            next_after=tuple(shown[-1][sort.field] for sort in query.sort) if more and shown else None,
        )

    def rows(self, query: ListQuery, limit: int) -> tuple[str, *tuple[object, ...]]:
        """The statement and its arguments for the first rows of a shard, as many as the pages up to this one have."""
        arguments = _Arguments()
        conditions = [*self._conditions(query, arguments)]
        if query.after is not None:
            conditions.extend(_after(query.sort, query.after, arguments))
        order = ", ".join(f"{quoted(sort.field)} {'DESC' if sort.descending else 'ASC'}" for sort in query.sort)
        columns = "*"
        if self._columns is not None:
            columns = ", ".join([self._columns, *(quoted(sort.field) for sort in query.sort)])
        where = _where(conditions)
        statement = f"SELECT {columns}\nFROM {self._table}{where}\nORDER BY {order}\nLIMIT {arguments.add(limit)}"
        return statement, *arguments

    def count(self, query: ListQuery) -> tuple[str, *tuple[object, ...]]:
        """The statement and its arguments that count the matching rows of a shard, one more than `COUNTED` at most."""
        arguments = _Arguments()
        where = _where([*self._conditions(query, arguments)])
        counted = f"SELECT 1 FROM {self._table}{where}\n    LIMIT {COUNTED + 1}"  # noqa: S608  names are quoted
        return f"SELECT count(*) AS total\nFROM (\n    {counted}\n) AS counted", *arguments

    def _conditions(self, query: ListQuery, arguments: _Arguments) -> Iterator[str]:
        if query.owner is not None:
            assert self._owner is not None, "a list by owner, of a table whose owner is not declared"
            yield f"{quoted(self._owner)} = {arguments.add(query.owner)}"
        for field, value in query.filters.items():
            yield f"{quoted(field)} = {arguments.add(value)}"
        if self._living:
            yield self._living


class _Arguments(list[object]):
    """Values of a statement, in the order of their placeholders."""

    def add(self, value: object) -> str:
        self.append(value)
        return f"${len(self)}"


def _where(conditions: Sequence[str]) -> str:
    return "\nWHERE " + "\n    AND ".join(conditions) if conditions else ""


def _after(sorts: Sequence[Sort], values: Sequence[object], arguments: _Arguments) -> Iterator[str]:
    """What comes after a row with these values in the order of ``sorts``.

    NULL is PostgreSQL's largest value: last ascending, first descending. Columns at the end that are never NULL and go
    in one direction are compared as a row, which an index can begin at.
    """
    head, tail = _split(sorts)
    places = [None if value is None else arguments.add(value) for value in values]
    last = _row(tail, [place for place in places[len(head) :] if place is not None])
    if not head:
        yield last
        return
    condition = last
    for sort, place in reversed(list(zip(head, places, strict=False))):
        column = quoted(sort.field)
        if place is None:
            behind = f"{column} IS NOT NULL OR " if sort.descending else ""
            condition = f"({behind}{column} IS NULL AND {condition})"
        else:
            beyond = f"{column} < {place}" if sort.descending else f"({column} > {place} OR {column} IS NULL)"
            condition = f"({beyond} OR {column} = {place} AND {condition})"
    first, place = head[0], places[0]
    if place is not None and first.descending:
        # Says nothing new, but is where an index begins.
        yield f"{quoted(first.field)} <= {place}"
    yield condition


def _split(sorts: Sequence[Sort]) -> tuple[Sequence[Sort], Sequence[Sort]]:
    """The order's head, and its tail of columns that are never NULL and share a direction."""
    start = len(sorts)
    while (
        start > 0
        and sorts[start - 1].field in _NEVER_NULL
        and (start == len(sorts) or sorts[start - 1].descending == sorts[start].descending)
    ):
        start -= 1
    return sorts[:start], sorts[start:]


def _row(sorts: Sequence[Sort], places: Sequence[str]) -> str:
    columns = ", ".join(quoted(sort.field) for sort in sorts)
    return f"({columns}) {'<' if sorts[0].descending else '>'} ({', '.join(places)})"


async def _gathered(database: Database, rows_of: tuple[str, *tuple[object, ...]], query: ListQuery) -> list[Record]:
    """Rows of all shards in one order."""
    shards = await database.each_shard(*rows_of)
    if len(shards) == 1:
        return shards[0]

    def compare(one: Record, other: Record) -> int:
        return _compare(one, other, query.sort)

    return sorted((row for rows in shards for row in rows), key=cmp_to_key(compare))


def _compare(one: Record, other: Record, sorts: Iterable[Sort]) -> int:
    """As PostgreSQL compares; its databases sort texts by their code points (`chassis.database.provisioning`)."""
    for sort in sorts:
        a: Any = one[sort.field]
        b: Any = other[sort.field]
        if a == b:
            continue
        less = b is None or (a is not None and a < b)
        return -1 if less != sort.descending else 1
    return 0
