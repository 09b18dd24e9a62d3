"""How large documents and pages may become, from the types of their fields."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import inspect

from groundplan_chassis.http.bodies import MOST_BYTES
from groundplan_chassis.http.values import MOST_LONGER, Kind, ValueType, value_type

PAGE_BYTES: Final = 4 * 1024 * 1024
"""Most bytes of a page, but for a single item. API Gateway passes on 10 MB."""
_CHARACTER: Final = 6
"""Most bytes of a character in JSON: `\\u001f`."""
_VALUE: Final = 64
"""Most bytes of a value that is no text: numbers, times, UUIDs."""


def largest_document(item: type[msgspec.Struct]) -> int:
    """Most bytes of an item as JSON. A body is the bound of what has none of its own."""
    fields = msgspec.structs.fields(item)
    types = [value_type(field.type) for field in fields]
    found = sum(len(field.encode_name) + 4 + _largest(kind) for field, kind in zip(fields, types, strict=True))
    longer = sum(_VALUE + (MOST_LONGER if kind.kind is Kind.JSON else 0) for kind in types)
    return min(found, MOST_BYTES + longer)


def _largest(kind: ValueType) -> int:
    match kind.kind:
        case Kind.STRING:
            assert isinstance(kind.shape, inspect.StrType)
            length = kind.shape.max_length
            return MOST_BYTES if length is None else length * _CHARACTER
        case Kind.ENUM:
            return max(map(len, kind.choices), default=0) + 2
        case Kind.JSON:
            return MOST_BYTES + MOST_LONGER
        case _:
            return _VALUE
