"""How a command says as JSON what it refuses."""

from __future__ import annotations

from typing import Literal

from groundplan.cli.documents._document import Document
from groundplan.installation.bootstrap import Refused
from groundplan.problems import Problem, ProblemsFound


class ProblemsDocument(Document):
    """Printed in place of a command's own document when it refuses (status 1) or does not take its arguments (2)."""

    format: Literal["groundplan.problems/1"] = "groundplan.problems/1"
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, found: ProblemsFound | Refused) -> ProblemsDocument:
        if isinstance(found, ProblemsFound):
            return cls(problems=found.problems)
        return cls(problems=(Problem(found.where, "", found.value, found.expected, found.remedy),))
