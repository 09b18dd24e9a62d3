"""Lists in an order that an index has are read from the index, from where they begin: PostgreSQL's own plans (T2, D1).

Every plan is of 50,000 rows, and is carried out: what it reads is counted, not believed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from chassis.tests.database.databases import temporary_database
from chassis.tests.database.library import LIST, QUERIES
from chassis.tests.plans import Plan, nodes, plan_of
from groundplan_chassis.http.operations import ListQuery
from groundplan_chassis.http.queries import Listing
from groundplan_devkit.servers import Postgres

ROWS = 50_000
LIMIT = 20
FEW = 100
INDEXED = ("reader", "pages", "due")
ORDERS = [f"{sign}{name}" for name in (*INDEXED, "created_at") for sign in ("", "-")]
FILL = f"""
    INSERT INTO books (reader, status, pages, due, price, created_at, updated_at)
    SELECT
        'r-' || number % 500,
        (ARRAY['lent', 'lost', 'shelved'])[1 + number % 3],
        1 + number * 7919 % 1000,
        CASE WHEN number % 3 > 0 THEN date '2026-01-01' + number * 31 % 365 END,
        number % 100,
        timestamptz '2026-01-01 00:00:00Z' + number * interval '1 second',
        timestamptz '2026-01-01 00:00:00Z' + number * interval '1 second'
    FROM generate_series(1, {ROWS}) AS number
"""  # noqa: S608 - a number


@pytest.fixture(scope="module")
async def books(postgres_server: Postgres) -> AsyncIterator[Any]:
    async with temporary_database(postgres_server) as target:
        connection = await target.connect()
        await connection.execute(FILL)
        await connection.execute("VACUUM ANALYZE books")
        yield connection
        await connection.close()


async def plans(books: Any, query: ListQuery) -> list[Plan]:
    """How each of the page's statements was carried out."""
    found = []
    for statement, *arguments in LIST.reads(query):
        explained = await books.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *arguments)
        found.append(plan_of(explained))
    return found


def parsed(**parameters: object) -> Listing:
    return QUERIES.parse(urlencode(parameters).encode())


async def after(books: Any, listed: Listing, offset: int) -> ListQuery:
    """The same list behind its row number ``offset``, as its cursor would have it."""
    ((statement, *arguments),) = LIST.reads(listed)
    row = await books.fetchrow(f"{statement} OFFSET {offset}", *arguments)
    values = tuple(row[sort.field] for sort in listed.sort)
    return ListQuery(filters=listed.filters, sort=listed.sort, page=1, limit=listed.limit, after=values)


def read_from_an_index(plan: Plan) -> Plan:
    """The scan, of an index and of nothing else, that has read no row more than were wanted.

    Where few rows are left, PostgreSQL may as well fetch them all, and sort them.
    """
    kinds = [node["Node Type"] for node in nodes(plan)]
    assert kinds in (["Limit", "Index Scan"], ["Limit", "Sort", "Bitmap Heap Scan", "Bitmap Index Scan"]), plan
    *_, scan = nodes(plan)
    assert scan["Actual Rows"] <= (FEW if "Sort" in kinds else LIMIT + 1), plan
    assert not any(node.get("Rows Removed by Filter") for node in nodes(plan)), plan
    return scan


@pytest.mark.parametrize("order", ORDERS)
async def test_the_first_page(books: Any, order: str) -> None:
    (plan,) = await plans(books, parsed(sort=order, limit=LIMIT))
    read_from_an_index(plan)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("offset", [0, 100, ROWS // 2, ROWS - 100])
async def test_a_page_by_cursor_begins_in_the_index(books: Any, order: str, offset: int) -> None:
    """Also ascending, and also where the cursor stands among rows without a value."""
    query = await after(books, parsed(sort=order, limit=LIMIT), offset)
    column = order.removeprefix("-")
    for plan in await plans(books, query):
        scan = read_from_an_index(plan)
        assert column in scan["Index Cond"], plan
        # A few pages of the index and one of the table for each row, wherever the list goes on.
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < FEW + 20, plan


@pytest.mark.parametrize("order", ["reader", "-pages"])
async def test_what_always_has_a_value_takes_one_statement(books: Any, order: str) -> None:
    query = await after(books, parsed(sort=order, limit=LIMIT), 1000)
    (plan,) = await plans(books, query)
    scan = read_from_an_index(plan)
    assert "ROW(" in scan["Index Cond"], plan
    assert "Filter" not in scan


@pytest.mark.parametrize("order", ["pages,-created_at", "-pages,created_at", "pages,-price", "-reader,status,due"])
async def test_an_order_of_its_own_begins_where_its_first_field_does(books: Any, order: str) -> None:
    """No index has it: of equal values all are read and sorted, but none of the 25,000 rows before them."""
    query = await after(books, parsed(sort=order, limit=LIMIT), ROWS // 2)
    (plan,) = await plans(books, query)
    (scan,) = [node for node in nodes(plan) if node["Node Type"] == "Index Scan"]
    assert order.partition(",")[0].removeprefix("-") in scan["Index Cond"], plan
    assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) < 1000, plan


@pytest.mark.parametrize(
    ("filters", "order"),
    [({"reader": "r-7"}, ""), ({"pages": 77}, "created_at"), ({"due": "2026-03-01"}, "-created_at")],
)
@pytest.mark.parametrize("cursor", [False, True])
async def test_a_filter_on_an_indexed_field(books: Any, filters: dict[str, Any], order: str, cursor: bool) -> None:
    listed = parsed(**filters, limit=LIMIT, **({"sort": order} if order else {}))
    query = await after(books, listed, 30) if cursor else listed
    (plan,) = await plans(books, query)
    scan = read_from_an_index(plan)
    assert next(iter(filters)) in scan["Index Cond"], plan
    assert "created_at" in scan["Index Cond"] or not cursor, plan


async def test_a_list_of_ones_own_rows(books: Any) -> None:
    query = ListQuery(filters={}, sort=parsed().sort, page=1, limit=LIMIT, owner="r-9")
    (plan,) = await plans(books, query)
    assert "reader" in read_from_an_index(plan)["Index Cond"]


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("filters", [{}, {"reader": "r-7"}, {"pages": 77}])
async def test_a_count_reads_an_index_and_stops(books: Any, filters: dict[str, Any], generic: bool) -> None:
    """Also by the plan for any values, which a prepared statement has after a while. A few rows may be fetched too."""
    statement, *arguments = LIST.count(parsed(**filters))
    await books.execute(f"SET plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    await books.execute(f"PREPARE counting AS {statement}")
    given = f"({', '.join(repr(each) for each in arguments)})" if arguments else ""
    explained = await books.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE counting{given}")
    await books.execute("DEALLOCATE counting")
    await books.execute("RESET plan_cache_mode")
    scans = [node for node in nodes(plan_of(explained)) if "Scan" in node["Node Type"]]
    few = [["Bitmap Heap Scan", "Bitmap Index Scan"]] if filters else []
    assert [node["Node Type"] for node in scans] in [["Index Only Scan"], *few], explained
    matching = await books.fetchval(statement.replace("10001", "100000"), *arguments)
    assert scans[0]["Actual Rows"] == min(matching, 10_001)
    assert scans[0].get("Rows Removed by Filter", 0) == 0, explained


async def test_a_deep_page_skips_in_the_server(books: Any) -> None:
    (plan,) = await plans(books, parsed(page=400, limit=LIMIT))
    assert plan["Actual Rows"] == LIMIT + 1
    assert [node["Node Type"] for node in nodes(plan)] == ["Limit", "Index Scan"]
