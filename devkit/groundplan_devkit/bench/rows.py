"""Rows by the declaration: generated in Python for creations, in SQL for full tables."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

from groundplan.declaration.model import FieldType, Resource, ResourceField
from groundplan.declaration.text_rules import TextFormat

OWNERS = 10_000
"""Callers that rows belong to: a hundred rows each in a million."""
_DIFFERENT_TEXTS = 997
"""Of a field that isn't unique: about a thousand rows in a million share one, and no cycle of a length meets it."""
_DIFFERENT_DAYS = 2000
_DEFAULT_LENGTH = 255
_DECIMAL_SCALE = 2
_LARGEST = 10**6
_FIRST_DAY = datetime.date(2020, 1, 1)
_FIRST_MOMENT = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_NAMESPACE = UUID("6f1f1c1e-3a53-5d0c-9a0e-3f3a55f6b8d1")
"""Of ids that point nowhere."""

Value = object


@dataclass(frozen=True, slots=True)
class Row:
    """One row's fields by name, as Python has them, and its owner, if it has one."""

    values: Mapping[str, Value]
    owner: str | None


def owner(number: int) -> str:
    """The subject that owns every ``OWNERS``-th row."""
    return f"subject-{number % OWNERS}"


def rows(resource: Resource, start: int = 0) -> Iterator[Row]:
    """Rows numbered from ``start`` on, without an end; unique values differ by number, so that ranges that don't
    overlap never clash. References point nowhere.

    Raises ValueError for a resource with a required reference to another of its own service, whose rows would have to
    be there.
    """
    _refuse_inside(resource)
    number = start
    while True:
        values: dict[str, Value] = {name: _value(field, number) for name, field in resource.fields.items()}
        whose = None
        if resource.owner:
            # A unique owner (a profile) is each row's own.
            whose = str(values[resource.owner]) if resource.fields[resource.owner].unique else owner(number)
            values[resource.owner] = whose
        yield Row(values, whose)
        number += 1


def columns(resource: Resource) -> dict[str, str]:
    """The fields of the row with the number ``n`` (a bigint), as SQL: the same values as `rows` gives, but for ids.

    Raises ValueError as `rows`.
    """
    _refuse_inside(resource)
    made = {name: _expression(field) for name, field in resource.fields.items()}
    if resource.owner and not resource.fields[resource.owner].unique:
        made[resource.owner] = f"'subject-' || n % {OWNERS}"
    return made


def _refuse_inside(resource: Resource) -> None:
    for field in resource.fields.values():
        if field.type is FieldType.REFERENCE and field.to and "." not in field.to and field.required:
            raise ValueError(f"rows of `{field.to}` would have to be there first")


def _bounds(field: ResourceField) -> tuple[int, int]:
    """The least value, and the number of different ones that are made."""
    low = int(field.minimum if field.minimum is not None else 0)
    high = int(field.maximum if field.maximum is not None else max(low, 0) + _LARGEST)
    return low, high - low + 1


def _inside(field: ResourceField) -> bool:
    return field.type is FieldType.REFERENCE and "." not in (field.to or "")


_AROUND: Mapping[TextFormat, tuple[str, str]] = {
    TextFormat.EMAIL: ("a", "@example.com"),
    TextFormat.URI: ("urn:sample:", ""),
    TextFormat.URL: ("https://example.com/", ""),
    TextFormat.HOSTNAME: ("h", ".example.com"),
    TextFormat.PHONE: ("+4930", ""),
}
"""What stands before and after a number in texts of these forms."""
_ALWAYS = {TextFormat.COUNTRY: "DE", TextFormat.CURRENCY: "EUR", TextFormat.LANGUAGE: "en"}
_DIGITS = 12


def _constant(field: ResourceField) -> str | None:
    """The one value of a field that can't have a number in it. Raises ValueError where rows need different ones."""
    text = field.example if field.pattern is not None else _ALWAYS.get(field.format) if field.format else None
    around = _AROUND.get(field.format) if field.format else None
    if around is not None:
        room = _DIGITS + len(around[0]) + len(around[1])
        text = field.example if (field.max_length or _DEFAULT_LENGTH) < room else None
        if text is None and (field.max_length or _DEFAULT_LENGTH) < room:
            raise ValueError(
                f"a {field.format} of at most {field.max_length} characters is not made without an `example`"
            )
    if field.pattern is not None and text is None:
        raise ValueError("a text of a pattern is not made without an `example`")
    if text is not None and field.unique:
        raise ValueError(f"different values like {text} are not made")
    return text


def _around(field: ResourceField) -> tuple[str, str]:
    if field.format is not None:
        return _AROUND[field.format]
    word = "value-" if field.type is FieldType.STRING else "text "
    return word + "x" * ((field.min_length or 0) - len(word) - 1), ""


def _value(field: ResourceField, number: int) -> Value:
    """A value within all of the field's bounds."""
    if field.type in (FieldType.STRING, FieldType.TEXT) and (text := _constant(field)) is not None:
        return text
    length = field.max_length or _DEFAULT_LENGTH
    low, different = _bounds(field)
    match field.type:
        case FieldType.STRING:
            before, after = _around(field)
            return f"{before}{number if field.unique else number % _DIFFERENT_TEXTS}{after}"[-length:]
        case FieldType.TEXT:
            return f"{_around(field)[0]}{number}"[-length:]
        case FieldType.INTEGER:
            return low + number if field.unique else low + number % different
        case FieldType.DECIMAL:
            scale = _DECIMAL_SCALE if field.scale is None else field.scale
            return Decimal(low + number % different).quantize(Decimal(1).scaleb(-scale))
        case FieldType.BOOLEAN:
            return number % 2 == 0
        case FieldType.DATE:
            return _FIRST_DAY + datetime.timedelta(days=number % _DIFFERENT_DAYS)
        case FieldType.TIMESTAMP:
            return _FIRST_MOMENT + datetime.timedelta(seconds=number)
        case FieldType.UUID | FieldType.REFERENCE:
            return None if _inside(field) else uuid5(_NAMESPACE, str(number))
        case FieldType.ENUM:
            values = field.values or [""]
            return values[number % len(values)]
        case FieldType.JSON:
            return json.dumps({"number": number})


def _expression(field: ResourceField) -> str:
    """As `_value`, in SQL."""
    if field.type in (FieldType.STRING, FieldType.TEXT) and (text := _constant(field)) is not None:
        quoted = text.replace("'", "''")
        return f"'{quoted}'"
    length = field.max_length or _DEFAULT_LENGTH
    low, different = _bounds(field)
    match field.type:
        case FieldType.STRING:
            before, after = _around(field)
            number = "n" if field.unique else f"n % {_DIFFERENT_TEXTS}"
            return f"right('{before}' || {number} || '{after}', {length})"
        case FieldType.TEXT:
            return f"right('{_around(field)[0]}' || n, {length})"
        case FieldType.INTEGER:
            return f"{low} + n" if field.unique else f"{low} + n % {different}"
        case FieldType.DECIMAL:
            return f"{low} + n % {different}"
        case FieldType.BOOLEAN:
            return "n % 2 = 0"
        case FieldType.DATE:
            return f"DATE '{_FIRST_DAY}' + (n % {_DIFFERENT_DAYS})::integer"
        case FieldType.TIMESTAMP:
            return f"TIMESTAMPTZ '{_FIRST_MOMENT.isoformat()}' + n * INTERVAL '1 second'"
        case FieldType.UUID | FieldType.REFERENCE:
            return "NULL::uuid" if _inside(field) else "md5(n::text)::uuid"
        case FieldType.ENUM:
            values = field.values or [""]
            listed = ", ".join(f"'{value}'" for value in values)
            return f"(ARRAY[{listed}])[1 + n % {len(values)}]"
        case FieldType.JSON:
            return "jsonb_build_object('number', n)"
