"""Migrations as the administrator runs them: repeatable, also backwards, and clear about what they can't do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.tests.database.migrating import Place, empty_place
from chassis.tests.environments import of_migration
from groundplan_chassis import assembly
from groundplan_chassis.database import limits, migrations
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.problems import Problem, ProblemsFound
from groundplan_chassis.process import REFUSED, run
from groundplan_chassis.service import Service
from groundplan_chassis.settings import Settings
from groundplan_devkit.servers import Postgres

FIRST = '''
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    op.execute("""
        CREATE TABLE notes (id uuid PRIMARY KEY, text text NOT NULL CONSTRAINT notes_text_check CHECK (text <> ''));
        CREATE INDEX notes_text_idx ON notes (text);
        CREATE TABLE note_events (
            event_id uuid PRIMARY KEY,
            aggregate_id uuid NOT NULL REFERENCES notes (id),
            event_type text NOT NULL,
            payload jsonb NOT NULL,
            occurred_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade():
    op.execute("DROP TABLE note_events, notes")
'''
SECOND = """
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
    op.execute("ALTER TABLE notes ADD COLUMN pinned boolean NOT NULL DEFAULT false")


def downgrade():
    op.execute("ALTER TABLE notes DROP COLUMN pinned")
"""
OWN_ENVIRONMENT = """
from pathlib import Path

from alembic import context

from groundplan_chassis.database.migrations import run

run()
Path(__file__).with_name("seen").write_text(context.script.get_current_head())
"""
BROKEN = SECOND.replace("0002", "0003").replace("0001", "0002").replace("ADD COLUMN pinned", "ADD COLUMN text")


@pytest.fixture
async def place(two_shards: Postgres, tmp_path: Path) -> AsyncIterator[Place]:
    async with empty_place(two_shards, tmp_path) as made:
        made.add(1, FIRST)
        made.add(2, SECOND)
        yield made


async def test_every_shard_gets_the_same_schema_and_a_second_run_changes_nothing(place: Place) -> None:
    place = replace(place, shards=2)
    await place.up()
    first = [await place.schema(shard) for shard in range(place.shards)]
    assert (len(first), first[0]) == (2, first[-1])
    assert any("notes.pinned boolean NO" in line for line in first[0])
    await place.up()
    assert [await place.schema(shard) for shard in range(place.shards)] == first


@pytest.mark.parametrize("name", ["my notes", "a,b;c:d", "100 %(here)s", "notizen-ü"])
async def test_a_folder_may_have_any_name(name: str, two_shards: Postgres, tmp_path: Path) -> None:
    async with empty_place(two_shards, tmp_path / name) as place:
        place.add(1, FIRST)
        await place.up()
        assert any(line.startswith("notes.") for line in await place.schema())


async def test_a_service_may_configure_alembic_itself(place: Place) -> None:
    (place.folder / "env.py").write_text(OWN_ENVIRONMENT)
    await place.up()
    assert (place.folder / "seen").read_text() == "0002"


async def test_down_and_up_again(place: Place) -> None:
    await place.up()
    whole = await place.schema()
    await place.down("-1")
    assert not [line for line in await place.schema() if "pinned" in line]
    await place.down("base")
    assert not [line for line in await place.schema() if line.startswith("notes")]
    await place.down("base")
    await place.up("0001")
    await place.up()
    assert await place.schema() == whole


async def test_two_at_once_do_it_once(place: Place) -> None:
    await asyncio.gather(place.up(), place.up())
    database = await place.opened()
    assert await database.fetch("SELECT text FROM notes", shard=0) == []
    await database.close()


async def test_the_services_user_may_what_it_needs_and_no_more(place: Place) -> None:
    await place.up()
    database = await place.opened()
    try:
        add = "INSERT INTO notes (id, text) VALUES ('00000000-0000-4000-8000-000000000001', 'a')"
        output = (
            "INSERT INTO note_events (event_id, aggregate_id, event_type, payload) "
            "SELECT gen_random_uuid(), id, 'note.added', '{}' FROM notes"
        )
        for statement in (add, output):
            await database.write(doing(statement), shard=0)
        for statement in ("UPDATE note_events SET payload = '{}'", "DELETE FROM note_events", "DROP TABLE notes"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.write(doing(statement), shard=0)
        shown = await database.fetchval("SELECT current_setting('statement_timeout')", shard=0)
        assert shown == f"{limits.STATEMENT_SECONDS:.0f}s"
    finally:
        await database.close()


def doing(statement: str) -> Callable[[Transaction], Awaitable[str]]:
    return lambda transaction: transaction.execute(statement)


async def test_a_migration_that_fails_is_reported_and_undone_alone(place: Place) -> None:
    await place.up()
    before = await place.schema()
    place.add(3, BROKEN)
    with pytest.raises(ProblemsFound) as caught:
        await place.up()
    (problem,) = caught.value.problems
    assert problem.where.startswith("shard 0 at 127.0.0.1")
    assert "already exists (42701)" in problem.value
    assert await place.schema() == before


async def test_a_rotated_password_is_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret was read just before a rotation changed it, and the user's password with it."""
    monkeypatch.setattr(migrations, "ROTATION_SECONDS", 0)
    await place.up()
    set_password(place, "second")
    place.secrets.later["service"] = {"username": place.name, "password": "second"}
    await place.up()


async def test_a_password_that_no_rotation_is_about_to_set_is_reset(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "ROTATION_SECONDS", 0)
    await place.up()
    set_password(place, "another")
    await place.up()
    database = await place.opened()
    assert await database.fetchval("SELECT 1", shard=0) == 1
    await database.close()


async def test_a_password_that_stays_refused_is_reported(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret changes while it is looked at, and never fits: a rotation that goes wrong."""
    monkeypatch.setattr(migrations, "ROTATION_SECONDS", 0)
    await place.up()
    set_password(place, "another")
    place.secrets.later["service"] = {"username": place.name, "password": "third"}
    with pytest.raises(ProblemsFound) as caught:
        await place.up()
    text = str(caught.value)
    assert f"no login for {place.name}" in text
    assert "rotation" in text
    assert not {"first", "another", "third"} & set(text.replace(",", " ").split())


def set_password(place: Place, password: str) -> None:
    for shard in range(place.shards):
        place.postgres.execute(f"ALTER ROLE {place.name} PASSWORD '{password}'", shard=shard)


def test_what_a_migration_finds_ends_its_process_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def refused(service: Service, settings: Settings) -> None:
        del service, settings
        raise ProblemsFound("migration", [Problem("shard 0", "no login for notes", "one", "see to it")])

    monkeypatch.setattr(assembly, "migrate", refused)
    service = Service(name="order", package="order_service", title="Orders")
    assert run(service, ["migrate"], of_migration()) == REFUSED
    output = capfd.readouterr()
    assert "no login for notes" in output.out + output.err
    assert "Traceback" not in output.out + output.err


ONLINE = """
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS notes_pinned_idx ON notes (pinned)")


def downgrade():
    op.execute("DROP INDEX notes_pinned_idx")
"""
INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_pinned_idx'::regclass"


@contextlib.asynccontextmanager
async def in_use(place: Place) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A transaction that has written to the table, until the block ends."""
    connection = await asyncpg.connect(place.postgres.dsn(place.name))
    try:
        await connection.execute(f"SET ROLE {place.name}_owner")
        async with connection.transaction():
            await connection.execute("INSERT INTO notes (id, text) VALUES (gen_random_uuid(), 'in work')")
            yield connection
    finally:
        await connection.close()


async def owners(place: Place, *statements: str) -> Any:  # what the last one answers
    connection = await asyncpg.connect(place.postgres.dsn(place.name))
    try:
        await connection.execute(f"SET ROLE {place.name}_owner")
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def test_an_index_that_was_never_finished_is_built_again(place: Place) -> None:
    """As a pod leaves it that is stopped in the middle; IF NOT EXISTS would take it for the one that is wanted."""
    await place.up()
    unfinished = "CREATE UNIQUE INDEX CONCURRENTLY notes_pinned_idx ON notes (pinned)"
    with pytest.raises(asyncpg.UniqueViolationError):
        await owners(
            place,
            "INSERT INTO notes (id, text) SELECT gen_random_uuid(), 'same' FROM generate_series(1, 2)",
            unfinished,
        )
    assert await owners(place, INDEX) is False
    place.add(3, ONLINE)
    await place.up()
    assert await owners(place, INDEX) is True
    assert await owners(place, INDEX.replace("indisvalid", "indisunique")) is False


async def test_a_concurrent_build_waits_for_transactions_that_were_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than for a lock, as no request queues behind it; it begins once."""
    monkeypatch.setattr(migrations, "LOCK_TRIES", 1)
    await place.up()
    place.add(3, ONLINE)
    async with in_use(place):
        building = asyncio.create_task(place.up())
        await asyncio.sleep(migrations.LOCK_MS / 1000 + 1)
        assert not building.done()
    await building
    assert await owners(place, INDEX) is True


async def test_requests_behind_a_migration_wait_shorter_than_they_may(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that is not to be had soon is given up, and tried again."""
    monkeypatch.setattr(migrations, "LOCK_PAUSE_SECONDS", 0.3)
    await place.up("0001")
    database = await place.opened()
    add = "INSERT INTO notes (id, text) VALUES (gen_random_uuid(), 'beside')"
    async with in_use(place):
        altering = asyncio.create_task(place.up())
        ends = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < ends:
            await database.write(doing(add), shard=0)
        assert not altering.done()
    await altering
    await database.close()
    assert any("pinned" in line for line in await place.schema())
