"""What pydantic says of a wrong shape, in the words of a YAML author."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from groundplan.declaration.words import IN_WORDS, in_form
from groundplan.problems import Finding, Path, did_you_mean, listed, printable

_SAID = "said"

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "date_type": "a date such as 2026-01-31",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def said(expected: str, remedy: str) -> PydanticCustomError:
    """What a validator of ours raises: the two sentences of a `Finding`."""
    # Handed over as context, never as the template: a brace in a sentence would be read as a placeholder.
    return PydanticCustomError(_SAID, "not as expected", {"expected": expected, "remedy": remedy})


def findings_of(
    error: ValidationError, model: type[BaseModel], values: object, text_at: Callable[[Path], str | None]
) -> list[Finding]:
    """A finding for each wrong place; ``text_at`` gives a scalar as it was written, where that is known."""
    found: dict[Path, Finding] = {}
    for details in error.errors(include_url=False):
        finding = _finding(details, model, values, text_at)
        # Where a union was expected each member complains; the last is the most general one.
        found[finding.path] = finding
    return list(found.values())


def keys_at(model: type[BaseModel], path: Path) -> dict[str, FieldInfo]:
    """The keys that the model knows at a path; empty where any name goes, or where there is no mapping."""
    annotation: Any = model
    for part in path:
        inner = without_none(annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            field = inner.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:
            arguments = typing.get_args(inner)
            annotation = arguments[-1] if arguments else None
    inner = without_none(annotation)
    return dict(inner.model_fields) if isinstance(inner, type) and issubclass(inner, BaseModel) else {}


def without_none(annotation: Any) -> Any:  # noqa: ANN401  # a type, an alias or a special form
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        return without_none(members[0])
    return annotation


def _finding(
    details: ErrorDetails, model: type[BaseModel], values: object, text_at: Callable[[Path], str | None]
) -> Finding:
    kind, location, value = details["type"], details["loc"], details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    if kind == "missing":
        name = str(location[-1])
        field = keys_at(model, location[:-1]).get(name)
        meaning = f" ({_sentence(field.description)})" if field and field.description else ""
        return Finding(location, "missing", f"`{name}`{meaning}", f"add `{name}:` here")
    if kind == "extra_forbidden":
        known = keys_at(model, location[:-1])
        remedy = did_you_mean(str(location[-1]), known, otherwise="remove it")
        return Finding(location, printable(value), f"one of the keys {listed(known)}", remedy)
    path = _existing(location, values)
    expected, remedy = _said(kind, context, value, text_at(path)) or (details["msg"], "correct it")
    return Finding(path, printable(value), expected, remedy)


def _existing(location: Path, values: object) -> Path:
    """The location without what pydantic adds to it, such as `[key]` or the member of a union."""
    depth = 0
    for part in location:
        try:
            values = values[part]  # type: ignore[index]  # a value without parts ends the walk
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    return location[:depth]


def _said(kind: str, context: Mapping[str, Any], value: object, text: str | None) -> tuple[str, str] | None:
    if kind == _SAID:
        return context["expected"], context["remedy"]
    if kind in ("literal_error", "enum"):
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        choose = f"choose one of {listed(choices)}"
        if not isinstance(value, str):
            return f"one of {listed(choices)}", choose
        return f"one of {listed(choices)}", did_you_mean(value, choices, otherwise=choose)
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        better = in_form(pattern, str(value))
        return IN_WORDS.get(pattern, f"text that matches {pattern}"), f"write `{better}`" if better else "correct it"
    if kind in _KINDS:
        return _KINDS[kind], _retyped(kind, value, text)
    return _bound(kind, context)


def _retyped(kind: str, value: object, text: str | None) -> str:
    """How to turn what was written into the kind of value that was expected."""
    if value is None:
        return "give it a value, or remove the line"
    if kind == "string_type":
        if isinstance(value, dict) and len(value) == 1:
            key, inner = next(iter(value.items()))
            if isinstance(inner, str | None):
                return f'write it without a space and in quotes: "{str(key)[:40]}:{str(inner or "")[:40]}"'
        if isinstance(value, dict | list):
            return "write one text in its place"
        return f'put it in quotes: "{text or printable(value)}"'
    if kind == "list_type":
        return f"write it as a list: [{printable(value)}]" if isinstance(value, str | int | float) else "write a list"
    if kind in ("dict_type", "model_type"):
        return f"write `name: …` lines{', without dashes' if isinstance(value, list) else ' below it'}"
    if kind == "bool_type":
        return "write true or false"
    if kind == "date_type":
        return "write year, month and day as in 2026-01-31"
    if isinstance(value, str) and _is_number(value):
        return f"write it without quotes: {value.strip().lstrip('0') or '0'}"
    return "write it in plain digits"


def _is_number(text: str) -> bool:
    stripped = text.strip()
    return stripped.removeprefix("-").replace(".", "", 1).isdigit() and stripped.isascii()


def _bound(kind: str, context: Mapping[str, Any]) -> tuple[str, str] | None:
    match kind:
        case "greater_than":
            return f"more than {_number(context['gt'])}", "raise it"
        case "greater_than_equal":
            return f"at least {_number(context['ge'])}", "raise it"
        case "less_than":
            return f"less than {_number(context['lt'])}", "lower it"
        case "less_than_equal":
            return f"at most {_number(context['le'])}", "lower it"
        case "string_too_short":
            return f"at least {_counted(context['min_length'], 'character')}", "lengthen it"
        case "string_too_long":
            return f"at most {_counted(context['max_length'], 'character')}", "shorten it"
        case "too_short":
            return f"at least {_counted(context['min_length'], 'entry')}", "add what is missing"
        case "too_long":
            return f"at most {_counted(context['max_length'], 'entry')}", "remove some, or divide it in two"
    return None


def _counted(count: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"1 {noun}" if count == 1 else f"{count:,} {plural}"


def _number(bound: float) -> str:
    return f"{bound:,.0f}" if bound == int(bound) else f"{bound:g}"


def _sentence(description: str) -> str:
    text = " ".join(description.split()).rstrip(".")
    return text[:1].lower() + text[1:]
