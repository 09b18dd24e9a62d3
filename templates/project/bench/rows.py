"""A table at the size at which indexes matter: a million rows, by COPY, as the declaration says that they look."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg

from chassis.identifiers import new_id
from infra.system.model import FieldType, Resource, ResourceField

OWNERS = 10_000
"""Callers that rows belong to: a hundred rows each in a million."""
BATCH = 50_000
_SPAN = datetime.timedelta(days=365)
_DEFAULT_LENGTH = 255
_DECIMAL_SCALE = 2

Value = object


@dataclass(frozen=True, slots=True)
class Row:
    """One row as PostgreSQL takes it (``values``, by column) and its owner, if it has one."""

    id: UUID
    values: dict[str, Value]
    owner: str | None


def owner(number: int) -> str:
    """The subject that owns every ``OWNERS``-th row."""
    return f"subject-{number % OWNERS}"


def rows(resource: Resource, count: int, start: int = 0) -> Iterator[Row]:
    """``count`` rows, the same for the same ``start`` but for their ids; unique values differ by number,
    so that ranges which don't overlap never clash. References to other services point nowhere.

    Raises ValueError for a resource with a reference to another of its own service, whose rows would have to be there.
    """
    chance = random.Random(start)  # noqa: S311  test data, not secrets
    now = datetime.datetime.now(datetime.UTC)
    makers = {name: _maker(field) for name, field in resource.fields.items()}
    for number in range(start, start + count):
        made = now - _SPAN * (1 - (number - start) / count)
        values: dict[str, Value] = {name: make(number, chance) for name, make in makers.items()}
        whose = None
        if resource.owner:
            # A unique owner (a profile) is each row's own.
            whose = str(values[resource.owner]) if resource.fields[resource.owner].unique else owner(number)
            values[resource.owner] = whose
        yield Row(new_id(), {**values, "version": 1, "created_at": made, "updated_at": made}, whose)


def _maker(field: ResourceField) -> Callable[[int, random.Random], Value]:
    """How a value of the field comes from a row's number, within all its bounds."""
    if field.type is FieldType.REFERENCE and field.to and "." not in field.to:
        raise ValueError(f"rows of `{field.to}` would have to be there first")
    length = field.max_length or _DEFAULT_LENGTH
    low = int(field.minimum if field.minimum is not None else 0)
    high = int(field.maximum if field.maximum is not None else max(low, 0) + 10**6)
    scale = _DECIMAL_SCALE if field.scale is None else field.scale
    enum = field.values or [""]
    makers: dict[FieldType, Callable[[int, random.Random], Value]] = {
        FieldType.STRING: lambda number, _: (
            f"value-{number}"[-length:] if field.unique else f"value-{number % 997}"[-length:]
        ),
        FieldType.TEXT: lambda number, _: f"text {number}"[-length:],
        FieldType.INTEGER: lambda number, chance: low + number if field.unique else chance.randint(low, high),
        FieldType.DECIMAL: lambda _, chance: Decimal(chance.randint(low, high)).quantize(Decimal(1).scaleb(-scale)),
        FieldType.BOOLEAN: lambda number, _: number % 2 == 0,
        FieldType.DATE: lambda number, _: datetime.date(2020, 1, 1) + datetime.timedelta(days=number % 2000),
        FieldType.TIMESTAMP: lambda number, _: (
            datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=number)
        ),
        FieldType.UUID: lambda _, chance: UUID(int=chance.getrandbits(128), version=4),
        FieldType.REFERENCE: lambda _, chance: UUID(int=chance.getrandbits(128), version=4),
        FieldType.ENUM: lambda number, _: enum[number % len(enum)],
        FieldType.JSON: lambda number, _: json.dumps({"number": number}),
    }
    return makers[field.type]


async def fill(connection: asyncpg.Connection[asyncpg.Record], table: str, made: Iterator[Row]) -> list[Row]:
    """Copies the rows into ``table`` and analyses it, so that plans are those of a table long in use."""
    kept: list[Row] = []
    batch: list[Row] = []

    async def flush() -> None:
        columns = ["id", *batch[0].values]
        await connection.copy_records_to_table(
            table, records=[(row.id, *row.values.values()) for row in batch], columns=columns
        )
        kept.extend(batch)
        batch.clear()

    for row in made:
        batch.append(row)
        if len(batch) == BATCH:
            await flush()
    if batch:
        await flush()
    await connection.execute(f'VACUUM ANALYZE "{table}"')
    return kept
