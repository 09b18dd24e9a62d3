"""The plan's bytes a row against PostgreSQL's own (q6): the documented tables, filled and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from groundplan.capacity.written import written_by
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan_devkit.bench.table_bytes import table_bytes
from groundplan_devkit.testing import FreshDatabase

SHOP = load_system(Path(__file__).parents[3] / "system.yaml")
EVERY = {"list": ["member"], "create": ["member"], "update": ["member"]}


def one(fields: dict[str, Any], **service: Any) -> System:
    resource = {"fields": fields, "operations": EVERY}
    return System.model_validate(
        {
            "name": "one",
            "identity": {"roles": ["member"]},
            "services": {"one": {"resources": {"thing": resource}, **service}},
        }
    )


SYSTEMS = {
    "user": (SHOP, "user", "user"),
    "order, with a read model": (SHOP, "order", "order"),
    "order line": (SHOP, "order", "order_line"),
    "payment": (SHOP, "payment", "payment"),
    "one field": (one({"label": {"type": "string"}}), "one", "thing"),
    "numbers": (
        one({f"value_{n}": {"type": kind} for n, kind in enumerate(["integer", "decimal", "boolean", "date"] * 3)}),
        "one",
        "thing",
    ),
    "texts and indexes, with a read model": (
        one(
            {
                "title": {"type": "string", "max_length": 100, "unique": True, "required": True},
                "body": {"type": "text", "max_length": 5000},
                "kind": {"type": "enum", "values": ["one", "three"], "indexed": True},
                "at": {"type": "timestamp", "indexed": True},
                "by": {"type": "uuid", "indexed": True},
            },
            cqrs=True,
        ),
        "one",
        "thing",
    ),
}


@pytest.mark.parametrize("case", SYSTEMS)
async def test_the_plan_knows_the_bytes_of_a_row(case: str, database: FreshDatabase) -> None:
    system, service, resource = SYSTEMS[case]
    computed = written_by(system.services[service], resource)
    connection = await asyncpg.connect(database.dsn)
    try:
        measured = await table_bytes(connection, system, service, resource, rows=6000)
    finally:
        await connection.close()
    assert 0.8 <= computed.create / measured.create <= 1.25, (computed, measured)
    assert 0.8 <= computed.update / measured.update <= 1.25, (computed, measured)
