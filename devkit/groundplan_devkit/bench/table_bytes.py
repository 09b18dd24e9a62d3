"""Bytes that a created and a changed row take: the documented tables in PostgreSQL, filled and measured."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.declaration.model import FieldType, Resource, System
from groundplan.document.data_model import service_ddl
from groundplan_devkit.bench.rows import columns
from groundplan_devkit.bench.seeding import Connection

ROWS = 20_000
_BATCHES = 20
_ID = "(lpad(to_hex(n), 12, '0') || '70008' || left(md5('id ' || n), 15))::uuid"
_TEXTS = {FieldType.STRING: 24, FieldType.TEXT: 200}
"""Bytes of a text, as the plan assumes them where more are allowed (`groundplan.capacity.figures`)."""


@dataclass(frozen=True, slots=True)
class TableBytes:
    """Of one resource's tables and indexes together, for each row."""

    create: float
    update: float


async def table_bytes(
    connection: Connection, system: System, service: str, name: str, *, rows: int = ROWS, schema: str = "public"
) -> TableBytes:
    """Makes the service's documented tables in an empty schema, the first of the search path, creates so many rows and
    changes each once.
    """
    declared = system.services[service]
    resource = declared.resources[name]
    await connection.execute(service_ddl(system, service))
    await _without_conditions(connection, schema)
    table = resource.table(name)
    expressions = {
        field: _text(expression, resource.fields[field].type, resource.fields[field].max_length)
        for field, expression in columns(_alone(resource)).items()
    }
    payload = ", ".join(f"'{field}', {field}" for field in resource.fields if not resource.fields[field].personal)
    held = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2",
        schema,
        f"{name}_read_model",
    )
    copied = [each["column_name"] for each in held if each["column_name"] in resource.fields]
    listed = ", ".join(f'"{field}"' for field in expressions)
    step = rows // _BATCHES
    for first in range(0, rows, step):
        await connection.execute(
            f"""INSERT INTO "{table}" (id, {listed}, created_at, updated_at)
            SELECT {_ID}, {", ".join(expressions.values())}, clock_timestamp(), clock_timestamp()
            FROM generate_series({first}, {first + step - 1}) AS n"""  # noqa: S608  # names are the declaration's
        )
        await _history(connection, name, table, payload, first, step, "created")
        if declared.cqrs:
            own = "".join(f', "{field}"' for field in copied)
            await connection.execute(
                f"""INSERT INTO "{name}_read_model" (id{own}, document, version, created_at, updated_at)
                SELECT id{own}, to_jsonb(row), 1, created_at, updated_at FROM "{table}" AS row
                ORDER BY created_at, id OFFSET {first}"""  # noqa: S608  # names are the declaration's
            )
    created = await _size(connection, schema)
    for first in range(0, rows, step):
        await _history(connection, name, table, payload, first, step, "updated")
    return TableBytes(created / rows, (await _size(connection, schema) - created) / rows)


async def _history(
    connection: Connection, name: str, table: str, payload: str, first: int, step: int, what: str
) -> None:
    subject = "md5(n::text)::uuid::text"
    await connection.execute(
        f"""INSERT INTO "{name}_events" (aggregate_id, event_type, version, actor, correlation_id, payload, occurred_at)
        SELECT id, '{name}.{what}', 1, {subject}, {subject}, jsonb_build_object({payload}), clock_timestamp()
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM "{table}" ORDER BY id OFFSET {first} LIMIT {step})"""  # noqa: S608  # names are the declaration's
        " AS row"
    )


def _alone(resource: Resource) -> Resource:
    """References to rows of the same service as any ids: those rows aren't there."""
    fields = {
        name: field.model_copy(update={"type": FieldType.UUID, "to": None})
        if field.type is FieldType.REFERENCE
        else field
        for name, field in resource.fields.items()
    }
    return resource.model_copy(update={"fields": fields})


def _text(expression: str, kind: FieldType, most: int | None) -> str:
    """Texts as long as the plan takes them to be, different in each row."""
    if kind not in _TEXTS:
        return expression
    return f"left(repeat(md5(n::text), 7), {min(_TEXTS[kind], most or _TEXTS[kind])})"


async def _without_conditions(connection: Connection, schema: str) -> None:
    """Rows of other tables aren't there, and of a text only the length counts; neither takes a byte."""
    found = await connection.fetch(
        "SELECT conrelid::regclass::text AS of, conname FROM pg_constraint "
        "WHERE contype IN ('f', 'c') AND connamespace = $1::regnamespace",
        schema,
    )
    for each in found:
        await connection.execute(f'ALTER TABLE {each["of"]} DROP CONSTRAINT "{each["conname"]}"')


async def _size(connection: Connection, schema: str) -> int:
    await connection.execute("VACUUM")
    return int(
        await connection.fetchval(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = $1::regnamespace",
            schema,
        )
    )
