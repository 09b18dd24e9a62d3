"""What a change does to what is deployed, and whether anything that holds data would be lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from infra.simulation.catalogue import kind_of
from infra.simulation.changes import changes
from infra.simulation.model import Resource, Simulation
from infra.simulation.refusals import Refusal
from infra.simulation.transitions import deleted_first, item_of, names_held_twice, refused_changes

Operation = Literal["same", "create", "update", "replace", "delete"]


@dataclass(frozen=True, slots=True)
class Difference:
    """URNs by what happens to them; components and providers count as well as resources."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: int = 0
    refusals: tuple[Refusal, ...] = ()
    """What AWS or Kubernetes would refuse of these changes; of the engine's own runs its errors tell."""

    @property
    def lost(self) -> tuple[str, ...]:
        """What holds data and is replaced or deleted."""
        return tuple(urn for urn in (*self.replaced, *self.deleted) if holds_data(urn))

    @property
    def touched(self) -> tuple[str, ...]:
        """What holds data and does not stay exactly as it is."""
        return tuple(urn for urn in (*self.updated, *self.replaced, *self.deleted) if holds_data(urn))

    @property
    def nothing(self) -> bool:
        return not (self.created or self.updated or self.replaced or self.deleted)

    def __str__(self) -> str:
        counted = (
            (len(self.created), "created"),
            (len(self.updated), "changed in place"),
            (len(self.replaced), "replaced"),
            (len(self.deleted), "deleted"),
            (self.unchanged, "unchanged"),
        )
        return ", ".join(f"{count} {what}" for count, what in counted if count) or "nothing"


def difference_of(operations: Mapping[str, Operation]) -> Difference:
    """A difference from what happens to each URN, in the order given."""

    def urns(operation: Operation) -> tuple[str, ...]:
        return tuple(urn for urn, each in operations.items() if each == operation)

    return Difference(urns("create"), urns("update"), urns("replace"), urns("delete"), len(urns("same")))


def compare(before: Simulation | None, after: Simulation) -> Difference:
    """What deploying ``after`` over ``before`` does, resource by resource (URN); over nothing, it creates all.

    A resource is replaced when a property changes that its catalogue entry says can't be changed in place.
    """
    old = {resource.urn: resource for resource in before.resources} if before is not None else {}
    new = {resource.urn: resource for resource in after.resources}
    operations: dict[str, Operation] = {urn: _operation(old.get(urn), resource) for urn, resource in new.items()}
    operations.update({urn: "delete" for urn, resource in old.items() if urn not in new})
    return replace(difference_of(operations), refusals=tuple(_refusals(old, new, operations)))


def _refusals(
    old: Mapping[str, Resource], new: Mapping[str, Resource], operations: Mapping[str, Operation]
) -> Iterator[Refusal]:
    if not old:
        return
    for urn, operation in operations.items():
        if operation == "update" and new[urn].custom:
            yield from refused_changes(item_of(old[urn]), item_of(new[urn], inputs=_wanted(old[urn], new[urn])))
    arriving = [
        (new[urn], operation == "replace")
        for urn, operation in operations.items()
        if operation in ("create", "replace") and new[urn].custom
    ]
    leaving = [
        old[urn]
        for urn, operation in operations.items()
        if old.get(urn) is not None
        and old[urn].custom
        and (operation == "delete" or (operation == "replace" and not deleted_first(new[urn])))
    ]
    yield from names_held_twice(arriving, leaving)


def type_of(urn: str) -> str:
    """The type token of a URN, without those of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def holds_data(urn: str) -> bool:
    """Whether a replacement of the resource would lose what is in it."""
    token = type_of(urn)
    return token.partition(":")[0] in ("aws", "random") and kind_of(token).stateful


def _operation(old: Resource | None, new: Resource) -> Operation:
    if old is None:
        return "create"
    found = changes(kind_of(new.type), old.inputs, _wanted(old, new)) if new.custom else []
    if any(change.replaces for change in found):
        return "replace"
    wanted = {_top(path) for path in new.replace_on_changes}
    if any(_top(change.path) in wanted or "*" in wanted for change in found):
        return "replace"
    return "update" if found else "same"


def _wanted(old: Resource, new: Resource) -> dict[str, Any]:
    """The new inputs, without the changes that the program ignores."""
    return {**new.inputs, **{key: old.inputs.get(key) for key in map(_top, new.ignore_changes)}}


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
