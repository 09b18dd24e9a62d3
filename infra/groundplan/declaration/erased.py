"""The value that a personal field has after an erasure (S8), as SQL: it says nothing of anyone.

`templates/answers/code.json.jinja` writes the same into services; a test compares both.
"""

from __future__ import annotations

from groundplan.declaration.model import FieldType, ResourceField
from groundplan.declaration.text_rules import TextFormat

_WORD = "erased"
_STRING_LENGTH = 255
_ID_LENGTH = 36
"""Characters of a row's id as text."""
_MAIL_DOMAIN = "@erased.invalid"
"""RFC 2606: no such domain will ever be."""


def erased_value(field: ResourceField) -> str | None:
    """SQL that may depend on the row's id; None where every value of the field's form would say something."""
    if not field.required:
        return "NULL"
    if field.type in (FieldType.STRING, FieldType.TEXT):
        return _text(field)
    if field.type is FieldType.UUID:
        return "id"
    if field.unique:
        return None
    match field.type:
        case FieldType.INTEGER | FieldType.DECIMAL:
            return _number(field)
        case FieldType.BOOLEAN:
            return "false"
        case FieldType.DATE:
            return "'1900-01-01'"
        case FieldType.TIMESTAMP:
            return "'1900-01-01 00:00:00+00'"
        case FieldType.JSON:
            return "'{}'"
        case FieldType.ENUM if field.values:
            return f"'{field.values[0]}'"
    return None


def _text(field: ResourceField) -> str | None:
    longest = field.max_length or (_STRING_LENGTH if field.type is FieldType.STRING else 10_000)
    shortest = field.min_length or 0
    if field.pattern is not None:
        return None
    if field.format is TextFormat.EMAIL:
        return f"id::text || '{_MAIL_DOMAIN}'" if shortest <= _ID_LENGTH + len(_MAIL_DOMAIN) <= longest else None
    if field.format is not None:
        return None
    if field.unique:
        return "id::text" if shortest <= _ID_LENGTH <= longest else None
    return f"'{_WORD.ljust(shortest, '-')[:longest]}'"


def _number(field: ResourceField) -> str:
    if field.minimum is not None and field.minimum > 0:
        return str(field.minimum)
    if field.maximum is not None and field.maximum < 0:
        return str(field.maximum)
    return "0"
