"""JSON Schemas of bodies and parameters, from the types that validate them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import inspect

from groundplan_chassis.fields import TIMESTAMP_PATTERN
from groundplan_chassis.http.values import Kind, Refused, TextForm, ValueType, integer_bounds, value_type

Schema = dict[str, Any]

_EXAMPLES: Final[dict[Kind, Any]] = {
    Kind.STRING: "text",
    Kind.INTEGER: 1,
    Kind.DECIMAL: "12.50",
    Kind.BOOLEAN: True,
    Kind.DATE: "2026-01-31",
    Kind.TIMESTAMP: "2026-01-31T12:00:00Z",
    Kind.UUID: "0190163d-8694-739b-aea5-966c26f8ad91",
    Kind.JSON: {},
}


_FORM_EXAMPLES: Final = (
    "anna@example.com",
    "https://example.com/a",
    "www.example.com",
    "+4930123456",
    "DE",
    "EUR",
    "en",
    "urn:isbn:9780141036144",
    *("A" * length for length in (1, 4, 8, 12)),
    *("a" * length for length in (1, 4, 8, 12)),
    *("1234567890123456"[:length] for length in (1, 4, 8, 13, 16)),
    "A-1",
    "AB-1234",
    "ab-12",
)
"""Texts of usual forms: the first that fits is shown."""


def struct_schema(struct: type[msgspec.Struct], *, closed: bool = True) -> Schema:
    """The schema of a resource's item or body. ``closed``: no other properties."""
    fields = msgspec.structs.fields(struct)
    schema: Schema = {
        "type": "object",
        "properties": {field.encode_name: _property(field) for field in fields},
    }
    required = [field.encode_name for field in fields if field.required]
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return schema


def _property(field: msgspec.structs.FieldInfo) -> Schema:
    schema = value_schema(value_type(field.type))
    if field.default not in (msgspec.NODEFAULT, None):
        schema = {**schema, "default": msgspec.to_builtins(field.default)}
    description = _description(inspect.type_info(field.type))
    return {**schema, "description": description} if description else schema


def value_schema(kind: ValueType) -> Schema:
    schema = _schema(kind)
    if kind.nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def parameter_schema(kind: ValueType) -> Schema:
    """The schema as a query parameter: a query string has no null."""
    return _schema(kind)


def _schema(kind: ValueType) -> Schema:
    match kind.kind:
        case Kind.STRING:
            assert isinstance(kind.shape, inspect.StrType)
            limits = {
                "minLength": kind.shape.min_length,
                "maxLength": _longest(kind.shape, kind.form),
                "pattern": kind.shape.pattern,
            }
            return {"type": "string", **_given(limits), **_form(kind.form)}
        case Kind.INTEGER:
            assert isinstance(kind.shape, inspect.IntType)
            smallest, largest = integer_bounds(kind.shape)
            return {"type": "integer", "format": "int64", "minimum": smallest, "maximum": largest}
        case Kind.DECIMAL:
            assert kind.pattern is not None
            return {"type": "string", "pattern": kind.pattern.pattern}
        case Kind.BOOLEAN:
            return {"type": "boolean"}
        case Kind.DATE:
            return {"type": "string", "format": "date"}
        case Kind.TIMESTAMP:
            return {"type": "string", "format": "date-time", "pattern": TIMESTAMP_PATTERN}
        case Kind.UUID:
            return {"type": "string", "format": "uuid"}
        case Kind.ENUM:
            return {"type": "string", "enum": list(kind.choices)}
        case Kind.JSON:
            return {"type": "object"} if isinstance(kind.shape, inspect.DictType) else _composed(kind)


def _longest(shape: inspect.StrType, form: TextForm | None) -> int | None:
    return form.longest if shape.max_length is None and form is not None else shape.max_length


def _form(form: TextForm | None) -> Schema:
    if form is None:
        return {}
    schema: Schema = {} if form.format not in _STANDARD_FORMATS else {"format": _STANDARD_FORMATS[form.format]}
    if len(form.patterns) == 1:
        schema["pattern"] = form.patterns[0]
    elif form.patterns:
        schema["allOf"] = [{"pattern": pattern} for pattern in form.patterns]
    return schema


_STANDARD_FORMATS: Final = {"email": "email", "uri": "uri", "url": "uri", "hostname": "hostname"}
"""The formats that JSON Schema has a name for."""


def _composed(kind: ValueType) -> Schema:
    """The schema of a type that declarations don't have but a service's own code may use."""
    (schema,), _ = msgspec.json.schema_components([kind.annotation])
    return schema


def _given(values: Schema) -> Schema:
    return {name: value for name, value in values.items() if value is not None}


def _description(found: inspect.Type) -> str:
    if isinstance(found, inspect.Metadata):
        said = (found.extra_json_schema or {}).get("description", "")
        return str(said) or _description(found.type)
    if isinstance(found, inspect.UnionType):
        return next((said for each in found.types if (said := _description(each))), "")
    return ""


def struct_example(struct: type[msgspec.Struct], names: Iterable[str] | None = None) -> Schema:
    """A value of the type; ``names``: only these fields. Fields of which no example is known are left out."""
    wanted = None if names is None else frozenset(names)
    found: Schema = {}
    for field in msgspec.structs.fields(struct):
        if wanted is None or field.encode_name in wanted:
            example = _example(value_type(field.type))
            if example is not None:
                found[field.encode_name] = example
    return found


def _declared_examples(found: inspect.Type) -> list[Any]:
    if isinstance(found, inspect.Metadata):
        return [*(found.extra_json_schema or {}).get("examples", []), *_declared_examples(found.type)]
    if isinstance(found, inspect.UnionType):
        return [each for member in found.types for each in _declared_examples(member)]
    return []


def _example(kind: ValueType) -> Any:  # noqa: ANN401 - any JSON value
    candidates: list[Any] = [*_declared_examples(inspect.type_info(kind.annotation)), *kind.choices]
    if kind.kind in _EXAMPLES:
        candidates.append(_EXAMPLES[kind.kind])
    if kind.form is not None:
        candidates += _FORM_EXAMPLES
    if kind.kind is Kind.STRING and isinstance(kind.shape, inspect.StrType):
        candidates.append("x" * (kind.shape.min_length or 1))
    if kind.kind is Kind.INTEGER:
        schema = _schema(kind)
        candidates += [schema["minimum"], schema["maximum"]]
    if kind.kind is Kind.DECIMAL:
        candidates += ["0", "1", "100", "1000000"]
    for candidate in candidates:
        try:
            kind.from_json(candidate)
        except Refused:
            continue
        return candidate
    return None
