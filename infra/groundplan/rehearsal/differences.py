"""What a change does to what is deployed, and whether anything that holds data would be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from groundplan.changes import classify
from groundplan.cloud.catalogue import kind_of
from groundplan.cloud.model import Simulation
from groundplan.cloud.refusals import Refusal

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
    """What deploying ``after`` over ``before`` does, resource by resource (URN); over nothing, it creates all."""
    found = classify(before.resources if before is not None else (), after.resources)
    return replace(
        difference_of({each.urn: each.operation for each in found.changes}),
        unchanged=found.unchanged,
        refusals=found.refusals,
    )


def type_of(urn: str) -> str:
    """The type token of a URN, without those of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def holds_data(urn: str) -> bool:
    """Whether a replacement of the resource would lose what is in it."""
    token = type_of(urn)
    return token.partition(":")[0] in ("aws", "random") and kind_of(token).stateful
