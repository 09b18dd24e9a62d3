"""What the simulated cloud refuses, and how a person is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.problems import Problem, ProblemsFound
from infra.simulation.item import Item, look_up

_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """One value of one resource that the real cloud would not accept.

    ``path`` is the property path as Pulumi writes it (``containers[0].image``); ``value`` is printable and never a
    secret; ``source`` says where the rule is written down (the SDK, an AWS page).
    """

    urn: str
    path: str
    value: str
    expected: str
    remedy: str
    source: str = ""

    def as_problem(self) -> Problem:
        expected = f"{self.expected} ({self.source})" if self.source else self.expected
        return Problem(self.urn, self.path, self.value, expected, self.remedy)

    def __str__(self) -> str:
        return str(self.as_problem())


def refusal_of(item: Item, path: str, expected: str, remedy: str, source: str = "", value: object = None) -> Refusal:
    """A refusal of one property of an item; ``value`` is shown instead of what the item has at ``path``."""
    if value is None:
        value = look_up(item.inputs, path)
    shown = "" if value is None or value == "" else "[secret]" if item.is_secret(path) else repr(value)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}…"
    return Refusal(item.urn, path, shown, expected, remedy, source)


class CloudRefused(ProblemsFound):
    """Everything that the cloud would refuse of a whole program."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(refusal.as_problem() for refusal in self.refusals)
