"""What clients are told of what PostgreSQL refuses: the field that is wrong, and nothing else (R4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase
from chassis.tests.database.library import DAYS, LOAN, SIGNATURE
from groundplan_chassis.database.constraints import Constraints
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.failures import Away, columns_of
from groundplan_chassis.database.names import joined
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.http.errors import ApiError, Conflict, ValidationFailed

LOANS = f"{LOAN}s"
BOOK = "INSERT INTO books (reader, status, pages, isbn) VALUES ($1, $2, $3, $4)"
SECRET = "values-are-personal"


def doing(statement: str, *arguments: object) -> Callable[[Transaction], Awaitable[str]]:
    return lambda transaction: transaction.execute(statement, *arguments)


async def refused(db: Database, statement: str, *arguments: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await db.write(doing(statement, *arguments), shard=0)
    error = caught.value
    assert SECRET not in f"{error.message} {error.details}"
    return error


def fields(error: ApiError) -> list[str]:
    return [detail.field for detail in error.details]


async def test_a_check(db: Database) -> None:
    error = await refused(db, BOOK, "r-1", "lost", 0, None)
    assert isinstance(error, ValidationFailed)
    assert fields(error) == ["pages"]
    assert fields(await refused(db, BOOK, "r-1", SECRET, 1, None)) == ["status"]


async def test_a_check_whose_name_was_shortened(db: Database) -> None:
    assert len(f"{LOANS}_{DAYS}_check") > 63
    assert joined(LOANS, DAYS, "check") != f"{LOANS}_{DAYS}_check"
    error = await refused(db, f"INSERT INTO {LOANS} ({DAYS}) VALUES (0)")  # noqa: S608 - of the tests
    assert isinstance(error, ValidationFailed)
    assert fields(error) == [DAYS]


async def test_a_check_of_a_name_and_of_columns_of_its_own(target: TemporaryDatabase, db: Database) -> None:
    check = "ADD CONSTRAINT books_reader_check CHECK (status <> 'lost' OR price IS NULL)"
    async with target.altered(f"ALTER TABLE books {check}", "ALTER TABLE books DROP CONSTRAINT books_reader_check"):
        error = await refused(db, "INSERT INTO books (reader, status, pages, price) VALUES ('r', 'lost', 1, 2)")
    assert fields(error) == ["status", "price"]


async def test_a_constraint_is_queried_once(db: Database, recorded: StatementRecorder) -> None:
    for _ in range(3):
        await refused(db, BOOK, "r-1", "lost", 0, None)
    assert len([statement for statement in recorded.statements if "pg_constraint" in statement]) == 1


async def test_a_catalogue_that_is_away_leaves_the_name(target: TemporaryDatabase) -> None:
    class Gone:
        async def ask(self, *_: object) -> Any:
            raise Away("primary", "gone")

    connection = await target.connect()
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await connection.execute(BOOK, "r-1", "lost", 0, None)
    await connection.close()
    gone: Any = Gone()
    assert await Constraints().columns(gone, caught.value) == ("pages",)


async def test_a_name_that_was_shortened_is_no_column(target: TemporaryDatabase) -> None:
    connection = await target.connect()
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await connection.execute(f"INSERT INTO {LOANS} ({DAYS}) VALUES (0)")  # noqa: S608 - of the tests
    await connection.close()
    assert columns_of(caught.value) == ()


async def test_what_is_unique(db: Database) -> None:
    await db.write(doing(BOOK, "r-1", "lost", 1, SECRET), shard=0)
    error = await refused(db, BOOK, "r-1", "lost", 1, SECRET)
    assert isinstance(error, Conflict)
    assert fields(error) == ["isbn"]


@pytest.mark.parametrize("value", [f"a ({SECRET})=(b", f"{SECRET}", f")=({SECRET})=("])
async def test_what_is_unique_whatever_its_case_is_told_by_its_name(target: TemporaryDatabase, value: str) -> None:
    """PostgreSQL's detail has the expression and the value, which may look like names of columns."""
    connection = await target.connect()
    await connection.execute(
        'CREATE TEMPORARY TABLE tags (name text); CREATE UNIQUE INDEX tags_name_key ON tags (lower(name COLLATE "C"))'
    )
    await connection.execute("INSERT INTO tags VALUES ($1)", value)
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await connection.execute("INSERT INTO tags VALUES ($1)", value.upper().lower())
    await connection.close()
    assert columns_of(caught.value) == ("name",)


async def test_what_is_unique_under_a_shortened_name(db: Database) -> None:
    assert len(f"{LOANS}_{SIGNATURE}_key") > 63
    insert = f"INSERT INTO {LOANS} ({SIGNATURE}) VALUES ($1)"  # noqa: S608 - of the tests
    await db.write(doing(insert, SECRET), shard=0)
    assert fields(await refused(db, insert, SECRET)) == [SIGNATURE]


async def test_what_is_required(db: Database) -> None:
    error = await refused(db, BOOK, None, "lost", 1, None)
    assert isinstance(error, ValidationFailed)
    assert fields(error) == ["reader"]


async def test_what_refers_to_nothing_and_what_is_referred_to(target: TemporaryDatabase, db: Database) -> None:
    async with target.altered("CREATE TABLE leaves (book_id uuid REFERENCES books (id))", "DROP TABLE leaves"):
        dangling = await refused(db, "INSERT INTO leaves VALUES (gen_random_uuid())")
        await db.write(doing(BOOK, "r-1", "lost", 1, None), shard=0)
        await db.write(doing("INSERT INTO leaves SELECT id FROM books"), shard=0)
        needed = await refused(db, "DELETE FROM books")
    assert isinstance(dangling, ValidationFailed)
    assert fields(dangling) == ["book_id"]
    assert isinstance(needed, Conflict)
    assert needed.details == ()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE books SET reader = $1", "x" * 300),
        ("UPDATE books SET pages = $1", 2**63),
        ("UPDATE books SET price = $1::numeric * 10", 10**18),
        ("UPDATE books SET reader = $1", "nul\0"),
    ],
)
async def test_what_does_not_fit(db: Database, statement: str, value: object) -> None:
    await db.write(doing(BOOK, "r-1", "lost", 1, None), shard=0)
    assert isinstance(await refused(db, statement, value), ValidationFailed)


async def test_an_error_in_a_statement_is_not_shown_to_clients(db: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.write(doing("SELECT FROM no_such_table"), shard=0)
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.fetch("SELECT FROM no_such_table", shard=0)
