"""Options of a field that fit its type, and each other (D1, S6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from groundplan.declaration.model import FieldType, ResourceField, System
from groundplan.declaration.text_rules import ASCII, SHORTEST, expressions
from groundplan.problems import Finding, Path, listed, printable

ONLY_WITH = {
    "max_length": (FieldType.STRING, FieldType.TEXT),
    "min_length": (FieldType.STRING, FieldType.TEXT),
    "format": (FieldType.STRING,),
    "pattern": (FieldType.STRING,),
    "example": (FieldType.STRING, FieldType.TEXT),
    "minimum": (FieldType.INTEGER, FieldType.DECIMAL),
    "maximum": (FieldType.INTEGER, FieldType.DECIMAL),
    "scale": (FieldType.DECIMAL,),
    "values": (FieldType.ENUM,),
    "to": (FieldType.REFERENCE,),
}
_BIGINT = 2**63

# An entry of a B-tree has at most a third of an 8 KB page, 2,704 bytes, and a character up to four:
# https://www.postgresql.org/docs/17/btree.html
_LONGEST_INDEXED = 650
_LONGEST_CASELESS = 200
"""The same for an index on the normalised value: in capital letters and composed, a character takes up to 12 bytes."""


def check_fields(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for resource_name, resource in service.resources.items()
        for name, field in resource.fields.items()
        for finding in field_findings(("services", service_name, "resources", resource_name, "fields", name), field)
    ]


def field_findings(path: Path, field: ResourceField) -> Iterator[Finding]:
    """Whether the field's options fit each other."""
    yield from _misplaced(path, field)
    yield from _missing(path, field)
    yield from _bounds(path, field)
    yield from _texts(path, field)
    yield from _index(path, field)
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
            remedy = "bring it closer to 0, or use the type `decimal`"
            yield Finding((*path, option), printable(bound), expected, remedy)
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        expected = f"at most the maximum, {printable(field.maximum)}"
        yield Finding((*path, "minimum"), printable(field.minimum), expected, "swap the two, or correct one")


def _texts(path: Path, field: ResourceField) -> Iterator[Finding]:
    textual = field.type in ONLY_WITH["max_length"]
    if not field.blank and not textual:
        expected = f"`blank` only with the type {listed(ONLY_WITH['max_length'])}; this is `{field.type}`"
        yield Finding((*path, "blank"), "false", expected, "remove it, or change the type")
    if field.caseless and not (textual and field.unique):
        expected = f"`caseless` beside `unique` on the type {listed(ONLY_WITH['max_length'])} only"
        yield Finding((*path, "caseless"), "true", expected, "add `unique: true`, or remove it")
    if field.format is not None and field.pattern is not None:
        expected = "`format` or `pattern`, not both: the pattern says all"
        yield Finding((*path, "pattern"), "given", expected, "remove one of the two")
        return
    if not textual:
        return
    least = field.min_length or 0
    if field.format is not None and SHORTEST[field.format] > _length(field):
        expected = f"at least {SHORTEST[field.format]} characters, the shortest {field.format}"
        yield Finding((*path, "max_length"), str(field.max_length), expected, "raise it, or remove the format")
    longest = None if field.type is FieldType.TEXT and field.max_length is None else _length(field)
    if longest is not None and least > longest:
        expected = f"at most the most characters, {longest}"
        yield Finding((*path, "min_length"), str(least), expected, "lower it, or raise `max_length`")
    else:
        yield from _example(path, field)


def _example(path: Path, field: ResourceField) -> Iterator[Finding]:
    if field.example is None:
        needed = field.pattern is not None or (field.format is not None and field.min_length is not None)
        if needed and field.required:
            expected = "an `example` of the form, for readers of the API and for sample rows"
            yield Finding(path, "without `example`", expected, "add `example:` with a value that is taken")
        return
    wanted = wrong_text(field, field.example)
    if wanted is not None:
        yield Finding((*path, "example"), printable(field.example), wanted, "write one that the field takes")


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
    elif field.type in ONLY_WITH["max_length"]:
        most = _LONGEST_CASELESS if field.caseless and field.format not in ASCII else _LONGEST_INDEXED
        if _length(field) > most:
            option = "caseless" if most == _LONGEST_CASELESS else option
            expected = f"a `max_length` of at most {most} on such a field, for PostgreSQL's index entries are short"
            yield Finding((*path, option), "true", expected, f"add `max_length: {most}` or less, or remove `{option}`")


def wrong_text(field: ResourceField, text: str) -> str | None:
    """What was expected instead of the text; None for a value that the field takes."""
    longest = None if field.type is FieldType.TEXT and field.max_length is None else _length(field)
    if len(text) < (field.min_length or 0) or (longest is not None and len(text) > longest):
        return f"{field.min_length or 0} to {longest or 'any number of'} characters"
    if any(re.search(each, text) is None for each in expressions(field.format, field.pattern, blank=field.blank)):
        return "a value of the declared form"
    return None


def _length(field: ResourceField) -> int:
    """Characters that a value may have; text without a limit has more than any index holds."""
    if field.max_length is not None:
        return field.max_length
    return 255 if field.type is FieldType.STRING else _LONGEST_INDEXED + 1
