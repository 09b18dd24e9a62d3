"""What a replacement of one resource changes in others: they name it by an id or an address that is then another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.item import Item, leaves
from groundplan.cloud.model import Resource
from groundplan.cloud.names import physical_name
from groundplan.cloud.transitions import item_of

_SHORTEST = 6
"""Characters of a value that is anybody's own; what is shorter says nothing of whose it is."""


class Identities:
    """Values that stand for replaced resources, and what stands there afterwards."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._new: dict[str, dict[str, str]] = {}
        """By URN of what is replaced, each value that is its own, and the one that takes its place."""
        self._patterns: dict[frozenset[str], re.Pattern[str] | None] = {}

    def replaced(self, resource: Resource, generation: int = 1) -> Item:
        """Note that a resource is replaced, for that many times; returns the one that takes its place."""
        made = self._made(resource, generation)
        before = dict(_values(self._made(resource, 0)))
        self._new[resource.urn] = {
            before[path]: value
            for path, value in _values(made)
            if len(before.get(path, "")) >= _SHORTEST and before[path] != value
        }
        return made

    def apply(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A resource's inputs as they are after the replacements, and the URNs of those that they name.

        Only what it depends on can have given it a value.
        """
        owners = frozenset(resource.dependencies & self._new.keys())
        pattern = self._pattern(owners) if owners else None
        if pattern is None:
            return dict(resource.inputs), ()
        values = {old: (new, urn) for urn in owners for old, new in self._new[urn].items()}
        named: dict[str, None] = {}

        def other(match: re.Match[str]) -> str:
            new, urn = values[match[0]]
            named[urn] = None
            return new

        return {key: _applied(value, pattern, other) for key, value in resource.inputs.items()}, tuple(named)

    def _pattern(self, owners: frozenset[str]) -> re.Pattern[str] | None:
        if owners not in self._patterns:
            found = sorted({old for urn in owners for old in self._new[urn]}, key=len, reverse=True)
            self._patterns[owners] = re.compile("|".join(map(re.escape, found))) if found else None
        return self._patterns[owners]

    def _made(self, resource: Resource, generation: int) -> Item:
        kind = kind_of(resource.type)
        item = replace(item_of(resource, generation=generation), id="", outputs={})
        item.physical_name = physical_name(item, kind)
        self._cloud.identify(item, kind)
        return item


def _applied(value: Any, pattern: re.Pattern[str], other: Callable[[re.Match[str]], str]) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return pattern.sub(other, value)
    if isinstance(value, Mapping):
        return {key: _applied(each, pattern, other) for key, each in value.items()}
    if isinstance(value, list):
        return [_applied(each, pattern, other) for each in value]
    return value


def _values(item: Item) -> Iterator[tuple[str, str]]:
    yield "id", item.id
    yield from leaves(item.outputs, "")
