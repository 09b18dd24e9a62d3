"""Migrations that following writes, on PostgreSQL: old rows, the release before running, and back again (U7)."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from groundplan.declaration.model import Service
from groundplan.document.data_model import ddl_of
from groundplan.following.schema import Plan, plan_of
from groundplan.following.services import resource_renames, targets
from infra.tests.following.databases import (
    Connection,
    catalogue,
    contents,
    down,
    emptied,
    insert,
    up,
    work,
)
from infra.tests.following.samples import apart, changed, changes, system_of, values

NAME = "catalogue"


def pair(*several: dict[str, Any]) -> tuple[Service, Service, Plan]:
    before, after = system_of(values()).services, system_of(changed(values(), *several)).services
    renames = {**targets(before, after), **resource_renames(before[NAME], after[NAME])}
    return before[NAME], after[NAME], plan_of(NAME, before[NAME], after[NAME], renames)


def migrated(connection: Connection, before: Service, after: Service, plan: Plan) -> None:
    """The whole way of two releases, with everything that must hold on it."""
    emptied(connection)
    connection.execute(ddl_of(NAME, after))
    wanted = catalogue(connection)
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    start = catalogue(connection)
    for number in range(2):
        insert(connection, before, number, newer=after)

    up(connection, plan.first, online=False)
    insert(connection, before, 2, newer=after)
    up(connection, plan.online, online=True)
    # A pod that is stopped in the middle begins anew.
    up(connection, plan.online, online=True)
    insert(connection, before, 4, newer=after)
    work(connection, before, 0, newer=after)

    down(connection, plan.online, online=True)
    down(connection, plan.first, online=False)
    assert catalogue(connection) == start, "what the first release's migrations did is taken back"
    up(connection, plan.first, online=False)
    up(connection, plan.online, online=True)

    # The new release beside the one before.
    insert(connection, after, 6)
    work(connection, before, 0, newer=after)
    kept = remembered(connection, before, after)

    up(connection, plan.last, online=False)
    up(connection, plan.last_online, online=True)
    up(connection, plan.last_online, online=True)
    assert catalogue(connection) == wanted
    assert remembered(connection, before, after) == kept
    insert(connection, after, 8)


def all_up(connection: Connection, plan: Plan) -> None:
    for steps, online in ((plan.first, False), (plan.online, True), (plan.last, False), (plan.last_online, True)):
        up(connection, steps, online=online)


def remembered(connection: Connection, before: Service, after: Service) -> dict[str, Any]:
    """The rows of the fields that stay, by the name that each has in the newer declaration."""
    renames = resource_renames(before, after)
    found = {}
    for name in before.resources:
        newer = renames.get(name, name)
        if newer in after.resources:
            known = before.resources[name].fields
            resource = after.resources[newer]
            columns = [each for each, field in resource.fields.items() if each in known or field.renamed_from in known]
            found[newer] = contents(connection, resource, newer, columns)
    return found


EVERY = 1 if os.environ.get("PROVE") else 4
"""All of them take a minute: `make prove WHAT=following`."""
MIGRATED = [each for each in changes() if each["takes"] != "refused" and not pair(each)[2].empty]


@pytest.mark.parametrize("change", MIGRATED[::EVERY], ids=lambda change: str(change["is"]))
def test_a_single_change(connection: Connection, change: dict[str, Any]) -> None:
    before, after, plan = pair(change)
    migrated(connection, before, after, plan)


def test_ten_changes_at_once(connection: Connection) -> None:
    migrated(connection, *pair(*apart(10)))


def test_queries_apart_with_every_change_of_a_column(connection: Connection) -> None:
    """A4: columns of read models change with the tables'."""
    for change in MIGRATED[:: EVERY * 2]:
        if all(place.startswith("f/") for place in (*change.get("set", ()), *change.get("remove", ()))):
            before, after = (
                {name: service.model_copy(update={"cqrs": True}) for name, service in system_of(each).services.items()}
                for each in (values(), changed(values(), change))
            )
            plan = plan_of(NAME, before[NAME], after[NAME], targets(before, after))
            emptied(connection)
            connection.execute(ddl_of(NAME, after[NAME]))
            wanted = catalogue(connection)
            emptied(connection)
            connection.execute(ddl_of(NAME, before[NAME]))
            all_up(connection, plan)
            assert catalogue(connection) == wanted, change["is"]


STOPS = {
    "a shorter string": ("UPDATE items SET name = repeat('x', 51)", "1 rows of items have a name"),
    "a text with a limit": ("UPDATE items SET remarks = repeat('x', 101)", "1 rows of items are not as"),
    "a higher minimum": ("UPDATE items SET quantity = 0", "1 rows of items are not as"),
    "a lower maximum": ("UPDATE items SET quantity = 501", "1 rows of items are not as"),
    "fewer digits after the point": ("UPDATE items SET price = 0.5", "1 rows of items have a price"),
    "a uuid that becomes a reference in the service": (
        "UPDATE items SET external = gen_random_uuid()",
        "1 rows of items refer to nothing",
    ),
    "one value of an enum less": ("UPDATE items SET status = 'sold'", "1 rows of items are not as"),
    "a field that becomes required": ("UPDATE items SET code = NULL", "1 rows of items have no code"),
    "rows no longer deleted": ("UPDATE items SET deleted_at = now()", "1 rows of items are marked as deleted"),
}


@pytest.mark.parametrize("name", STOPS)
def test_rows_that_do_not_fit_are_counted_and_stop_the_migration(connection: Connection, name: str) -> None:
    before, after, plan = pair(next(each for each in changes() if each["is"] == name))
    spoil, says = STOPS[name]
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    insert(connection, before, 0, newer=after)
    connection.execute(spoil)
    with pytest.raises(psycopg.errors.RaiseException, match=says):
        all_up(connection, plan)


def test_twins_stop_an_index_that_allows_none(connection: Connection) -> None:
    before, after, plan = pair(next(each for each in changes() if each["is"] == "an indexed field that becomes unique"))
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    for number in (0, 2):
        insert(connection, before, number, newer=after)
    connection.execute("UPDATE items SET name = 'same'")
    up(connection, plan.first, online=False)
    with pytest.raises(psycopg.errors.RaiseException, match="1 values of name are in several rows of items"):
        up(connection, plan.online, online=True)
    connection.execute("UPDATE items SET name = id::text")
    up(connection, plan.online, online=True)


def test_a_default_fills_what_was_left_out_before(connection: Connection) -> None:
    name = "a field that becomes required and has a default"
    before, _, plan = pair(next(each for each in changes() if each["is"] == name))
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    insert(connection, before, 1, newer=before)
    up(connection, plan.first, online=False)
    up(connection, plan.online, online=True)
    connection.execute("UPDATE items SET notes = NULL")
    up(connection, plan.last, online=False)
    up(connection, plan.last_online, online=True)
    assert connection.execute("SELECT DISTINCT notes FROM items").fetchall() == [("none",)]


def test_what_became_personal_leaves_histories(connection: Connection) -> None:
    """S8."""
    before, after, plan = pair(next(each for each in changes() if each["is"] == "a field that becomes personal"))
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    insert(connection, before, 0, newer=after)
    up(connection, plan.last_online, online=True)
    found = connection.execute("SELECT payload ? 'remarks', payload ? 'notes' FROM item_events").fetchone()
    assert found == (False, True)


def test_what_was_deleted_before_there_was_a_retention_is_forgotten(connection: Connection) -> None:
    before, after, plan = pair(next(each for each in changes() if each["is"] == "rows that are kept for two years"))
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    for number in range(2):
        insert(connection, before, number, newer=after)
    connection.execute("UPDATE items SET contact = 'a person'")
    connection.execute("UPDATE items SET deleted_at = now() WHERE id = (SELECT min(id::text)::uuid FROM items)")
    all_up(connection, plan)
    found = connection.execute("SELECT deleted_at IS NULL, contact FROM items").fetchall()
    assert sorted(tuple(row) for row in found) == [(False, None), (True, "a person")]


def test_two_names_are_kept_in_step(connection: Connection) -> None:
    before, after, plan = pair(next(each for each in changes() if each["is"] == "a field renamed"))
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    insert(connection, before, 0, newer=after)
    up(connection, plan.first, online=False)
    up(connection, plan.online, online=True)

    def both() -> object:
        return connection.execute("SELECT notes, memo FROM items").fetchone()

    assert both() == ("t0", "t0")
    connection.execute("UPDATE items SET notes = 'older'")
    assert both() == ("older", "older")
    connection.execute("UPDATE items SET memo = 'newer'")
    assert both() == ("newer", "newer")
    connection.execute("UPDATE items SET memo = NULL")
    assert both() == (None, None)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 5000, "required": True, "renamed_from": "quantity"}, "4000"),
        ({"type": "integer", "minimum": 0, "maximum": 1000, "renamed_from": "quantity"}, "NULL"),
        ({"type": "text", "renamed_from": "code"}, "repeat('x', 100)"),
        ({"type": "string", "max_length": 80, "unique": True, "renamed_from": "code"}, "repeat('x', 80)"),
        (
            {"type": "enum", "values": ["draft", "listed", "sold", "lost"], "required": True, "renamed_from": "status"},
            "'lost'",
        ),
        ({"type": "uuid", "renamed_from": "supplier_id"}, "gen_random_uuid()"),
    ],
)
def test_a_renamed_field_that_takes_more_takes_it_from_the_first_release_on(
    connection: Connection, field: dict[str, Any], values: str
) -> None:
    """The value reaches the old name's column too, whose bounds were narrower."""
    older = field["renamed_from"]
    change = {"move": {f"f/{older}": "newer_name"}, "set": {"f/newer_name": field}}
    before, after, plan = pair(change)
    migrated(connection, before, after, plan)
    emptied(connection)
    connection.execute(ddl_of(NAME, before))
    insert(connection, before, 0, newer=after)
    up(connection, plan.first, online=False)
    up(connection, plan.online, online=True)
    connection.execute(f"UPDATE items SET newer_name = {values}")  # noqa: S608  # the test's own words
    insert(connection, before, 2, newer=after)
