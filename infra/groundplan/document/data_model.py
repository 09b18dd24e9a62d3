"""The key tables as PostgreSQL DDL: the aggregates, their event tables, and what carries events (D1, D2, A3, A4)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import FieldType, Resource, ResourceField, Service, System
from groundplan.declaration.text_rules import ASCII, expressions
from groundplan.document.names import joined, quoted

_SHOWN_RESOURCES = 12
"""Tables in full; a longer document isn't read. The rest follow the same rules and are named."""

_TYPES = {
    FieldType.TEXT: "text",
    FieldType.INTEGER: "bigint",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.TIMESTAMP: "timestamptz",
    FieldType.UUID: "uuid",
    FieldType.ENUM: "text",
    FieldType.JSON: "jsonb",
    FieldType.REFERENCE: "uuid",
}
_STRING_LENGTH = 255
_DECIMAL_PRECISION = 19
_DECIMAL_SCALE = 2
"""Digits after the point where none are declared, as in the declaration's model."""


def data_model(system: System) -> str:
    """SQL of each service's database in the order of the declaration, and the names of tables that are left out."""
    shown, left_out = _shown(system)
    parts = [f"```sql\n{service_ddl(system, name, resources)}\n```" for name, resources in shown.items()]
    if left_out:
        parts.append(f"By the same rules, each with its event table: {', '.join(left_out)}.")
    return "\n\n".join(parts)


def _shown(system: System) -> tuple[dict[str, list[str]], list[str]]:
    shown: dict[str, list[str]] = {}
    left_out: list[str] = []
    room = _SHOWN_RESOURCES
    for name, service in system.services.items():
        names = list(service.resources)
        # A service's tables refer to each other: all of them or none.
        if len(names) <= room or not shown:
            shown[name] = names
            room -= len(names)
        else:
            room = 0
            left_out.extend(f"`{service.resources[each].table(each)}` ({name})" for each in names)
    return shown, left_out


def service_ddl(system: System, name: str, resources: list[str] | None = None) -> str:
    """The whole database of one service, as `ddl_of`."""
    return ddl_of(name, system.services[name], resources)


def ddl_of(name: str, service: Service, resources: list[str] | None = None) -> str:
    """The whole database of a service. Tables come before what refers to them; cycles are closed at the end."""
    statements = [f"-- Database of {name}: no other service reads it (A2)."]
    made: set[str] = set()
    late: list[str] = []
    for resource in resources or list(service.resources):
        made.add(resource)
        statements.extend(_resource(service, resource, made, late))
    statements.extend(late)
    # Also where no events are yet: the first one is then an edit of code, and no migration before it.
    statements += [*_OUTBOX, _INBOX, _IDEMPOTENCY]
    if service.erases:
        statements.append(_ERASURES)
    if service.cqrs:
        statements.extend(_read_models(service))
    return "\n\n".join(statements)


def _resource(service: Service, name: str, made: set[str], late: list[str]) -> Iterator[str]:
    resource = service.resources[name]
    table = resource.table(name)
    columns = ["id uuid PRIMARY KEY DEFAULT gen_random_uuid()"]
    for field_name, field in resource.fields.items():
        columns.append(_column(service, resource, table, field_name, made))
        if _own_reference(service, field) and field.to not in made:
            late.append(_late_reference(service, table, field_name, field))
    columns += [
        "version integer NOT NULL DEFAULT 1",
        "created_at timestamptz NOT NULL DEFAULT now()",
        "updated_at timestamptz NOT NULL DEFAULT now()",
    ]
    if _deletes(resource):
        columns.append("deleted_at timestamptz")
    columns += _checks(table, resource)
    yield _create(table, columns, _said(resource))
    yield "\n".join(_indexes(table, resource))
    yield from _events(name, table)


def _said(resource: Resource) -> str:
    kept = f"Kept for {resource.retention_days} days after the last change (S8)" if resource.retention_days else ""
    return "\n".join(filter(None, (resource.description, kept)))


def _deletes(resource: Resource) -> bool:
    """Rows are marked as deleted and stay: their history refers to them (D2)."""
    return "delete" in resource.operations


def _column(service: Service, resource: Resource, table: str, name: str, made: set[str]) -> str:
    field = resource.fields[name]
    parts = [quoted(name), _type(field)]
    if field.required:
        parts.append("NOT NULL")
    if field.default is not None:
        parts.append(f"DEFAULT {_default(field.default)}")
    # Else by an index: over the rows that are not deleted, for what a deleted one had is free again; or over what is
    # compared instead of the value.
    if field.unique and not field.caseless and not _deletes(resource):
        parts.append(f"{_named(table, name, 'key')}UNIQUE")
    if _own_reference(service, field) and field.to in made:
        parts.append(f"{_named(table, name, 'fkey')}REFERENCES {quoted(_table(service, field))} (id)")
    return " ".join(parts)


def _named(table: str, column: str, kind: str) -> str:
    """The constraint's name, where PostgreSQL would not give it this very one by itself."""
    name = joined(table, column, kind)
    return "" if name == f"{table}_{column}_{kind}" else f"CONSTRAINT {name} "


def _type(field: ResourceField) -> str:
    if field.type is FieldType.STRING:
        return f"varchar({field.max_length or _STRING_LENGTH})"
    if field.type is FieldType.DECIMAL:
        return f"numeric({_DECIMAL_PRECISION}, {_DECIMAL_SCALE if field.scale is None else field.scale})"
    return _TYPES[field.type]


def _own_reference(service: Service, field: ResourceField) -> bool:
    """A foreign key: to another service's resource there is none, as that is in another database (A2)."""
    return field.type is FieldType.REFERENCE and field.to in service.resources


def _table(service: Service, field: ResourceField) -> str:
    assert field.to is not None
    return service.resources[field.to].table(field.to)


def _late_reference(service: Service, table: str, name: str, field: ResourceField) -> str:
    target = quoted(_table(service, field))
    return (
        f"ALTER TABLE {quoted(table)}\n    ADD CONSTRAINT {joined(table, name, 'fkey')} "
        f"FOREIGN KEY ({quoted(name)}) REFERENCES {target} (id);"
    )


def _checks(table: str, resource: Resource) -> Iterator[str]:
    for name, field in resource.fields.items():
        column = quoted(name)
        tests = []
        if field.type is FieldType.ENUM and field.values:
            tests.append(f"{column} IN ({', '.join(_literal(value) for value in field.values)})")
        if field.type is FieldType.TEXT and field.max_length:
            tests.append(f"char_length({column}) <= {field.max_length}")
        tests += _text_tests(column, field)
        if field.minimum is not None:
            tests.append(f"{column} >= {field.minimum}")
        if field.maximum is not None:
            tests.append(f"{column} <= {field.maximum}")
        if tests:
            yield f"CONSTRAINT {joined(table, name, 'check')} CHECK ({' AND '.join(tests)})"


def _text_tests(column: str, field: ResourceField) -> Iterator[str]:
    if field.min_length is not None:
        yield f"char_length({column}) >= {field.min_length}"
    for expression in expressions(field.format, field.pattern, blank=field.blank):
        yield f"{column} ~ {_literal(expression)}"


def compared(column: str, field: ResourceField) -> str:
    """What an index over a caseless field holds: equal for values that differ in case or Unicode form alone.

    Both mappings, because neither alone makes one of all letters that are equal but for case (ß, ẞ and SS). The order
    of the index is that of the bytes, which no other version of ICU changes.
    """
    if field.format in ASCII:
        return f'lower({column} COLLATE "C")'
    return f'normalize(upper(lower(normalize({column}, NFC) COLLATE "und-x-icu")), NFC) COLLATE "C"'


def _default(value: bool | float | str) -> str:
    if isinstance(value, str):
        return _literal(value)
    return str(value).lower()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _indexes(table: str, resource: Resource) -> Iterator[str]:
    """One for each access path: the list in its default order, by each field that it filters on, by owner (D1, R2).

    Ascending, although lists begin with the newest row: an index is read backwards as well, and rows that are added at
    its end leave full pages behind them. Deleted rows are in none: no list and no count comes across them.
    """
    living = _LIVING if _deletes(resource) else ""
    yield f"CREATE INDEX {joined(table, 'created_at', 'idx')} ON {quoted(table)} (created_at, id){living};"
    if resource.retention_days is not None:
        # Its way to the rows that are kept no longer.
        yield f"CREATE INDEX {joined(table, 'updated_at', 'idx')} ON {quoted(table)} (updated_at, id){living};"
    for name, field in resource.fields.items():
        if resource.has_index(name) and (field.caseless or not field.unique):
            index = joined(table, name, "idx")
            yield f"CREATE INDEX {index} ON {quoted(table)} ({quoted(name)}, created_at, id){living};"
        if field.unique and (field.caseless or living):
            value = f"({compared(quoted(name), field)})" if field.caseless else quoted(name)
            yield f"CREATE UNIQUE INDEX {joined(table, name, 'key')} ON {quoted(table)} ({value}){living};"


def _create(table: str, columns: list[str], comment: str = "") -> str:
    lines = [" ".join(line.split()) for line in comment.replace("`", "'").splitlines()]
    said = "".join(f"-- {line}\n" for line in lines)
    return f"{said}CREATE TABLE {quoted(table)} (\n    " + ",\n    ".join(columns) + "\n);"


def _events(name: str, table: str) -> Iterator[str]:
    """D2: what happened to an aggregate, by whom, by aggregate and by type. Rows are only ever added."""
    events = joined(name, "events")
    yield _create(
        events.strip('"'),
        [
            "event_id uuid PRIMARY KEY DEFAULT gen_random_uuid()",
            f"aggregate_id uuid NOT NULL REFERENCES {quoted(table)} (id)",
            "event_type text NOT NULL",
            "version integer NOT NULL",
            "actor text NOT NULL",
            "correlation_id text NOT NULL",
            "payload jsonb NOT NULL",
            "occurred_at timestamptz NOT NULL DEFAULT now()",
        ],
    )
    yield (
        f"CREATE INDEX {joined(name, 'events', 'aggregate_idx')} ON {events} (aggregate_id, occurred_at);\n"
        f"CREATE INDEX {joined(name, 'events', 'type_idx')} ON {events} (event_type, occurred_at);"
    )


_LIVING = " WHERE deleted_at IS NULL"
_OUTBOX = (
    """-- Written in the transaction that changes the aggregate; the relay sends it in order of position (A3).
CREATE TABLE outbox (
    event_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    topic text NOT NULL,
    aggregate_id uuid NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);""",
    """-- The relay's reading, and what lets it keep the events of one aggregate in their order.
CREATE INDEX outbox_unsent_idx ON outbox (position) WHERE sent_at IS NULL;
CREATE INDEX outbox_unsent_aggregate_idx ON outbox (aggregate_id, position) WHERE sent_at IS NULL;""",
)
_INBOX = """-- Each event is handled once, however often it is delivered.
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    topic text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX inbox_handled_at_idx ON inbox (handled_at);"""
_IDEMPOTENCY = """-- A POST that is sent again gets the first answer.
CREATE TABLE idempotency_keys (
    subject text NOT NULL,
    key uuid NOT NULL,
    request_digest text NOT NULL,
    status integer,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
);

CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);"""

_ERASURES = """-- Requests for the erasure of persons (S8), open until the work is done.
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    subject text NOT NULL,
    actor text NOT NULL,
    correlation_id text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    tried_at timestamptz,
    completed_at timestamptz
);

CREATE INDEX erasures_subject_idx ON erasures (subject, requested_at);
CREATE INDEX erasures_open_idx ON erasures (requested_at) WHERE completed_at IS NULL;"""


def _read_models(service: Service) -> Iterator[str]:
    """A4: what queries read, written by the projector alone and served from read replicas.

    Lists can be filtered by every field that has a value of its own (R2), so each of them is a column.
    """
    for name, resource in service.resources.items():
        table = joined(name, "read_model").strip('"')
        columns = ["id uuid PRIMARY KEY"]
        columns += [
            f"{quoted(field_name)} {_type(field)}"
            for field_name, field in resource.fields.items()
            if resource.has_index(field_name) or field.type not in (FieldType.JSON, FieldType.TEXT)
        ]
        columns += [
            "document jsonb NOT NULL",
            "version integer NOT NULL",
            "created_at timestamptz NOT NULL",
            "updated_at timestamptz NOT NULL",
            # A deleted row stays as a mark: an update that comes late would else bring it back.
            "deleted_at timestamptz",
        ]
        yield _create(table, columns, f"Read model of {resource.table(name)}: the answer as it is given")
        index = joined(name, "read_model", "created_at", "idx")
        indexes = [f"CREATE INDEX {index} ON {table} (created_at, id){_LIVING};"]
        indexes += [
            f"CREATE INDEX {joined(name, 'read_model', field_name, 'idx')} ON {table} "
            f"({quoted(field_name)}, created_at, id){_LIVING};"
            for field_name in resource.fields
            if resource.has_index(field_name)
        ]
        # The projector takes marks away that no late update can meet any more: it looks for them every minute.
        index = joined(name, "read_model", "deleted_at", "idx")
        indexes.append(f"CREATE INDEX {index} ON {table} (deleted_at) WHERE deleted_at IS NOT NULL;")
        yield "\n".join(indexes)
    yield """-- How far the projector has come, so that it goes on where it stopped.
CREATE TABLE read_model_positions (
    stream text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, partition)
);"""
