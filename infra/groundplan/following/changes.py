"""What a change of the declaration takes: releases, moves of rows, and whose programs it breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Broken = Literal["api", "events"]
"""Clients of the API, or consumers of events."""


class Takes(StrEnum):
    """The most that a change takes, from least to most."""

    ONE = "one release"
    TWO = "two releases"
    """The second migration waits until no process of the release before runs any more."""
    DATA = "moves data"
    """Rows are checked, rewritten or moved; what must be done by hand is in `steps`."""
    REFUSED = "refused"

    @property
    def weight(self) -> int:
        return list(Takes).index(self)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one attribute's change means, before it is known where."""

    what: str
    takes: Takes = Takes.ONE
    breaks: tuple[Broken, ...] = ()
    steps: tuple[str, ...] = ()
    tightens: bool = False
    """Values that were allowed are no more: the database refuses them only once no older release writes them."""
    loosens: bool = False
    """Values are allowed that were not: the database must take them before the new release writes them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of two declarations."""

    service: str
    """By its name in the newer declaration, where it is in that."""
    path: str
    """Inside the service, dotted; empty for the service itself."""
    what: str
    takes: Takes
    breaks: tuple[Broken, ...]
    steps: tuple[str, ...] = ()
    tightens: bool = False
    loosens: bool = False

    @property
    def place(self) -> str:
        return ".".join(part for part in ("services", self.service, self.path) if part)

    @property
    def label(self) -> str:
        return f"{self.takes}, breaks clients" if self.breaks else str(self.takes)


def most(changes: Iterable[Change]) -> Takes:
    """What all of them take together."""
    return max((change.takes for change in changes), key=lambda takes: takes.weight, default=Takes.ONE)


def broken(changes: Iterable[Change]) -> tuple[Broken, ...]:
    found = {each for change in changes for each in change.breaks}
    return tuple(each for each in ("api", "events") if each in found)
