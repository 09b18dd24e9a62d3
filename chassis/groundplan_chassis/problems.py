"""Errors in the input of operators and developers, with their remedies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: place, found value, expected value and remedy.

    ``value`` is printable and never a secret; ``expected`` and ``remedy`` are sentences without a full stop.
    """

    where: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        heading = f"{self.where} is {self.value}" if self.value else self.where
        return f"{heading}\n    expected: {self.expected}\n    to do:    {self.remedy}"


class ProblemsFound(Exception):
    """All errors of one check. It ends a process with its text, without a traceback."""

    def __init__(self, subject: str, problems: Iterable[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(subject, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"{self.subject}: {'1 problem' if count == 1 else f'{count} problems'}"
        return "\n".join([heading, *(str(problem) for problem in self.problems)])
