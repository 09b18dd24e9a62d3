"""Lists against a model in memory: every filter, order, page and cursor, with NULLs, on one shard and on two (R2)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase, temporary_database
from chassis.tests.database.library import INSERT, LIST, QUERIES, document, moment
from groundplan_chassis.database import listing
from groundplan_chassis.database.database import Database
from groundplan_chassis.documents import Page
from groundplan_chassis.http.queries import Listing
from groundplan_chassis.identifiers import new_id
from groundplan_devkit.servers import Postgres

ROWS = 60
SORTS = ("status", "pages", "due", "price", "isbn", "created_at", "updated_at", "id", "reader")
Row = Mapping[str, Any]


def rows_of(shards: int) -> list[Row]:
    """Few values, so that many rows are alike; a third of what may be missing is."""
    chosen = random.Random(20_261_126)  # noqa: S311 - no secret

    def maybe(value: object) -> object:
        return None if chosen.random() < 1 / 3 else value

    return [
        {
            "id": new_id(number % shards),
            "reader": chosen.choice(["r-1", "r-2"]),
            # Words that a locale would put into another order than their code points.
            "status": chosen.choice(["lent", "lost", "shelved"]),
            "pages": chosen.randrange(1, 4),
            "due": maybe(date(2026, 1, 1) + timedelta(days=chosen.randrange(3))),
            "price": maybe(Decimal(chosen.randrange(3)) / 4),
            "isbn": maybe(f"{chosen.choice(['a', 'B', 'ä', 'Z', '_'])}{number}"),
            "created_at": moment(chosen.randrange(5)),
            "updated_at": moment(chosen.randrange(3)),
            "deleted_at": moment(9) if chosen.random() < 1 / 8 else None,
        }
        for number in range(ROWS)
    ]


class Library:
    """The same rows in a database and in memory."""

    def __init__(self, database: Database, recorded: StatementRecorder, rows: Sequence[Row]) -> None:
        self.database, self.recorded = database, recorded
        self.rows = [row for row in rows if row["deleted_at"] is None]

    async def page(self, listed: Listing) -> Page:
        return await LIST.page(self.database, listed, document)

    def expected(self, filters: Mapping[str, Any], sort: Sequence[tuple[str, bool]], owner: str | None) -> list[str]:
        """Ids of all matching rows in order."""
        found = [row for row in self.rows if all(row[name] == value for name, value in filters.items())]
        found = [row for row in found if owner in (None, row["reader"])]
        for name, descending in reversed(sort):
            # NULL is the largest value.
            found.sort(key=partial(_rank, name), reverse=descending)
        return [str(row["id"]) for row in found]


def _rank(name: str, row: Row) -> tuple[bool, Any]:
    return row[name] is None, row[name]


async def libraries(postgres: Postgres, shards: int) -> AsyncIterator[Library]:
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(temporary_database(postgres, shards))
        rows, recorded = rows_of(shards), StatementRecorder()
        for shard in range(shards):
            connection = await target.connect(shard)
            held = [row for row in rows if (row["id"].int >> 70 & 63) == shard]
            await connection.executemany(INSERT, [tuple(row.values()) for row in held])
            await connection.close()
        yield Library(await stack.enter_async_context(target.opened(statements=recorded)), recorded, rows)


@pytest.fixture(scope="module")
async def one(postgres_server: Postgres) -> AsyncIterator[Library]:
    async for library in libraries(postgres_server, 1):
        yield library


@pytest.fixture(scope="module")
async def two(two_shards: Postgres) -> AsyncIterator[Library]:
    async for library in libraries(two_shards, 2):
        yield library


@pytest.fixture(params=["one", "two"])
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.getfixturevalue(request.param)
    return found


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["lent", "lost"]),
        "pages": st.integers(1, 4),
        "due": st.sampled_from([date(2026, 1, 1), date(2026, 1, 2)]),
        "price": st.sampled_from([Decimal("0.25"), Decimal("0.50")]),
    },
)
ORDERS = st.lists(st.tuples(st.sampled_from(SORTS), st.booleans()), max_size=4, unique_by=lambda each: each[0])


def parsed(filters: Mapping[str, Any], order: Sequence[tuple[str, bool]], owner: str | None, **more: Any) -> Listing:
    parameters = {name: str(value) for name, value in {**filters, **more}.items()}
    if order:
        parameters["sort"] = ",".join(f"{'-' if descending else ''}{name}" for name, descending in order)
    return small(QUERIES.parse(urlencode(parameters).encode(), owner))


def small(listed: Listing) -> Listing:
    """As of a resource without a field that may be large."""
    return msgspec.structs.replace(listed, row_bytes=0)


def ids(page: Page) -> list[str]:
    return [str(item.id) for item in page.items]


def order_of(listed: Listing) -> list[tuple[str, bool]]:
    return [(sort.field, sort.descending) for sort in listed.sort]


def cursors(listed: Listing, page: Page) -> Iterator[Listing]:
    """The next page by cursor, where there is one."""
    if page.next_after is not None:
        # As the last page that can be had by number links to it.
        last = msgspec.structs.replace(listed, page=10_000 // listed.limit)
        link = QUERIES.next_link(last, page.next_after)
        yield small(QUERIES.parse(urlsplit(link).query.encode(), listed.owner))


ALL = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ALL
@given(FILTERS, ORDERS, st.sampled_from([None, "r-1"]), st.integers(1, 40))
async def test_cursors_lead_over_every_row_once(
    library: Library, filters: dict[str, Any], order: list[tuple[str, bool]], owner: str | None, limit: int
) -> None:
    listed = parsed(filters, order, owner, limit=limit)
    expected = library.expected(filters, order_of(listed), owner)
    found: list[str] = []
    waiting = [listed]
    while waiting:
        listed = waiting.pop()
        page = await library.page(listed)
        assert len(page.items) <= limit
        found += ids(page)
        assert found == expected[: len(found)]
        waiting += cursors(listed, page)
        assert bool(waiting) == (len(found) < len(expected))
    assert found == expected


@ALL
@given(FILTERS, ORDERS, st.sampled_from([None, "r-2"]), st.integers(1, 30), st.integers(1, 5))
async def test_a_page_is_a_part_of_the_whole_and_knows_how_many_there_are(
    library: Library, filters: dict[str, Any], order: list[tuple[str, bool]], owner: str | None, limit: int, number: int
) -> None:
    listed = parsed(filters, order, owner, limit=limit, page=number)
    expected = library.expected(filters, order_of(listed), owner)
    page = await library.page(listed)
    assert ids(page) == expected[(number - 1) * limit : number * limit]
    assert (page.total, page.total_is_exact) == (len(expected), True)
    for following in cursors(listed, page):
        assert ids(await library.page(following)) == expected[number * limit : (number + 1) * limit]
    assert (page.next_after is not None) == (number * limit < len(expected))


@settings(ALL, max_examples=25)
@given(ORDERS, st.integers(1, 40), st.integers(1, 4), st.integers(100, 3000))
async def test_a_page_holds_no_more_bytes_than_it_may(
    library: Library, order: list[tuple[str, bool]], limit: int, number: int, room: int
) -> None:
    """h6: each row once all the same, by links; a row that is too large for a page is one by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE_BYTES", room)
        patch.setattr(listing, "PORTION_BYTES", room // 2)
        listed = msgspec.structs.replace(parsed({}, order, None, limit=limit, page=number), row_bytes=400)
        expected = library.expected({}, order_of(listed), None)[(number - 1) * limit :]
        found: list[str] = []
        waiting = [listed]
        while waiting:
            listed = waiting.pop()
            page = await library.page(listed)
            assert len(page.items) <= limit
            assert len(page.items) == 1 or sum(len(item.body) for item in page.items) <= room or not page.items
            found += ids(page)
            assert found == expected[: len(found)]
            assert page.cut is (page.next_after is not None and len(page.items) < limit)
            if page.next_after is not None:
                link = QUERIES.next_link(listed, page.next_after, cut=page.cut)
                assert ("cursor=" in link) or not page.cut, "a page by number would leave out what had no room"
                following = QUERIES.parse(urlsplit(link).query.encode(), listed.owner)
                waiting.append(msgspec.structs.replace(following, row_bytes=400))
        assert found == expected


async def statements_of(library: Library, query: str) -> list[str]:
    library.recorded.statements.clear()
    await library.page(small(QUERIES.parse(query.encode())))
    return list(library.recorded.statements)


async def test_one_shard_gives_the_page_alone(one: Library) -> None:
    first, second = await statements_of(one, "page=3&limit=5")
    assert first.startswith("SELECT * FROM")
    assert first.endswith("LIMIT $1 OFFSET $2")
    assert second.startswith("SELECT count(*)")


async def test_several_shards_give_keys_of_what_is_before_and_rows_of_the_page(two: Library) -> None:
    statements = await statements_of(two, "page=3&limit=5&sort=status")
    keys = [each for each in statements if each.startswith('SELECT "status", "created_at", "id" FROM')]
    rows = [each for each in statements if each.startswith("SELECT * FROM")]
    assert len(keys) == 2
    assert all('"id" = ANY($1)' in each and "deleted_at IS NULL" in each for each in rows)
    assert 1 <= len(rows) <= 2


async def test_what_the_page_tells_is_not_counted(library: Library) -> None:
    """A total is counted only where rows follow, or where the page lies behind all of them."""
    for query in ("limit=100", "limit=1&isbn=none", "page=2&limit=40"):
        assert not [each for each in await statements_of(library, query) if "count(*)" in each]
    for query in ("limit=10", "page=9&limit=100"):
        assert [each for each in await statements_of(library, query) if "count(*)" in each]


async def test_who_comes_by_cursor_gets_no_total(library: Library) -> None:
    listed = parsed({}, [("due", False)], None, limit=10)
    (following,) = cursors(listed, await library.page(listed))
    library.recorded.statements.clear()
    page = await library.page(following)
    assert (page.total, page.total_is_exact) == (None, True)
    assert not [each for each in library.recorded.statements if "count(*)" in each]


async def test_more_rows_than_are_counted_are_at_least_so_many(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 20)
    page = await library.page(parsed({}, [], None, limit=5))
    assert (page.total, page.total_is_exact) == (20, False)


@pytest.mark.parametrize(("counted", "counts"), [(21, 1), (100, 2)])
async def test_many_rows_are_not_counted_again_at_once(
    library: Library, monkeypatch: pytest.MonkeyPatch, counted: int, counts: int
) -> None:
    """What is beyond the bound stays there for a while; what is below may have changed with the last write."""
    monkeypatch.setattr(listing, "COUNTED", counted)
    library.recorded.statements.clear()
    pages = [await library.page(parsed({}, [], None, limit=5)) for _ in range(2)]
    counting = [each for each in library.recorded.statements if "count(*)" in each]
    assert len(counting) == counts * len(library.database.shards)
    assert pages[0].total == pages[1].total == min(counted, len(library.rows))
    await library.page(parsed({"status": "lent"}, [], None, limit=5))
    assert "count(*)" in library.recorded.statements[-1]


async def test_many_rows_are_counted_again_after_a_while(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNTED", 19)
    monkeypatch.setattr(listing, "BEYOND_SECONDS", 0.0)
    library.recorded.statements.clear()
    for _ in range(2):
        await library.page(parsed({}, [], None, limit=5))
    counting = [each for each in library.recorded.statements if "count(*)" in each]
    assert len(counting) == 2 * len(library.database.shards)


async def test_a_row_that_changes_between_keys_and_rows_is_left_out(
    two: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner is another's by then: it must not be shown to who asks for their own."""
    listed = parsed({}, [], "r-1", limit=5, page=2)
    expected = two.expected({}, order_of(listed), "r-1")[5:10]
    taken = expected[2]
    (row,) = [row for row in two.rows if str(row["id"]) == taken]
    fetch = two.database.fetch

    async def changing(statement: str, *arguments: object, shard: int, fresh: bool = False) -> Any:
        found = await fetch(statement, *arguments, shard=shard, fresh=fresh)
        if "ANY" not in statement:
            await give("r-2")
        return found

    async def give(reader: str) -> None:
        update = "UPDATE books SET reader = $2 WHERE id = $1"
        shard = two.database.locate(row["id"])
        await two.database.write(lambda transaction: transaction.execute(update, row["id"], reader), shard=shard)

    monkeypatch.setattr(two.database, "fetch", changing)
    try:
        assert ids(await two.page(listed)) == [each for each in expected if each != taken]
    finally:
        await give("r-1")


async def test_where_rows_are_not_what_their_types_say(target: TemporaryDatabase, db: Database) -> None:
    """An empty table has an empty page, and an empty cursor page."""
    del target
    page = await LIST.page(db, parsed({}, [], None), document)
    assert (list(page.items), page.total, page.next_after) == ([], 0, None)
