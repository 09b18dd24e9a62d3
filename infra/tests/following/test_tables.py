"""Tables as they are read from revisions' SQL, and what an older project's lack of a newer version's."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.document.data_model import ddl_of
from groundplan.following.following import follow_tables
from groundplan.following.schema import plan_of
from groundplan.following.services import resource_renames, targets
from groundplan.following.stamps import STAMP, stamp_text
from groundplan.migrations.behind import behind_of
from groundplan.migrations.statements import statements_of
from groundplan.migrations.tables import Made, made
from groundplan.problems import ProblemsFound
from infra.tests.following.databases import Connection, catalogue, down, emptied, insert, up
from infra.tests.following.samples import changed, changes, system_of, values

NAME = "catalogue"
SERVICE = system_of(values()).services[NAME]
DDL = ddl_of(NAME, SERVICE)


def after(*texts: str) -> Made:
    return made(statements_of([(f"{text};", 0) for text in texts]))


@pytest.mark.parametrize("cqrs", [False, True], ids=["", "queries apart"])
def test_every_generated_migration_is_read(cqrs: bool) -> None:
    """After both releases the revisions are read as the tables of the newer declaration."""
    declared = changed(values(), {"set": {"catalogue/cqrs": cqrs}})
    before = system_of(declared).services
    for change in changes():
        newer = system_of(changed(declared, change)).services
        if change["takes"] == "refused":
            continue
        renames = {**targets(before, newer), **resource_renames(before[NAME], newer[NAME])}
        plan = plan_of(NAME, before[NAME], newer[NAME], renames)
        steps = [*plan.first, *plan.online, *plan.last, *plan.last_online]
        found = after(ddl_of(NAME, before[NAME]), *(statement for step in steps for statement in step.up))
        wanted = after(ddl_of(NAME, newer[NAME]))
        assert not found.unclear, change["is"]
        for table, known in wanted.tables.items():
            there = found.tables[table]
            for part in ("columns", "constraints", "indexes"):
                assert getattr(there, part) == getattr(known, part), (change["is"], table, part)
        assert set(found.tables) == set(wanted.tables), change["is"]
        assert behind_of(NAME, newer[NAME], found).what == ()


def test_what_alembics_own_operations_send_is_read() -> None:
    found = after(
        "CREATE TABLE public.notes (\n    id UUID NOT NULL, \n    body VARCHAR(20) DEFAULT 'a, b' NOT NULL, \n"
        "    at TIMESTAMP WITH TIME ZONE, \n    PRIMARY KEY (id)\n)",
        "ALTER TABLE notes ADD COLUMN price NUMERIC(19,2)",
        "ALTER TABLE notes ALTER COLUMN price SET NOT NULL, ALTER COLUMN at TYPE timestamptz USING at::timestamptz",
        "CREATE INDEX ix_notes_body ON notes USING btree (body)",
        "DROP INDEX IF EXISTS public.ix_other",
    )
    ddl = (
        "CREATE TABLE notes (id uuid PRIMARY KEY, body varchar(20) NOT NULL DEFAULT 'a, b', at timestamptz, "
        "price numeric(19, 2) NOT NULL)",
        "CREATE INDEX ix_notes_body ON notes (body)",
    )
    table, wanted = found.tables["notes"], after(*ddl).tables["notes"]
    assert (table.columns, table.indexes) == (wanted.columns, wanted.indexes)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE inbox ATTACH PARTITION inbox_2026 DEFAULT",
        "ALTER TABLE inbox ADD EXCLUDE USING gist (topic WITH =)",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE inbox ADD COLUMN tries integer'; END $$",
        "CREATE TABLE inbox_old PARTITION OF inbox DEFAULT",
        "DROP TABLE inbox; CREATE TABLE inbox (event_id uuid, at timestamptz) PARTITION BY RANGE (at)",
    ],
)
def test_nothing_is_said_of_a_table_that_is_treated_otherwise(statement: str) -> None:
    found = after(DDL, statement)
    assert "inbox" in found.unclear
    assert not [each for each in behind_of(NAME, SERVICE, found).what if "inbox" in each]


OLDER = (
    "DROP INDEX inbox_handled_at_idx",
    "DROP TABLE idempotency_keys",
    "ALTER TABLE outbox DROP COLUMN sent_at",
    "ALTER TABLE outbox ADD COLUMN tries integer NOT NULL DEFAULT 0",
    "ALTER TABLE item_events ALTER COLUMN actor DROP NOT NULL",
    "DROP INDEX items_created_at_idx",
    "CREATE INDEX items_created_at_idx ON items (created_at DESC)",
    "CREATE INDEX items_due_on_idx ON items (due_on)",
    "CREATE INDEX items_of_ours ON items (seen_at)",
    "ALTER TABLE items ADD COLUMN ours text",
    "CREATE TABLE ours (id uuid PRIMARY KEY)",
)
"""What a template of before had otherwise, and what is the owner's."""


def test_what_a_newer_version_makes_otherwise_is_told() -> None:
    found = behind_of(NAME, SERVICE, after(DDL, *OLDER))
    assert set(found.what) == {
        "index inbox_handled_at_idx",
        "table idempotency_keys",
        "column outbox.sent_at",
        "column outbox.tries, no longer",
        "index outbox_unsent_idx",
        "index outbox_unsent_aggregate_idx",
        "column item_events.actor, otherwise",
        "index items_created_at_idx, otherwise",
        "index items_due_on_idx, no longer",
    }


def test_a_required_column_that_rows_have_no_value_for_is_refused(tmp_path: Path) -> None:
    """A newer template's sample may have such a field."""
    lacks = [f"ALTER TABLE items DROP COLUMN {each}" for each in ("name", "notes")]
    found = behind_of(NAME, SERVICE, after(DDL, *lacks))
    assert found.unfilled == ("items.name",)
    code = tmp_path / "services/catalogue/catalogue_service/__main__.py"
    code.parent.mkdir(parents=True)
    code.touch()
    (tmp_path / "services/catalogue" / STAMP).write_text(stamp_text(SERVICE))
    with pytest.raises(ProblemsFound, match=r"(?s)items\.name.*fills it"):
        follow_tables(tmp_path, {}, {NAME: SERVICE}, {}, lambda _: {NAME: found})
    assert not list(tmp_path.rglob("0*.py")), "nothing is written"


def test_its_migrations_make_it_with_rows_and_the_release_before_running(connection: Connection) -> None:
    emptied(connection)
    connection.execute(DDL)
    for statement in OLDER[-3:]:
        connection.execute(statement)
    wanted = catalogue(connection)
    emptied(connection)
    connection.execute(DDL)
    for statement in OLDER:
        connection.execute(statement)
    start = catalogue(connection)
    insert(connection, SERVICE, 0)
    plan = behind_of(NAME, SERVICE, after(DDL, *OLDER)).plan
    up(connection, plan.first, online=False)
    connection.execute(
        "INSERT INTO outbox (event_id, topic, aggregate_id, payload, tries) "
        "VALUES (gen_random_uuid(), 't', gen_random_uuid(), '{}', 1)"
    )
    up(connection, plan.online, online=True)
    up(connection, plan.online, online=True)
    insert(connection, SERVICE, 1)
    down(connection, plan.online, online=True)
    down(connection, plan.first, online=False)
    assert catalogue(connection) == start
    up(connection, plan.first, online=False)
    up(connection, plan.online, online=True)
    up(connection, plan.last, online=False)
    up(connection, plan.last_online, online=True)
    assert catalogue(connection) == wanted
    insert(connection, SERVICE, 2)
