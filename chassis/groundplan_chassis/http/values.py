"""Parses single values from JSON or a query string, as strictly as a database column."""

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

from groundplan_chassis.fields import (
    DATE_PATTERN,
    LARGEST_INTEGER,
    SMALLEST_INTEGER,
    TIMESTAMP_PATTERN,
    UUID_PATTERN,
    VISIBLE,
    decimal_pattern,
)

MOST_LEVELS: Final = 32
"""Deepest nesting in a field of type json."""
MOST_MATCHED: Final = 10_000
"""Most characters of a text that an expression is matched with: those that a declared field may have. A megabyte took
0.6 s, and 300 MB."""
MOST_VALUES: Final = 20_000
"""Most values of a body, at every depth. A megabyte may hold half a million of them: 0.3 s of the process, in which
no other request is answered, and thirty times its bytes in memory."""
_MOST_ZEROS: Final = 64 * 1024
MOST_LONGER: Final = _MOST_ZEROS + 16 * MOST_VALUES
"""Most bytes by which a value of type json becomes longer: PostgreSQL writes numbers without an exponent, `1e308` with
309 digits. The smallest and largest numbers have _MOST_ZEROS more together, all others 16 each (`1e15`)."""


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
_PATTERNS: Final = {Kind.DATE: DATE_PATTERN, Kind.TIMESTAMP: TIMESTAMP_PATTERN, Kind.UUID: UUID_PATTERN}
_EXPECTED: Final = {
    Kind.DATE: 'Expected a date, for example "2026-01-31"',
    Kind.TIMESTAMP: 'Expected a timestamp with its offset, for example "2026-01-31T12:00:00Z"',
    Kind.UUID: "Expected a UUID with its hyphens",
    Kind.BOOLEAN: "Expected true or false",
}
_LARGEST_EXACT: Final = 2**53 - 1
"""Largest integer that no other one shares its double with."""
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_MESSAGE: Final = re.compile(r"(?s)(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?")


class Refused(ValueError):
    """An invalid value; ``path`` leads from the field to the invalid part (`[0].name`)."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


@dataclass(frozen=True, slots=True)
class TextForm:
    """The rules of `groundplan_chassis.fields.text`."""

    format: str | None
    patterns: tuple[str, ...]

    @property
    def longest(self) -> int | None:
        """Most characters of a text that has no bound of its own; None: any number."""
        return None if all(pattern == VISIBLE for pattern in self.patterns) else MOST_MATCHED


@dataclass(frozen=True, slots=True)
class ValueType:
    """The values that a field's annotation allows."""

    annotation: Any
    kind: Kind
    nullable: bool
    shape: inspect.Type
    """The type for msgspec, without None and annotations."""
    pattern: re.Pattern[str] | None
    """The type of values that are strings in JSON."""
    expected: str | None
    """The message for clients, where it is clearer than msgspec's."""
    rule: Callable[[Any], str | None] | None
    """Checks a converted value and returns the error."""
    form: TextForm | None = None
    """What a text has to look like."""

    def from_json(self, value: object) -> object:
        """The typed value of what a JSON document holds. Raises Refused."""
        if value is None and self.nullable:
            return None
        if self.pattern is not None and not (isinstance(value, str) and self.pattern.fullmatch(value)):
            raise Refused(self.expected or "Not valid")
        if self.kind is Kind.JSON:
            _require_sane(value)
        elif self.kind is Kind.INTEGER and isinstance(value, float) and value.is_integer():
            # To JSON Schema 3.0 is an integer. Of a larger one the double may have dropped digits that were sent.
            if abs(value) > _LARGEST_EXACT:
                raise Refused("Expected an integer written in digits alone, so that none is lost")
            value = int(value)
        try:
            typed: object = msgspec.convert(value, self.annotation)
        except msgspec.ValidationError as error:
            found = _MESSAGE.fullmatch(str(error))
            assert found is not None
            raise Refused(self.expected or found["message"], found["path"] or "") from None
        if self.rule is not None and (wrong := self.rule(typed)):
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
                raise Refused(_EXPECTED[Kind.BOOLEAN])
            return text == "true"
        return self.from_json(text)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of an enum."""
        return _choices(self.shape)


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
    form = None
    pattern, expected, rule = _PATTERNS.get(kind), _EXPECTED.get(kind), _RULES.get(kind)
    if kind is Kind.DECIMAL:
        pattern, expected, rule = _decimal(extra)
    elif kind is Kind.ENUM:
        expected = f"Expected one of: {', '.join(_choices(found))}"
    elif isinstance(found, inspect.IntType):
        expected = "Expected an integer from {} to {}".format(*integer_bounds(found))
    elif isinstance(found, inspect.StrType):
        expected = _string(found)
        if "patterns" in extra:
            form = TextForm(extra.get("format"), extra["patterns"])
            rule = _formed(form)
    elif isinstance(found, inspect.DictType):
        expected = "Expected a JSON object"
    return ValueType(
        annotation=annotation,
        kind=kind,
        nullable=nullable,
        shape=found,
        pattern=re.compile(pattern) if pattern is not None else None,
        expected=expected,
        rule=rule,
        form=form,
    )


def _choices(shape: inspect.Type) -> tuple[str, ...]:
    if isinstance(shape, inspect.LiteralType):
        return tuple(str(each) for each in shape.values)
    if isinstance(shape, inspect.EnumType):
        return tuple(str(each.value) for each in shape.cls)
    return ()


def integer_bounds(shape: inspect.IntType) -> tuple[int, int]:
    """Smallest and largest: those that are declared, within those of the column."""
    smallest, largest = SMALLEST_INTEGER, LARGEST_INTEGER
    if shape.ge is not None or shape.gt is not None:
        smallest = max(smallest, int(shape.ge) if shape.ge is not None else int(shape.gt or 0) + 1)
    if shape.le is not None or shape.lt is not None:
        largest = min(largest, int(shape.le) if shape.le is not None else int(shape.lt or 0) - 1)
    return smallest, largest


def _string(shape: inspect.StrType) -> str:
    bounds = []
    if shape.min_length:
        bounds.append(f" of at least {shape.min_length}")
    if shape.max_length is not None:
        bounds.append(f" of at most {shape.max_length}")
    unit = " characters" if bounds else ""
    form = f" of the form {shape.pattern}" if shape.pattern else ""
    return f"Expected a string{' and'.join(bounds)}{unit}{form}"


def _text(value: str) -> str | None:
    if "\0" in value:
        return "NUL characters are not allowed"
    try:
        value.encode()
    except UnicodeEncodeError:
        # It can be written in JSON, and stored nowhere.
        return "Not valid Unicode: a surrogate without its pair"
    return None


def _formed(form: TextForm) -> Callable[[str], str | None]:
    """Comes after the check of the declared length, if there is one."""
    expressions = [(re.compile(pattern), _said(pattern, form.format)) for pattern in form.patterns]

    def rule(value: str) -> str | None:
        if wrong := _text(value):
            return wrong
        if form.longest is not None and len(value) > form.longest:
            return f"Expected at most {form.longest} characters"
        for expression, said in expressions:
            # `$` also matches before a line break at the end, which no other engine has it do.
            found = expression.search(value)
            if found is None or (expression.pattern.endswith("$") and found.end() < len(value)):
                return said
        return None

    return rule


def _said(pattern: str, form: str | None) -> str:
    if pattern == VISIBLE:
        return "Expected a text with a visible character"
    if form is not None:
        return f"Expected {_FORMS[form]}"
    return f"Expected a string of the form {pattern}"


_FORMS: Final = {
    "email": 'an e-mail address, for example "anna@example.com"',
    "uri": 'a URI with its scheme, for example "urn:isbn:9780141036144"',
    "url": 'an http or https address, for example "https://example.com/a"',
    "hostname": 'a host name, for example "www.example.com"',
    "phone": 'a telephone number with its country, for example "+4930123456"',
    "country": 'two capital letters, for example "DE"',
    "currency": 'three capital letters, for example "EUR"',
    "language": 'a language, for example "en" or "pt-BR"',
}


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


_RULES: Final[dict[Kind, Callable[[Any], str | None]]] = {
    Kind.STRING: _text,
    Kind.INTEGER: _integer,
    Kind.TIMESTAMP: _timestamp,
}


def _decimal(extra: dict[str, Any]) -> tuple[str, str, Callable[[Decimal], str | None]]:
    """Checks the bounds and the scale of `groundplan_chassis.fields.number`."""
    bounds = {name: Decimal(str(extra[name])) for name in ("minimum", "maximum") if name in extra}
    minimum, maximum = bounds.get("minimum"), bounds.get("maximum")
    scale = extra.get("scale")

    def rule(value: Decimal) -> str | None:
        if minimum is not None and value < minimum:
            return f"Expected a decimal >= {minimum}"
        if maximum is not None and value > maximum:
            return f"Expected a decimal <= {maximum}"
        return None

    digits = "" if scale is None else f" with at most {scale} digits after the point"
    sign = "" if minimum is None or minimum < 0 else ", not negative"
    return (
        decimal_pattern(scale, negative=not sign),
        f"Expected a decimal as a string{digits}{sign}",
        rule,
    )


def _require_sane(value: object) -> None:
    """Refuses values that are valid JSON but not valid jsonb in PostgreSQL, and too deep nesting."""
    level = [value]
    zeros = 0
    for _ in range(MOST_LEVELS + 1):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                for key, each in node.items():
                    _require_scalar(key)
                    below.append(each)
            elif isinstance(node, list):
                below.extend(node)
            else:
                _require_scalar(node)
                if isinstance(node, float) and node and not 1e-4 <= abs(node) < 1e16:
                    zeros += abs(math.frexp(node)[1]) * 3 // 10
        if zeros > _MOST_ZEROS:
            raise Refused(f"Expected numbers that take at most {_MOST_ZEROS} digits more without their exponents")
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
