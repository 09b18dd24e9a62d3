"""What differs between a resource as it is and as it is wanted, and whether that replaces it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from groundplan.cloud.catalogue.kind import Kind
from groundplan.cloud.replaced import reason_to_replace
from groundplan.cloud.wire import CONTENT, UNKNOWN, same_content

_NEVER_REPLACING = ("tags", "tagsAll", "forceDestroy", "skipDestroy", "timeouts")


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs."""

    path: str
    kind: Literal["add", "delete", "update"]
    replaces: bool


def changes(kind: Kind, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Change]:
    """Every differing leaf; what the engine keeps for itself (`__defaults`) doesn't count."""
    return [
        Change(path, how, bool(replaced_by(kind, path, how))) for path, how in _differences(_own(olds), _own(news), "")
    ]


def _own(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if not key.startswith("__") and value is not None}


def _differences(old: object, new: object, path: str) -> Iterator[tuple[str, Literal["add", "delete", "update"]]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{path}.{key}" if path else key
            if new.get(key) is None and old.get(key) is None:
                continue
            if new.get(key) is None:
                yield inner, "delete"
            elif old.get(key) is None:
                yield inner, "add"
            else:
                yield from _differences(old[key], new[key], inner)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            inner = f"{path}[{index}]"
            if index >= len(new):
                yield inner, "delete"
            elif index >= len(old):
                yield inner, "add"
            else:
                yield from _differences(old[index], new[index], inner)
    elif isinstance(old, CONTENT) and isinstance(new, CONTENT):
        if not same_content(old, new):
            yield path, "update"
    elif new is UNKNOWN or old != new:
        yield path, "update"


def replaced_by(kind: Kind, path: str, how: str = "update") -> str:
    """Why a change of a property replaces the resource, with its source; empty when the change is made in place."""
    plain = "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
    if plain.partition(".")[0] in _NEVER_REPLACING:
        return ""
    # A property that is taken away keeps the value that the service gave it.
    source = reason_to_replace(kind.type, plain) if how != "delete" else ""
    if source:
        return source
    if any(each == "*" or plain == each or plain.startswith(f"{each}.") for each in kind.replaces):
        return f"pulumi_{kind.type.partition(':')[0]}: another value replaces the resource"
    return ""
