"""Rows of releases, and what a database holds: for tests of migrations on a real server."""

# Statements are made of names that the tests' own declaration gives.
# ruff: noqa: S608

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg

from groundplan.declaration.model import FieldType, Resource, ResourceField, Service
from groundplan.document.names import joined, quoted
from groundplan.following.schema import Step
from groundplan_devkit.servers import Postgres
from groundplan_devkit.testing import FreshDatabase, label

Connection = psycopg.Connection[Any]

CATALOGUE = {
    "column": """
        SELECT c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
            AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraint": """
        SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "index": "SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "valid": """
        SELECT c.relname, i.indisvalid::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace
    """,
    "function": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "trigger": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}


@contextmanager
def fresh(server: Postgres) -> Iterator[Connection]:
    """A connection to a database of its own, which its user owns, and which is dropped afterwards."""
    name = label()
    server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    server.execute(f"GRANT {name} TO CURRENT_USER")
    server.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        dsn = FreshDatabase(name, name, name, server).dsn
        options = "-c synchronous_commit=off"
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None, options=options) as made:
            yield made
    finally:
        server.drop(name, name)


def catalogue(connection: Connection) -> dict[str, dict[str, str]]:
    """Everything of a schema that two of them could differ in, but for the order of columns."""
    return {kind: dict(connection.execute(query).fetchall()) for kind, query in CATALOGUE.items()}


def emptied(connection: Connection) -> None:
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")


def up(connection: Connection, steps: Sequence[Step], *, online: bool) -> None:
    _run(connection, [statement for step in steps for statement in step.up], online=online)


def down(connection: Connection, steps: Sequence[Step], *, online: bool) -> None:
    _run(connection, [statement for step in reversed(steps) for statement in step.down], online=online)


def _run(connection: Connection, statements: Sequence[str], *, online: bool) -> None:
    if online:
        for statement in statements:
            connection.execute(statement)
        return
    with connection.transaction():
        for statement in statements:
            connection.execute(statement)


def rows(service: Service, number: int, *, newer: Service | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A row of each resource, by resource and table: one that fits ``newer`` as well, where that has the field."""
    made = {name: uuid.uuid5(uuid.NAMESPACE_URL, f"{name}-{number}") for name in service.resources}
    for name, resource in service.resources.items():
        other = _heir(name, newer.resources) if newer else None
        row: dict[str, Any] = {"id": made[name]}
        for field_name, field in resource.fields.items():
            heir = _heir(field_name, other.fields) if other is not None else None
            row[field_name] = value(field, number, made, heir or field, required=field.required)
        yield name, resource.table(name), row


def _heir(name: str, known: Mapping[str, Any]) -> Any:  # a resource or a field
    return known.get(name) or next((each for each in known.values() if each.renamed_from == name), None)


def value(
    field: ResourceField, number: int, made: Mapping[str, uuid.UUID], heir: ResourceField, *, required: bool
) -> object:
    """One that both take; none for what may be absent in every second row of those where it may be absent."""
    if not (required or heir.required) and number % 2:
        return None
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            if heir.values:
                return heir.values[number % len(heir.values)]
            return f"t{number}"
        case FieldType.INTEGER:
            return int(max(field.minimum or 0, heir.minimum or 0)) + number
        case FieldType.DECIMAL:
            return Decimal(int(max(field.minimum or 0, heir.minimum or 0)) + number)
        case FieldType.BOOLEAN:
            return number % 2 == 0
        case FieldType.DATE:
            return datetime.date(2026, 1, 1) + datetime.timedelta(days=number)
        case FieldType.TIMESTAMP:
            return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=number)
        case FieldType.ENUM:
            known = [each for each in field.values or [] if not heir.values or each in heir.values]
            return known[number % len(known)]
        case FieldType.JSON:
            return json.dumps({"number": number})
        case FieldType.REFERENCE | FieldType.UUID:
            target = heir.to if heir.type is FieldType.REFERENCE else field.to
            if target and "." not in target:
                return made.get(field.to or target) or made.get(target)
            return uuid.uuid5(uuid.NAMESPACE_URL, f"elsewhere-{number}")
    raise AssertionError(field.type)


def insert(connection: Connection, service: Service, number: int, *, newer: Service | None = None) -> None:
    """What a release writes for new rows: each column by its name, and a row of history."""
    for name, table, row in rows(service, number, newer=newer):
        columns = ", ".join(map(quoted, row))
        places = ", ".join(["%s"] * len(row))
        found = connection.execute(
            f"INSERT INTO {quoted(table)} ({columns}) VALUES ({places}) RETURNING *",
            list(row.values()),
        )
        assert found.rowcount == 1
        payload = json.dumps({key: str(each) for key, each in row.items() if key != "id"})
        connection.execute(
            f"INSERT INTO {joined(name, 'events')} (aggregate_id, event_type, version, actor, correlation_id, payload)"
            f" VALUES (%s, '{name}.created', 1, 'a', 'c', %s)",
            [row["id"], payload],
        )


def work(connection: Connection, service: Service, number: int, *, newer: Service | None = None) -> None:
    """What a release does with a row that is there: reads it by its own columns, locks it, writes all of it."""
    for _, table, row in rows(service, number, newer=newer):
        values = {key: each for key, each in row.items() if key != "id"}
        columns = ", ".join(map(quoted, values))
        read = connection.execute(f"SELECT {columns} FROM {quoted(table)} WHERE id = %s FOR UPDATE", [row["id"]])
        assert read.fetchone() is not None
        changes = ", ".join(f"{quoted(key)} = %s" for key in values)
        written = connection.execute(
            f"UPDATE {quoted(table)} SET {changes}, version = version + 1 WHERE id = %s RETURNING *",
            [*values.values(), row["id"]],
        )
        assert written.rowcount == 1


def contents(connection: Connection, resource: Resource, name: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    shown = ", ".join(["id", *map(quoted, columns)])
    return connection.execute(f"SELECT {shown} FROM {quoted(resource.table(name))} ORDER BY id").fetchall()
