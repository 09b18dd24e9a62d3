"""What is wrong with something that an operator or a developer wrote, said so that it can be mended at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what stands there, what was expected, and what to do.

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
    """Every mistake of one reading. It ends a process with its text and no traceback."""

    def __init__(self, subject: str, problems: Iterable[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(subject, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"{self.subject}: {'1 problem' if count == 1 else f'{count} problems'}"
        return "\n".join([heading, *(str(problem) for problem in self.problems)])
