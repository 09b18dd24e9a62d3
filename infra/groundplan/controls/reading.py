"""How controls read what resources say: nested properties, policies, quantities, OpenAPI documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Path = str | tuple[str | int, ...]
"""`spec.template.0.name`; as a tuple where a key holds a full stop."""
Statement = dict[str, Any]


class Unreadable(Exception):
    """A document that is no JSON, or not of the expected shape."""


def at(value: Any, path: Path) -> Any:  # noqa: ANN401  any part of a resource's properties
    """The value at a path; None where the path ends early."""
    steps = path.split(".") if isinstance(path, str) else path
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, (list, tuple)) and str(step).isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def dotted_path(path: Path) -> str:
    return path if isinstance(path, str) else ".".join(str(step) for step in path)


def includes(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    """Whether ``found`` says what ``wanted`` does. A mapping may hold further keys: a cloud adds its defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(includes(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)):
        return (
            isinstance(found, (list, tuple))
            and len(found) == len(wanted)
            and all(includes(one, other) for one, other in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return bool(found == wanted)


def items(value: Any) -> list[Any]:  # noqa: ANN401
    """A list as it is, nothing for what is absent, else a list of the one value."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def mappings(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401
    """The mappings of a list."""
    return [each for each in items(value) if isinstance(each, Mapping)]


def parsed(text: Any) -> Any:  # noqa: ANN401
    """A JSON document. Raises Unreadable."""
    if not isinstance(text, str):
        raise Unreadable
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unreadable from error


def parsed_or_empty(text: Any) -> dict[str, Any]:  # noqa: ANN401
    """A JSON object, empty where there is none."""
    try:
        value = parsed(text)
    except Unreadable:
        return {}
    return value if isinstance(value, dict) else {}


def statements(document: Any) -> list[Statement]:  # noqa: ANN401
    """A policy's statements, with actions and resources as lists. Raises Unreadable."""
    policy = document if isinstance(document, Mapping) else parsed(document)
    if not isinstance(policy, Mapping):
        raise Unreadable
    found = []
    for statement in items(policy.get("Statement")):
        if not isinstance(statement, Mapping):
            raise Unreadable
        listed = {key: [str(each) for each in items(statement.get(key))] for key in ("Action", "Resource")}
        found.append({**statement, **listed})
    return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Every value that is neither a list nor a mapping, with its property path as Pulumi writes it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def by_name(value: Any) -> dict[str, Any]:  # noqa: ANN401
    """`[{"name": …, "value": …}]` as a mapping."""
    return {str(each.get("name")): each.get("value") for each in mappings(value)}
