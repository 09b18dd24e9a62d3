"""Options of a field that fit its type, and each other (D1, S6)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import FieldType, ResourceField, System
from groundplan.problems import Finding, Path, did_you_mean, listed, printable

ONLY_WITH = {
    "max_length": (FieldType.STRING, FieldType.TEXT),
    "minimum": (FieldType.INTEGER, FieldType.DECIMAL),
    "maximum": (FieldType.INTEGER, FieldType.DECIMAL),
    "scale": (FieldType.DECIMAL,),
    "values": (FieldType.ENUM,),
    "to": (FieldType.REFERENCE,),
    "default": (
        FieldType.STRING,
        FieldType.TEXT,
        FieldType.INTEGER,
        FieldType.DECIMAL,
        FieldType.BOOLEAN,
        FieldType.ENUM,
    ),
}
_DEFAULTS: dict[FieldType, tuple[type, ...]] = {
    FieldType.STRING: (str,),
    FieldType.TEXT: (str,),
    FieldType.INTEGER: (int,),
    FieldType.DECIMAL: (int, float),
    FieldType.BOOLEAN: (bool,),
    FieldType.ENUM: (str,),
}
_BIGINT = 2**63
_BOOLEAN, _STRING = FieldType.BOOLEAN, FieldType.STRING

# An entry of a B-tree has at most a third of an 8 KB page, 2,704 bytes, and a character up to four:
# https://www.postgresql.org/docs/17/btree.html
_LONGEST_INDEXED = 650


def check_fields(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for resource_name, resource in service.resources.items()
        for name, field in resource.fields.items()
        for finding in _field(
            name == resource.owner, ("services", service_name, "resources", resource_name, "fields", name), field
        )
    ]


def _field(owner: bool, path: Path, field: ResourceField) -> Iterator[Finding]:
    yield from _misplaced(path, field)
    yield from _missing(path, field)
    yield from _bounds(path, field)
    yield from _index(path, field)
    if field.default is not None and field.type in _DEFAULTS:
        yield from _default(owner, (*path, "default"), field, field.default)
    if field.personal and field.indexed:
        expected = "no `indexed` beside `personal`: lists filter and sort by it, which would put its values into URLs"
        yield Finding((*path, "indexed"), "true", expected, "remove `indexed` (`unique` may stay), or `personal`")
    values = field.values or []
    for position, value in enumerate(values):
        if value in values[:position]:
            yield Finding((*path, "values", position), value, "each value once", "remove one of the two")


def _misplaced(path: Path, field: ResourceField) -> Iterator[Finding]:
    for option, types in ONLY_WITH.items():
        if getattr(field, option) is not None and field.type not in types:
            expected = f"`{option}` only with the type {listed(types)}; this is `{field.type}`"
            yield Finding((*path, option), "given", expected, "remove it, or change the type")


def _missing(path: Path, field: ResourceField) -> Iterator[Finding]:
    if field.type is FieldType.ENUM and field.values is None:
        yield Finding(path, "an enum without `values`", "the allowed values", "add `values: [first, second]`")
    if field.type is FieldType.REFERENCE and field.to is None:
        expected = "what it refers to: a resource of this service, or `service.resource`"
        yield Finding(path, "a reference without `to`", expected, "add `to: <resource>`")


def _bounds(path: Path, field: ResourceField) -> Iterator[Finding]:
    if field.type not in ONLY_WITH["minimum"]:
        return
    for option in ("minimum", "maximum"):
        bound = getattr(field, option)
        if bound is None or field.type is not FieldType.INTEGER:
            continue
        if isinstance(bound, float) and not bound.is_integer():
            expected = "a whole number, for the type is `integer`"
            yield Finding((*path, option), str(bound), expected, "round it, or use the type `decimal`")
        elif not -_BIGINT <= bound < _BIGINT:
            expected = "a number of 64 bits, PostgreSQL's largest integer"
            yield Finding((*path, option), f"{bound:.3g}", expected, "bring it closer to 0, or use the type `decimal`")
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        expected = f"at most the maximum, {field.maximum}"
        yield Finding((*path, "minimum"), str(field.minimum), expected, "swap the two, or correct one")


def _default(owner: bool, path: Path, field: ResourceField, default: bool | float | str) -> Iterator[Finding]:
    shown = printable(default)
    if owner:
        yield Finding(path, shown, "no default of the owner: it is the caller when left out", "remove it")
    elif field.unique:
        yield Finding(path, shown, "no default beside `unique`: two rows could not have it", "remove one of the two")
    elif not isinstance(default, _DEFAULTS[field.type]) or (isinstance(default, bool) is not (field.type is _BOOLEAN)):
        kinds = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        expected = f"{kinds[_DEFAULTS[field.type][-1]]}, for the type is `{field.type}`"
        quote = f'put it in quotes: "{default}"' if _DEFAULTS[field.type] == (str,) else "correct it"
        yield Finding(path, shown, expected, quote)
    elif isinstance(default, str):
        longest = _length(field)
        if field.values is not None and default not in field.values:
            expected = f"one of the values {listed(field.values)}"
            yield Finding(path, shown, expected, did_you_mean(default, field.values, "choose one of them"))
        elif field.values is None and (field.max_length or field.type is _STRING) and len(default) > longest:
            yield Finding(path, shown, f"at most {longest} characters, its `max_length`", "shorten it")
    else:
        yield from _default_number(path, field, default)


def _default_number(path: Path, field: ResourceField, default: float) -> Iterator[Finding]:
    if field.minimum is not None and default < field.minimum:
        yield Finding(path, printable(default), f"at least {field.minimum}, its minimum", "raise it")
    elif field.maximum is not None and default > field.maximum:
        yield Finding(path, printable(default), f"at most {field.maximum}, its maximum", "lower it")
    elif abs(default) >= _BIGINT:
        yield Finding(path, printable(default), "a number of 64 bits, PostgreSQL's largest integer", "lower it")
    elif field.type is FieldType.DECIMAL:
        scale = 2 if field.scale is None else field.scale
        if "e" in str(default) or len(str(default).partition(".")[2].rstrip("0")) > scale:
            yield Finding(path, printable(default), f"at most {scale} digits after the point, its `scale`", "round it")


def _index(path: Path, field: ResourceField) -> Iterator[Finding]:
    if not (field.unique or field.indexed):
        return
    option = "unique" if field.unique else "indexed"
    if field.type is FieldType.JSON:
        expected = "no index on `json`: lists neither filter nor sort by a whole document"
        yield Finding((*path, option), "true", expected, "remove it, and give what is looked up a field of its own")
    elif field.type is FieldType.BOOLEAN and field.unique:
        expected = "no `unique` on `boolean`: a table could have two rows"
        yield Finding((*path, option), "true", expected, "remove it")
    elif field.type in ONLY_WITH["max_length"] and _length(field) > _LONGEST_INDEXED:
        expected = (
            f"a `max_length` of at most {_LONGEST_INDEXED} on a field with an index, for PostgreSQL's entries are short"
        )
        yield Finding(
            (*path, option), "true", expected, f"add `max_length: {_LONGEST_INDEXED}` or less, or drop the index"
        )


def _length(field: ResourceField) -> int:
    """Characters that a value may have; text without a limit has more than any index holds."""
    if field.max_length is not None:
        return field.max_length
    return 255 if field.type is FieldType.STRING else _LONGEST_INDEXED + 1
