"""Bytes that writing adds to a service's database, by the tables of its declaration (D1, D2, A4).

Rows, indexes, history and read model stay; the outbox, the inbox and keys of idempotency are emptied as they fill.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from groundplan.capacity import figures
from groundplan.capacity.demand import demands_at, mean_share
from groundplan.capacity.wording import number
from groundplan.declaration.model import FieldType, Resource, ResourceField, Service, System

# https://www.postgresql.org/docs/current/storage-page-layout.html
_PAGE = 8192 - 24
_ITEM_POINTER = 4
_ROW_HEADER = 23
_ENTRY_HEADER = 8
_WORD = 8
# https://www.postgresql.org/docs/current/sql-createindex.html: fillfactor of a B-tree; pages that entries are put
# between are split in halves and fill up again.
_IN_ORDER = 0.9
_BETWEEN = 0.69

Column = tuple[float, int]
"""Bytes and alignment."""
_UUID: Column = (16, 1)
_TIME: Column = (8, 8)
_INTEGER: Column = (4, 4)
_FIXED: dict[FieldType, Column] = {
    FieldType.INTEGER: (8, 8),
    FieldType.BOOLEAN: (1, 1),
    FieldType.DATE: (4, 4),
    FieldType.TIMESTAMP: _TIME,
    FieldType.UUID: _UUID,
    FieldType.REFERENCE: _UUID,
    # Two bytes of header and two for each four digits.
    FieldType.DECIMAL: (9, 1),
}


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that one write adds for good."""

    create: float
    update: float
    """Of a row that is there: its history grows, and it keeps its place once dead versions are vacuumed."""


def written_by(service: Service, name: str) -> Written:
    """Bytes of a write to one resource."""
    resource = service.resources[name]
    history = _history(resource, name, service.load.payload_bytes)
    create = _table(resource) + history
    if service.cqrs:
        create += _read_model(resource, service.load.payload_bytes)
    return Written(create, history)


def mean_written(service: Service) -> Written:
    """Bytes of a write to any of the service's resources; which one is written isn't declared, so each counts alike."""
    each = [written_by(service, name) for name in service.resources]
    return Written(*(sum(parts) / len(each) for parts in ([w.create for w in each], [w.update for w in each])))


def create_share(service: Service) -> float:
    """Part of its writes that create a row."""
    operations = {operation for resource in service.resources.values() for operation in resource.operations}
    if service.load.create_share is not None:
        return service.load.create_share
    if "create" not in operations:
        return 0.0
    return float(figures.CREATE_SHARE) if operations & {"update", "delete"} else 1.0


def computed_growth_gb(system: System) -> dict[str, float]:
    """GiB a month that each service's writes and consumed events add, by its tables and the mean of its load.

    A consumed event changes a row and adds to its history, as an update does.
    """
    today = demands_at(system, 1.0)
    publishers = system.published_events()
    growth = {}
    for name, service in system.services.items():
        each, creates = mean_written(service), create_share(service)
        own = today[name].writes * mean_share(service) * (creates * each.create + (1 - creates) * each.update)
        sources = sorted({publishers[event] for event in service.consumes if event in publishers})
        events = sum(today[source].published_events * mean_share(system.services[source]) for source in sources)
        growth[name] = (own + events * each.update) * figures.MONTH_SECONDS / 2**30
    return growth


def with_written(system: System, times: float = 1.0) -> System:
    """The system whose data grow by what is declared or by so many times what is written, whichever is more."""
    growth = computed_growth_gb(system)
    services = {
        name: service.model_copy(
            update={"data_growth_gb_per_month": max(service.data_growth_gb_per_month, growth[name] * times)}
        )
        for name, service in system.services.items()
    }
    return system.model_copy(update={"services": services})


def contradictions(system: System) -> list[str]:
    """Services whose declared growth is less than what they write, a sentence or two each."""
    said = []
    months = system.requirements.horizon_months
    for name, growth in computed_growth_gb(system).items():
        service = system.services[name]
        declared = service.data_growth_gb_per_month
        if growth <= declared * figures.GROWTH_TOLERANCE:
            continue
        each, creates = mean_written(service), create_share(service)
        at_the_end = service.data_gb + growth * months
        shards = math.ceil(at_the_end / figures.SHARD_GB)
        beyond = f", which is {shards} shards (D3)" if shards > max(1, _shards(service)) else ""
        said.append(
            f"{name} declares {number(declared)} GiB of growth a month, and writes {number(growth)}: "
            f"{number(each.create)} bytes a create ({number(creates * 100)} % of its writes), {number(each.update)} a "
            f"change, by its tables. The plan counts the larger: {number(at_the_end)} GiB in {months} months{beyond}. "
            f"Raise services.{name}.data_growth_gb_per_month, or say in services.{name}.load what is written less "
            "often."
        )
    return said


def _shards(service: Service) -> int:
    return service.shard_map[-1].shards if service.shard_map else 1


# Tables


def _table(resource: Resource) -> float:
    fields = list(resource.fields.values())
    columns = [_UUID, *(_column(field) for field in fields), _INTEGER, _TIME, _TIME]
    deletes = "delete" in resource.operations
    nullable = deletes or any(not field.required for field in fields)
    size = _row(columns, len(columns) + deletes if nullable else 0)
    size += _entry([_UUID], _IN_ORDER) + _entry([_TIME, _UUID], _IN_ORDER)
    if resource.retention_days is not None:
        size += _entry([_TIME, _UUID], _IN_ORDER)
    for name, field in resource.fields.items():
        if field.unique:
            size += _entry([_column(field)], _BETWEEN)
        elif field.indexed or field.type is FieldType.REFERENCE or name == resource.owner:
            size += _entry([_column(field), _TIME, _UUID], _BETWEEN)
    return size


def _history(resource: Resource, name: str, payload_bytes: int | None) -> float:
    """A row of the event table and its entries in three indexes."""
    event_type: Column = (1 + len(name) + len(".updated"), 1)
    payload = _json(resource, payload_bytes, personal=False)
    actor: Column = (1 + figures.SUBJECT_BYTES, 1)
    columns = [_UUID, _UUID, event_type, _INTEGER, actor, actor, (payload, 4), _TIME]
    entries = _entry([_UUID], _BETWEEN) + _entry([_UUID, _TIME], _BETWEEN) + _entry([event_type, _TIME], _BETWEEN)
    return _row(columns, 0) + entries


def _read_model(resource: Resource, payload_bytes: int | None) -> float:
    """The answer as it is given, a column for each field that lists are filtered by, and an index for each path."""
    held = {
        name: field
        for name, field in resource.fields.items()
        if _path(resource, name) or field.type not in (FieldType.JSON, FieldType.TEXT)
    }
    document = _json(resource, payload_bytes, personal=True) + 3 * 48
    columns = [_UUID, *(_column(field) for field in held.values()), (document, 4), _INTEGER, _TIME, _TIME]
    size = _row(columns, len(columns) + 1) + _entry([_UUID], _IN_ORDER) + _entry([_TIME, _UUID], _IN_ORDER)
    paths = [field for name, field in resource.fields.items() if _path(resource, name)]
    return size + sum(_entry([_column(field), _TIME, _UUID], _BETWEEN) for field in paths)


def _path(resource: Resource, name: str) -> bool:
    field = resource.fields[name]
    return field.indexed or field.unique or name == resource.owner or field.type is FieldType.REFERENCE


def _column(field: ResourceField) -> Column:
    if field.type in _FIXED:
        return _FIXED[field.type]
    length = _length(field)
    return length + (1 if length < 127 else 4), 1 if length < 127 else 4


def _length(field: ResourceField) -> float:
    """Bytes of a text of unknown length: as long as an identifier where it may be that long."""
    match field.type:
        case FieldType.ENUM:
            values = field.values or [""]
            return sum(len(value) for value in values) / len(values)
        case FieldType.STRING:
            return float(min(field.max_length or 255, figures.STRING_BYTES))
        case _:
            return float(min(field.max_length or 10_000, figures.TEXT_BYTES))


def _json(resource: Resource, payload_bytes: int | None, *, personal: bool) -> float:
    """Bytes of the representation as `jsonb`: beside each key and value, four bytes that say where it ends."""
    if payload_bytes is not None:
        return float(payload_bytes)
    size = 8.0
    for name, field in resource.fields.items():
        if personal or not field.personal:
            # Numbers, ids and times are strings in JSON.
            text = {FieldType.UUID: 36, FieldType.REFERENCE: 36, FieldType.TIMESTAMP: 27, FieldType.DATE: 10}
            value = text.get(field.type) or (_FIXED[field.type][0] if field.type in _FIXED else _length(field))
            size += 8 + len(name) + value
    return size


def _row(columns: Iterable[Column], nullable: int) -> float:
    """A heap row with its item pointer, and its part of the page's header and of what stays free on it."""
    header = _aligned(_ROW_HEADER + math.ceil(nullable / 8), _WORD)
    return _on_a_page(_aligned(_packed(columns, header), _WORD) + _ITEM_POINTER, 1.0)


def _entry(columns: Iterable[Column], filled: float) -> float:
    """An index entry."""
    return _on_a_page(_aligned(_packed(columns, _ENTRY_HEADER), _WORD) + _ITEM_POINTER, filled)


def _on_a_page(size: float, filled: float) -> float:
    return size / filled * (8192 / _PAGE)


def _packed(columns: Iterable[Column], offset: float) -> float:
    for size, alignment in columns:
        offset = _aligned(offset, alignment) + size
    return offset


def _aligned(offset: float, alignment: int) -> float:
    return math.ceil(offset / alignment - 1e-9) * alignment if alignment > 1 else offset
