"""Migrations of a large table while requests go on, by the release before: none of them fails (h19).

`make prove WHAT=migrations`: a million rows. The proof that the test would notice: the same change the locking way.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis.tests.database.migrating import Place, empty_place
from groundplan.document.data_model import ddl_of
from groundplan.following.revisions import VERSIONS, WAITING, head, released, written
from groundplan.following.schema import plan_of
from groundplan.following.services import resource_renames, targets
from groundplan.migrations import judged
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.transaction import Transaction
from groundplan_devkit.servers import Postgres
from infra.tests.following.samples import changed, changes, system_of, values

ROWS = int(os.environ.get("MIGRATION_ROWS", "20000"))
MANY = 200_000
"""So many that an index takes longer than requests wait for a lock."""
CLIENTS = 6
MORE = {"colour": "blue", "notes": "a note"}
"""What the new release writes besides."""
NAME = "catalogue"
CHANGES = (
    "a field that gets an index",
    "a required indexed field renamed",
    "an optional unique field more",
    "a required field with a default more",
    "a field that becomes required and has a default",
    "a text with a limit",
    "a higher maximum",
)
FILL = """
    INSERT INTO items (holder_id, name, code, remarks, quantity, price, active, due_on, status, contact)
    SELECT 'h-' || n % 1000, 'item ' || n % 5000, md5(n::text), 'a remark', n % 1000, n % 700, n % 2 = 0,
        date '2026-01-01' + n % 300, 'listed', 'a person'
    FROM generate_series(1, $1::int) AS n
"""
INDEXES = """
    SELECT indexdef || ';' || indexrelid::regclass
    FROM pg_indexes JOIN pg_index ON indexrelid = format('public.%I', indexname)::regclass
    WHERE tablename = 'items' AND NOT indisprimary
"""
LIVING = "deleted_at IS NULL ORDER BY created_at, id"
LOCKING = {
    "an index": "CREATE INDEX items_late_idx ON items (md5(repeat(id::text, 800)))",
    "a type": "ALTER TABLE items ALTER COLUMN updated_at TYPE timestamptz(3)",
    "a look at rows under a lock": "ALTER TABLE items ADD COLUMN late text; SELECT pg_sleep(4)",
}


@dataclass
class Load:
    """What clients got while it ran."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    longest: float = 0.0

    def told(self, what: str, seconds: float) -> None:
        print(
            f"{what}: {seconds:.1f} s; {self.done:,} requests, {len(self.failed)} failed, "
            f"the slowest took {self.longest:.2f} s"
        )


Request = Callable[[Database, "Rows"], Awaitable[object]]


@dataclass(frozen=True)
class Rows:
    """Some of those that are there, and the names by which a release knows the columns."""

    known: list[UUID]
    title: str
    more: dict[str, Any] = field(default_factory=dict)

    def one(self) -> UUID:
        return random.choice(self.known)  # noqa: S311 - load, no secret


async def read(database: Database, rows: Rows) -> object:
    statement = f"SELECT id, {rows.title}, quantity FROM items WHERE id = $1"  # noqa: S608 - a column's name
    return await database.fetchrow(statement, rows.one(), shard=0)


async def listed(database: Database, rows: Rows) -> object:
    statement = f"SELECT id, {rows.title} FROM items WHERE {rows.title} = $1 AND {LIVING} LIMIT 20"  # noqa: S608
    return await database.fetch(statement, f"item {random.randrange(5000)}", shard=0)  # noqa: S311


async def added(database: Database, rows: Rows) -> object:
    row = {
        rows.title: f"item {random.randrange(5000)}",  # noqa: S311
        "holder_id": "h-1",
        "quantity": 1,
        "price": 5,
        "active": True,
        "status": "listed",
        **rows.more,
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    statement = f"INSERT INTO items ({', '.join(row)}) VALUES ({places})"  # noqa: S608
    return await database.write(lambda transaction: transaction.execute(statement, *row.values()), shard=0)


async def updated(database: Database, rows: Rows) -> object:
    identifier = rows.one()
    change = f"UPDATE items SET {rows.title} = {rows.title} || '', version = version + 1 WHERE id = $1"  # noqa: S608

    async def work(transaction: Transaction) -> None:
        await transaction.fetchrow("SELECT id FROM items WHERE id = $1 FOR UPDATE", identifier)
        await transaction.execute(change, identifier)

    return await database.write(work, shard=0)


REQUESTS: tuple[Request, ...] = (read, listed, added, updated)


@asynccontextmanager
async def requested(place: Place, rows: Rows) -> AsyncIterator[Load]:
    """Requests of some clients, one after the other each, as long as the block runs."""
    load, over = Load(), asyncio.Event()
    database = await place.opened()

    async def client(number: int) -> None:
        while not over.is_set():
            begun = time.monotonic()
            try:
                await REQUESTS[(load.done + number) % len(REQUESTS)](database, rows)
            except Exception as error:
                load.failed.append(f"{type(error).__name__}: {error}")
            load.done += 1
            load.longest = max(load.longest, time.monotonic() - begun)
            await asyncio.sleep(0.005)

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    try:
        yield load
    finally:
        over.set()
        await asyncio.gather(*clients)
        await database.close()


@pytest.fixture(scope="module")
async def place(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A service with as many rows as are asked for; one for all tests, as they take long to write."""
    project = tmp_path_factory.mktemp("project")
    folder = project / "services" / NAME / "migrations"
    (project / "services" / NAME / f"{NAME}_service").mkdir(parents=True)
    (project / "services" / NAME / f"{NAME}_service" / "__main__.py").touch()
    async with empty_place(postgres_server, folder) as empty:
        made = replace(empty, connections=CLIENTS)
        before = system_of(values()).services[NAME]
        (folder / "versions" / "0001_initial.py").write_text(
            f'from alembic import op\nrevision = "0001"\ndown_revision = None\nDDL = """{ddl_of(NAME, before)}"""\n\n\n'
            "def upgrade() -> None:\n    op.get_bind().exec_driver_sql(DDL)\n"
        )
        await made.up()
        indexes = [each.split(";") for each in await owning(made, INDEXES)]
        for _, index in indexes:
            await owning(made, f"DROP INDEX {index}")
        await owning(made, FILL, ROWS)
        for definition, _ in indexes:
            await owning(made, definition)
        await owning(made, "ANALYZE items")
        yield made


async def owning(place: Place, statement: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(place.postgres.dsn(place.name))
    try:
        await connection.execute(f"SET ROLE {place.name}_owner; SET statement_timeout = 0")
        return [row[0] for row in await connection.fetch(statement, *arguments)]
    finally:
        await connection.close()


async def known(place: Place) -> list[UUID]:
    return await owning(place, "SELECT id FROM items LIMIT 5000")


async def test_no_request_fails_while_generated_migrations_run(place: Place) -> None:
    """Both releases' migrations, each beside the code that runs then."""
    service = place.folder.parent
    project = service.parents[1]
    chosen = [next(each for each in changes() if each["is"] == name) for name in CHANGES]
    before, after = system_of(values()).services, system_of(changed(values(), *chosen)).services
    renames = {**targets(before, after), **resource_renames(before[NAME], after[NAME])}
    files = written(service, plan_of(NAME, before[NAME], after[NAME], renames), "several", "several changes")
    for path, text in files.items():
        (service / path).parent.mkdir(exist_ok=True)
        (service / path).write_text(text)
    assert judged(project) == []
    releases = {
        "the first release's migrations, beside the release before": Rows(await known(place), "name"),
        "the second release's, beside the new one": Rows(await known(place), "title", MORE),
    }
    for what, rows in releases.items():
        begun = time.monotonic()
        async with requested(place, rows) as load:
            await place.up()
        load.told(what, time.monotonic() - begun)
        assert load.failed == []
        assert load.done > CLIENTS
        later, gone = released(service)
        for path, text in later.items():
            (service / path).write_text(text)
        for path in gone:
            path.unlink()
    assert not list((service / WAITING).glob("*.py"))
    invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert await owning(place, invalid) == []


async def test_the_locking_way_fails_requests_and_is_refused(place: Place) -> None:
    """With few rows an index is built at once: then only what takes its time with any number of rows."""
    service = place.folder.parent
    renamed = await owning(place, "SELECT attname FROM pg_attribute WHERE attrelid = 'items'::regclass")
    rows = Rows(await known(place), "title", MORE) if "title" in renamed else Rows(await known(place), "name")
    for number, name in enumerate(list(LOCKING) if ROWS >= MANY else list(LOCKING)[-1:], 1000):
        (place.folder / VERSIONS.name / f"{number}_late.py").write_text(
            f'from alembic import op\n\nrevision = "{number}"\ndown_revision = "{head(service)}"\n\n\n'
            f'def upgrade() -> None:\n    op.execute("{LOCKING[name]}")\n'
        )
        assert f"{number}_late.py" in " ".join(problem.where for problem in judged(service.parents[1]))
        begun = time.monotonic()
        async with requested(place, rows) as load:
            await place.up()
        load.told(f"the locking way, {name}", time.monotonic() - begun)
        assert load.failed, f"{name}: or this test notices nothing"
