"""Reads single values from JSON or from a query string, as strictly as a database column will take them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import inspect

from chassis.fields import (
    DATE_PATTERN,
    DECIMAL_PATTERN,
    DECIMAL_PRECISION,
    LARGEST_INTEGER,
    SMALLEST_INTEGER,
    TIMESTAMP_PATTERN,
    UUID_PATTERN,
)

MOST_LEVELS: Final = 32
"""Objects and arrays within each other, in a field of type json."""


class Kind(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    ENUM = "enum"
    JSON = "json"


_KINDS: Final[dict[type[inspect.Type], Kind]] = {
    inspect.StrType: Kind.STRING,
    inspect.IntType: Kind.INTEGER,
    inspect.DecimalType: Kind.DECIMAL,
    inspect.BoolType: Kind.BOOLEAN,
    inspect.DateType: Kind.DATE,
    inspect.DateTimeType: Kind.TIMESTAMP,
    inspect.UUIDType: Kind.UUID,
    inspect.LiteralType: Kind.ENUM,
    inspect.EnumType: Kind.ENUM,
}

_AS_TEXT: Final[dict[Kind, tuple[re.Pattern[str], str]]] = {
    Kind.DECIMAL: (re.compile(DECIMAL_PATTERN), 'a decimal as a string, for example "12.50"'),
    Kind.DATE: (re.compile(DATE_PATTERN), 'a date, for example "2026-01-31"'),
    Kind.TIMESTAMP: (
        re.compile(TIMESTAMP_PATTERN),
        'a timestamp with its offset, for example "2026-01-31T12:00:00Z"',
    ),
    Kind.UUID: (re.compile(UUID_PATTERN), "a UUID with its hyphens"),
}
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# Python's `$` also matches before a line feed at the end.
_PATH: Final = re.compile(r"(?s)(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?\Z")


class Refused(ValueError):
    """A value that can't be taken; ``path`` leads from the field to the part of it that is meant (`[0].name`)."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


@dataclass(frozen=True, slots=True)
class ValueType:
    """What a field's annotation allows."""

    annotation: Any
    kind: Kind
    nullable: bool
    rules: tuple[Callable[[Any], str | None], ...]
    """Each tells what is wrong with a converted value."""
    max_length: int | None = None
    choices: tuple[str, ...] = ()

    def from_json(self, value: object) -> object:
        """The typed value of what a JSON document holds. Raises Refused."""
        if value is None and self.nullable:
            return None
        shape = _AS_TEXT.get(self.kind)
        if shape is not None:
            pattern, expected = shape
            if not isinstance(value, str) or pattern.fullmatch(value) is None:
                raise Refused(f"Expected {expected}")
        if self.kind is Kind.JSON:
            _require_sane(value)
        elif self.kind is Kind.INTEGER and isinstance(value, float) and value.is_integer():
            # To JSON Schema 3.0 is an integer.
            value = int(value)
        try:
            typed = msgspec.convert(value, self.annotation)
        except msgspec.ValidationError as error:
            found = _PATH.fullmatch(str(error))
            assert found is not None
            raise Refused(found["message"], found["path"] or "") from None
        for rule in self.rules:
            if wrong := rule(typed):
                raise Refused(wrong)
        return typed

    def from_text(self, text: str) -> object:
        """The typed value of a query parameter. Raises Refused."""
        if self.kind is Kind.INTEGER:
            if _INTEGER.fullmatch(text) is None:
                raise Refused("Expected an integer")
            return self.from_json(int(text))
        if self.kind is Kind.BOOLEAN:
            if text not in ("true", "false"):
                raise Refused("Expected true or false")
            return text == "true"
        return self.from_json(text)


def value_type(annotation: object) -> ValueType:
    """Reads an annotation of a Struct's field. Raises TypeError for a union of several types."""
    nullable = False
    extra: dict[str, Any] = {}
    found = inspect.type_info(annotation)
    while isinstance(found, inspect.Metadata | inspect.UnionType):
        if isinstance(found, inspect.Metadata):
            extra |= found.extra or {}
            found = found.type
            continue
        rest = [each for each in found.types if not isinstance(each, inspect.NoneType)]
        nullable = nullable or len(rest) < len(found.types)
        if len(rest) != 1:
            raise TypeError(f"{annotation!r}: expected one type, or one type and None")
        found = rest[0]
    kind = _KINDS.get(type(found), Kind.JSON)
    return ValueType(
        annotation=annotation,
        kind=kind,
        nullable=nullable,
        rules=tuple(_rules(kind, extra)),
        max_length=found.max_length if isinstance(found, inspect.StrType) else None,
        choices=_choices(found),
    )


def _choices(found: inspect.Type) -> tuple[str, ...]:
    if isinstance(found, inspect.LiteralType):
        return tuple(str(each) for each in found.values)
    if isinstance(found, inspect.EnumType):
        return tuple(str(each.value) for each in found.cls)
    return ()


def _rules(kind: Kind, extra: dict[str, Any]) -> list[Callable[[Any], str | None]]:
    if kind is Kind.STRING:
        return [_text]
    if kind is Kind.INTEGER:
        return [_integer]
    if kind is Kind.TIMESTAMP:
        return [_timestamp]
    if kind is Kind.DECIMAL:
        return [_decimal(extra.get("scale"), extra.get("minimum"), extra.get("maximum"))]
    return []


def _text(value: str) -> str | None:
    if "\0" in value:
        return "NUL characters are not allowed"
    # A lone surrogate can be written in JSON and be stored nowhere.
    return None if _encodable(value) else "Not valid Unicode: a surrogate without its pair"


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: int) -> str | None:
    if SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        return None
    return f"Expected an integer from {SMALLEST_INTEGER} to {LARGEST_INTEGER}"


def _timestamp(value: datetime) -> str | None:
    try:
        value.astimezone(UTC)
    except OverflowError:
        return "Expected a timestamp between the years 1 and 9999 in UTC"
    return None


def _decimal(scale: int | None, minimum: Decimal | None, maximum: Decimal | None) -> Callable[[Decimal], str | None]:
    def rule(value: Decimal) -> str | None:
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        if scale is not None:
            if -exponent > scale:
                return f"Expected at most {scale} digits after the point"
            if len(digits) + exponent > DECIMAL_PRECISION - scale:
                return f"Expected at most {DECIMAL_PRECISION - scale} digits before the point"
        if minimum is not None and value < minimum:
            return f"Expected a decimal >= {minimum}"
        if maximum is not None and value > maximum:
            return f"Expected a decimal <= {maximum}"
        return None

    return rule


def _require_sane(value: object) -> None:
    """Refuses what JSON can say and PostgreSQL's jsonb can't hold, and what is nested too deeply to be read."""
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                for key, each in node.items():
                    _require_scalar(key)
                    if isinstance(each, dict | list):
                        below.append(each)
                    else:
                        _require_scalar(each)
            elif isinstance(node, list):
                for each in node:
                    if isinstance(each, dict | list):
                        below.append(each)
                    else:
                        _require_scalar(each)
            else:
                _require_scalar(node)
        if not below:
            return
        level = below
    raise Refused(f"Expected at most {MOST_LEVELS} levels of nesting")


def _require_scalar(value: object) -> None:
    if isinstance(value, str):
        if wrong := _text(value):
            raise Refused(wrong)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused("Expected a number that a double can hold")
