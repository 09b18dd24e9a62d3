"""Rows that PostgreSQL makes are those that clients expect to be there, for every type and option of a field."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from groundplan.declaration.model import FieldType, Resource
from groundplan_chassis.identifiers import shard_of
from groundplan_devkit.bench.rows import columns, rows
from groundplan_devkit.bench.seeding import seed
from groundplan_devkit.testing import FreshDatabase

FIELDS: dict[str, Any] = {
    "whose": {"type": "string", "max_length": 64, "required": True},
    "name": {"type": "string", "max_length": 8, "required": True, "unique": True},
    "kind": {"type": "enum", "values": ["one", "two", "three"]},
    "note": {"type": "text", "max_length": 6},
    "count": {"type": "integer", "minimum": -3, "maximum": 3},
    "number": {"type": "integer", "unique": True},
    "price": {"type": "decimal", "scale": 2, "minimum": 1, "maximum": 9},
    "good": {"type": "boolean"},
    "day": {"type": "date"},
    "at": {"type": "timestamp"},
    "key": {"type": "uuid"},
    "elsewhere": {"type": "reference", "to": "other.thing"},
    "within": {"type": "reference", "to": "thing"},
    "extra": {"type": "json"},
}
THING = Resource.model_validate(
    {"description": "A thing", "owner": "whose", "fields": FIELDS, "operations": {"get": ["admin"]}}
)
TABLES = """
    CREATE TABLE things (
        id uuid PRIMARY KEY, whose text, name text UNIQUE, kind text, note text, count bigint, number bigint UNIQUE,
        price numeric(12, 2), good boolean, day date, at timestamptz, key uuid, elsewhere uuid, within uuid,
        extra jsonb, version integer NOT NULL DEFAULT 1, created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    );
    CREATE TABLE thing_events (
        event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregate_id uuid NOT NULL REFERENCES things (id),
        event_type text NOT NULL, version integer NOT NULL, actor text NOT NULL, correlation_id text NOT NULL,
        payload jsonb NOT NULL, occurred_at timestamptz NOT NULL
    );
    CREATE TABLE outbox (
        event_id uuid PRIMARY KEY, position bigint GENERATED ALWAYS AS IDENTITY UNIQUE, topic text NOT NULL,
        aggregate_id uuid NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL, sent_at timestamptz
    );
"""
COUNT = 2500
"""More than anything repeats after, but for days."""
GENERATED = {FieldType.UUID, FieldType.REFERENCE}


async def test_postgresql_makes_the_rows_that_python_makes(database: FreshDatabase) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute(TABLES)
        said: list[str] = []
        ids = await seed(connection, "thing", THING, COUNT, said.append)
        found = await connection.fetch("SELECT * FROM things ORDER BY number")
        history = await connection.fetch("SELECT aggregate_id FROM thing_events WHERE version = 1")
        sent = await connection.fetch("SELECT aggregate_id FROM outbox WHERE sent_at IS NOT NULL")
    finally:
        await connection.close()
    compared = [name for name, field in THING.fields.items() if field.type not in GENERATED]
    for row, made in zip(found, islice(rows(THING), COUNT), strict=True):
        there = {name: json.loads(row[name]) if name == "extra" else row[name] for name in compared}
        wanted = {
            name: json.loads(str(made.values[name])) if name == "extra" else made.values[name] for name in compared
        }
        assert there == wanted
        assert row["within"] is None
        assert isinstance(row["elsewhere"], UUID)
    assert ids == [row["id"] for row in sorted(found, key=lambda row: row["created_at"])]
    assert {shard_of(each) for each in ids} == {0}
    assert {each.version for each in ids} == {7}
    assert sorted(row["aggregate_id"] for row in history) == sorted(ids) == sorted(row["aggregate_id"] for row in sent)
    assert any(f"{COUNT:,} of {COUNT:,} rows" in line for line in said)


def test_rows_that_need_others_of_their_service_are_refused() -> None:
    inside = {"type": "reference", "to": "thing", "required": True}
    resource = THING.model_copy(
        update={
            "fields": Resource.model_validate({**THING.model_dump(), "owner": None, "fields": {"in": inside}}).fields
        }
    )
    with pytest.raises(ValueError, match="rows of `thing`"):
        columns(resource)
    with pytest.raises(ValueError, match="rows of `thing`"):
        next(rows(resource))
