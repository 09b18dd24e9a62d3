"""What a deployment does to what is deployed, resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundplan.cloud.refusals import Refusal

Operation = Literal["create", "update", "replace", "delete"]

When = Literal["at once", "in the window", "at a restart", "never"]
"""When a change takes effect after its deployment: with it; in the resource's weekly maintenance window; once a person
restarts it; or, though it was accepted, not at all."""

Data = Literal["none", "kept", "moved", "lost"]
"""What becomes of what a resource holds: it holds nothing; it stays where it is; it goes to another place, which
`ResourceChange.holds` names; or it is gone."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """How long something is unavailable, in seconds, and where that is written."""

    least: int
    most: int
    source: str

    def __or__(self, other: Interruption) -> Interruption:
        """The longer one: both happen at the same time."""
        return max(self, other, key=lambda each: (each.most, each.least))


@dataclass(frozen=True, slots=True)
class Part:
    """One property that changes. Secrets are never in ``old`` and ``new``."""

    path: str
    old: object
    new: object
    when: When = "at once"
    source: str = ""
    """Where it is written that it takes effect then, if not at once."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource, or component."""

    urn: str
    type: str
    name: str
    operation: Operation
    parts: tuple[Part, ...] = ()
    data: Data = "none"
    holds: str = ""
    """What it holds, in words, and where that goes if it is moved."""
    interruption: Interruption | None = None
    within: str = ""
    """The outermost component that is deleted or replaced with it; empty: it goes alone."""
    protections: tuple[str, ...] = ()
    """What refuses its deletion as it is deployed: properties of the resource, and `Pulumi`."""
    deleted_first: bool = False
    """The old one goes before the new one is there."""
    because: tuple[str, ...] = ()
    """URNs of replaced resources, without which this would not change."""
    window: str = ""
    """Its maintenance window, as AWS writes it."""

    @property
    def subject(self) -> str:
        """What a person calls it: the component that goes with it, else its own name."""
        return self.within.rpartition("::")[2] if self.within else self.name

    @property
    def later(self) -> tuple[Part, ...]:
        """What takes effect after the deployment, or never."""
        return tuple(part for part in self.parts if part.when != "at once")


@dataclass(frozen=True, slots=True)
class Order:
    """Two changes of which one has to take effect before the other."""

    first: str
    then: str
    """URNs."""
    why: str
    source: str
    kept: bool = True
    """Whether one deployment keeps it; False: it has to be split."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a deployment does, in the order in which the program registers resources; deletions come last."""

    changes: tuple[ResourceChange, ...] = ()
    unchanged: int = 0
    refusals: tuple[Refusal, ...] = ()
    """What AWS or Kubernetes would refuse of it."""
    orders: tuple[Order, ...] = ()
    by_urn: Mapping[str, ResourceChange] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_urn", {each.urn: each for each in self.changes})

    def of(self, operation: Operation) -> tuple[ResourceChange, ...]:
        return tuple(each for each in self.changes if each.operation == operation)

    @property
    def lost(self) -> tuple[ResourceChange, ...]:
        return tuple(each for each in self.changes if each.data == "lost")

    @property
    def moved(self) -> tuple[ResourceChange, ...]:
        return tuple(each for each in self.changes if each.data == "moved")

    @property
    def interrupted(self) -> tuple[ResourceChange, ...]:
        return tuple(each for each in self.changes if each.interruption is not None)

    @property
    def protected(self) -> tuple[ResourceChange, ...]:
        """What would go and refuses it, in the order in which it would be deleted."""
        going = [each for each in self.changes if each.protections and each.operation in ("delete", "replace")]
        return tuple(going)

    @property
    def gone(self) -> tuple[str, ...]:
        """Names of what can no longer be reached where it was, lost or moved, each once."""
        return subjects((*self.lost, *self.moved))

    @property
    def split(self) -> tuple[Order, ...]:
        """Orders that one deployment doesn't keep."""
        return tuple(each for each in self.orders if not each.kept)


def subjects(changes: Iterable[ResourceChange]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.subject for each in changes))
