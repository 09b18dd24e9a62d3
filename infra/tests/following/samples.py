"""The declaration that these tests change, and how."""

from __future__ import annotations

import copy
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from groundplan.declaration.loader import judge_system
from groundplan.declaration.model import System
from groundplan.following.changes import Takes

DECLARED = Path(__file__).parent / "declared.yaml"
CHANGES = Path(__file__).parent / "changes.yaml"
WORDS = {"one": Takes.ONE, "two": Takes.TWO, "data": Takes.DATA, "refused": Takes.REFUSED}
"""What a change takes, in the table's words."""
_SHORT = {"f": "catalogue/resources/item/fields", "r": "catalogue/resources"}


@cache
def _loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def values() -> dict[str, Any]:
    loaded: dict[str, Any] = copy.deepcopy(_loaded(DECLARED))
    return loaded


def changes() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = copy.deepcopy(_loaded(CHANGES))
    return loaded


def changed(before: dict[str, Any], *several: dict[str, Any]) -> dict[str, Any]:
    """The declaration's values after the changes, in the notation of `changes.yaml`."""
    after = copy.deepcopy(before)
    for change in several:
        for place, name in change.get("move", {}).items():
            above, key = _place(after, place)
            items = [(name if each == key else each, value) for each, value in above.items()]
            above.clear()
            above.update(items)
        for place in change.get("remove", ()):
            above, key = _place(after, place)
            del above[key]
        for place, value in change.get("set", {}).items():
            above, key = _place(after, place)
            above[key] = copy.deepcopy(value)
    return after


def apart(count: int, *, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """So many changes of fields that can be made at once: no two of one field, and none that is refused.

    ``without``: fields that none of them touches.
    """
    found: list[dict[str, Any]] = []
    taken = set(without)
    for change in changes():
        named = [place for key in ("set", "remove", "move") for place in change.get(key, ())]
        places = {place.split("/")[1] for place in named if "/" in place} | set(change.get("move", {}).values())
        of_fields = all(place.startswith("f/") for place in named)
        if change["takes"] != "refused" and of_fields and not places & taken and len(found) < count:
            taken |= places
            found.append(change)
    assert len(found) == count
    return found


def system_of(declared: dict[str, Any]) -> System:
    found = judge_system(declared)
    assert not found, [f"{each.path}: {each.expected}" for each in found]
    return System.model_validate(declared)


def _place(declared: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    head, _, rest = place.partition("/")
    *path, key = f"{_SHORT.get(head, head)}/{rest}".strip("/").split("/")
    above = declared["services"]
    for part in path:
        above = above[part]
    return above, key
