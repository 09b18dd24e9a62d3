"""What a replacement of one resource changes in others: they name it by an id or an address that is then another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.cloud import Cloud
from groundplan.cloud.item import Item, leaves
from groundplan.cloud.model import Resource
from groundplan.cloud.names import physical_name
from groundplan.cloud.transitions import item_of

_SHORTEST = 6
"""Characters of a value that is anyone's own; what is shorter says nothing of whose it is."""


class Identities:
    """Values that stand for replaced resources, and what stands there afterwards."""

    def __init__(self, cloud: Cloud, resources: Mapping[str, Resource]) -> None:
        self._cloud = cloud
        self._resources = resources
        self._new: dict[str, dict[str, str]] = {}
        """By URN of what is replaced, each value that is its own, and the one that takes its place."""
        self._reached: dict[str, frozenset[str]] = {}

    def replaced(self, resource: Resource, generation: int = 1) -> Item:
        """Note that a resource as it is wanted takes the place of one, for that many times; returns what is then there.

        A program that runs in a fresh account calls it what the first one would be called.
        """
        made = self._made(resource, generation)
        before = dict(_values(self._made(resource, 0)))
        self._new[resource.urn] = {
            before[path]: value
            for path, value in _values(made)
            if len(before.get(path, "")) >= _SHORTEST and before[path] != value
        }
        self._reached.clear()
        return made

    def apply(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """A resource's inputs as they are after the replacements, and the URNs of those that they name.

        Only what it depends on, directly or not, can have given it a value: some hand on what they were given.
        """
        owners = self._owners(resource)
        if not owners:
            return dict(resource.inputs), ()
        values = {old: (new, urn) for urn in owners for old, new in self._new[urn].items()}
        ordered = sorted(values, key=len, reverse=True)
        named: dict[str, None] = {}

        def applied(value: Any) -> Any:  # noqa: ANN401  # any property
            if isinstance(value, str):
                for old in ordered:
                    if old in value:
                        new, urn = values[old]
                        named[urn] = None
                        value = value.replace(old, new)
                return value
            if isinstance(value, Mapping):
                return {key: applied(each) for key, each in value.items()}
            if isinstance(value, list):
                return [applied(each) for each in value]
            return value

        return {key: applied(value) for key, value in resource.inputs.items()}, tuple(named)

    def _owners(self, resource: Resource) -> frozenset[str]:
        """What is replaced among all that a resource depends on."""
        if not self._new:
            return frozenset()
        known = self._reached.get(resource.urn)
        if known is None:
            self._reached[resource.urn] = frozenset()  # nothing depends on itself
            found = set(resource.dependencies & self._new.keys())
            for urn in resource.dependencies:
                other = self._resources.get(urn)
                if other is not None:
                    found |= self._owners(other)
            known = self._reached[resource.urn] = frozenset(found)
        return known

    def _made(self, resource: Resource, generation: int) -> Item:
        kind = kind_of(resource.type)
        item = replace(item_of(resource, generation=generation), id="", outputs={})
        item.physical_name = physical_name(item, kind)
        self._cloud.identify(item, kind)
        return item


def _values(item: Item) -> Iterator[tuple[str, str]]:
    yield "id", item.id
    for path, value in leaves(item.outputs, ""):
        # DNS names stand with their last dot and without.
        yield path, value.rstrip(".")
