"""Lists in SQL: filtered, sorted, by page or by cursor, and counted up to a bound (R2, R3, T2)."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cmp_to_key
from itertools import islice
from typing import Any, Final, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from groundplan_chassis.database.database import Database
from groundplan_chassis.database.names import quoted
from groundplan_chassis.database.ranges import Arguments, behind
from groundplan_chassis.database.transaction import Record
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.http.operations import CREATED_AT, ID, ListQuery, Sort
from groundplan_chassis.http.sizes import PAGE_BYTES

COUNTED: Final = 10_000
"""Most rows that are counted: an index counts so many in two or three milliseconds; a million would break T2."""

BEYOND_SECONDS: Final = 10.0
"""Time for which it is remembered that more rows match: long lists are requested most often, and counting is most of
their cost. Replicas may lag as long."""
MOST_REMEMBERED: Final = 1000
"""Most remembered counts of one table."""

PORTION_BYTES: Final = PAGE_BYTES // 2
"""Most bytes of rows that are read at once where a page may be too large."""

Make = Callable[[Record], Document]
Statement: TypeAlias = tuple[str, *tuple[object, ...]]
"""SQL and its arguments."""


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
        self._beyond: WeakKeyDictionary[Database, dict[Statement, float]] = WeakKeyDictionary()
        """Counts above `COUNTED`, with their expiry (`time.monotonic`)."""

    async def page(self, database: Database, query: ListQuery, make: Make) -> Page:
        """The requested page.

        What stands on several shards is merged here. The first page, and every page by cursor, takes at most its own
        size of rows from each of them. A later page needs to know what is before it on all of them: so much only of
        the columns that it is sorted by, and then its own rows by their ids. A row that ceases to match in between is
        left out.

        Raises Unavailable.
        """
        large = query.row_bytes > 0
        deep = large or (query.after is None and query.offset > 0 and len(database.shards) > 1)
        found = await (self._keys(database, query) if deep else self._rows(database, query))
        shown, more = found[: query.limit], len(found) > query.limit
        total = None
        if query.after is None:
            total = await self._total(database, query, len(shown), more)
        if large:
            items, read = await self._within(database, query, shown, make)
            shown, more, cut = shown[:read], more or read < len(shown), read < len(shown)
        else:
            rows = await self._of_keys(database, query, shown) if deep else shown
            items, cut = [make(row) for row in rows], False
        return Page(
            items=items,
            cut=cut,
            total=None if total is None else min(total, COUNTED),
            total_is_exact=total is None or total <= COUNTED,
            next_after=tuple(shown[-1][sort.field] for sort in query.sort) if more else None,
        )

    def reads(self, query: ListQuery) -> list[Statement]:
        """Statements that read a page from one shard, with one further row that shows whether there is another page.

        Two statements where a cursor stands before or among NULLs: the second has the rows that come after all of the
        first one's.
        """
        if query.after is None:
            return [self._select(query, self._selected(query), (), query.limit + 1, query.offset)]
        return [
            self._select(query, self._selected(query), (part,), query.limit + 1)
            for part in behind(query.sort, query.after)
        ]

    def count(self, query: ListQuery) -> Statement:
        """Counts the matching rows of a shard, one more than `COUNTED` at most.

        In the order of the indexes (`groundplan.document.data_model`), so that one of them alone is read: without an
        order PostgreSQL takes the table to be the nearest way to so few rows of so many, and reads all that lies there,
        deleted rows and those that don't match as well.
        """
        given = Arguments()
        where = _where(self._conditions(query, given))
        order = f"{quoted(CREATED_AT)}, {quoted(ID)}"
        counted = f"SELECT 1\n    FROM {self._table}{where}\n    ORDER BY {order}\n    LIMIT {COUNTED + 1}"  # noqa: S608  names are quoted
        return f"SELECT count(*) AS total\nFROM (\n    {counted}\n) AS counted", *given

    async def _rows(self, database: Database, query: ListQuery) -> list[Record]:
        """The page's rows, and the next one if there is any."""
        rows: list[Record] = []
        for statement in self.reads(query):
            rows += _merged(await database.each_shard(*statement), query.sort, query.limit + 1 - len(rows))
            if len(rows) > query.limit:
                break
        return rows

    async def _keys(self, database: Database, query: ListQuery) -> list[Record]:
        """The sort values of the page's rows and of the next one, ids included."""
        reached = query.offset + query.limit + 1
        keys = ", ".join(quoted(sort.field) for sort in query.sort)
        if query.after is not None:
            found: list[Record] = []
            for part in behind(query.sort, query.after):
                room = query.limit + 1 - len(found)
                shards = await database.each_shard(*self._select(query, keys, (part,), room))
                found += _merged(shards, query.sort, room)
                if len(found) > query.limit:
                    break
            return found
        shards = await database.each_shard(*self._select(query, keys, (), reached))
        return _merged(shards, query.sort, reached)[query.offset :]

    async def _of_keys(self, database: Database, query: ListQuery, keys: Sequence[Record]) -> list[Record]:
        """The rows with these keys, in their order, as far as they still match."""
        wanted: dict[int, list[UUID]] = {}
        for key in keys:
            wanted.setdefault(database.locate(key[ID]), []).append(key[ID])

        async def fetch(shard: int) -> list[Record]:
            given = Arguments()
            where = _where([f"{quoted(ID)} = ANY({given.add(wanted[shard])})", *self._conditions(query, given)])
            statement = f"SELECT {self._selected(query)}\nFROM {self._table}{where}"
            return await database.fetch(statement, *given, shard=shard)

        rows = {row[ID]: row for found in await asyncio.gather(*map(fetch, wanted)) for row in found}
        return [rows[key[ID]] for key in keys if key[ID] in rows]

    async def _within(
        self, database: Database, query: ListQuery, keys: Sequence[Record], make: Make
    ) -> tuple[list[Document], int]:
        """The first rows that a page has room for, one at least, and how many keys they are the rows of.

        Rows come a few at a time, so that no more than two pages are in memory, however large rows are.
        """
        portion = max(1, PORTION_BYTES // query.row_bytes)
        items: list[Document] = []
        size = 0
        for start in range(0, len(keys), portion):
            wanted = keys[start : start + portion]
            found = {row[ID]: make(row) for row in await self._of_keys(database, query, wanted)}
            for number, key in enumerate(wanted, start=start):
                document = found.pop(key[ID], None)
                if document is None:
                    continue
                if items and size + len(document.body) > PAGE_BYTES:
                    return items, number
                items.append(document)
                size += len(document.body) + 1
        return items, len(keys)

    async def _total(self, database: Database, query: ListQuery, shown: int, more: bool) -> int:
        """The number of matching rows; counted only where the page itself doesn't determine it."""
        if not more and (shown or query.page == 1):
            return query.offset + shown
        question = self.count(query)
        beyond = self._beyond.setdefault(database, {})
        if beyond.get(question, 0.0) > time.monotonic():
            return COUNTED + 1
        counts = await database.each_shard(*question)
        total = sum(int(count[0]["total"]) for count in counts)
        beyond.pop(question, None)
        if total > COUNTED:
            if len(beyond) >= MOST_REMEMBERED:
                beyond.clear()
            beyond[question] = time.monotonic() + BEYOND_SECONDS
        return total

    def _select(
        self,
        query: ListQuery,
        columns: str,
        parts: Iterable[Callable[[Arguments], list[str]]],
        limit: int,
        offset: int = 0,
    ) -> Statement:
        given = Arguments()
        conditions = [*self._conditions(query, given)]
        for part in parts:
            conditions += part(given)
        order = ", ".join(f"{quoted(sort.field)} {'DESC' if sort.descending else 'ASC'}" for sort in query.sort)
        lines = [f"SELECT {columns}", f"FROM {self._table}{_where(conditions)}", f"ORDER BY {order}"]
        lines.append(f"LIMIT {given.add(limit)}")
        if offset:
            lines.append(f"OFFSET {given.add(offset)}")
        return "\n".join(lines), *given

    def _selected(self, query: ListQuery) -> str:
        if self._columns is None:
            return "*"
        return ", ".join([self._columns, *(quoted(sort.field) for sort in query.sort)])

    def _conditions(self, query: ListQuery, given: Arguments) -> Iterator[str]:
        if query.owner is not None:
            assert self._owner is not None, "a list by owner, of a table whose owner is not declared"
            yield f"{quoted(self._owner)} = {given.add(query.owner)}"
        for field, value in query.filters.items():
            yield f"{quoted(field)} = {given.add(value)}"
        if self._living:
            yield self._living


def _where(conditions: Iterable[str]) -> str:
    joined = "\n    AND ".join(conditions)
    return f"\nWHERE {joined}" if joined else ""


def _merged(shards: Sequence[list[Record]], sorts: Sequence[Sort], most: int) -> list[Record]:
    """Merges the rows of all shards, each of which is sorted."""
    if len(shards) == 1:
        return shards[0][:most]

    def compare(one: Record, other: Record) -> int:
        return _compare(one, other, sorts)

    return list(islice(heapq.merge(*shards, key=cmp_to_key(compare)), most))


def _compare(one: Record, other: Record, sorts: Iterable[Sort]) -> int:
    """Compares as PostgreSQL does; its databases sort texts by their code points
    (`groundplan_chassis.database.provisioning`)."""
    for sort in sorts:
        a: Any = one[sort.field]
        b: Any = other[sort.field]
        if a == b:
            continue
        less = b is None or (a is not None and a < b)
        return -1 if less != sort.descending else 1
    return 0
