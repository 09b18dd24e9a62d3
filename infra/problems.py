"""What is wrong with something a user wrote, said so that it can be mended at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one place.

    ``where`` is a file with an optional line (``system.yaml:12``) or a configuration key's home
    (``Pulumi.prod.yaml``); ``path`` is the dotted path inside it; ``value`` is what was found there,
    already printable and never a secret; ``expected`` and ``remedy`` are sentences without a full stop.
    """

    where: str
    path: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        found = f" is {self.value}" if self.value else ""
        return f"{self.where}: {self.path}{found}\n    expected: {self.expected}\n    to do:    {self.remedy}"


class ProblemsFound(Exception):
    """Every mistake of a declaration or a configuration, found in one reading."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([heading, *(str(problem) for problem in self.problems)])
