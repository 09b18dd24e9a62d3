"""From `system.yaml` to a checked `System`."""

from __future__ import annotations

from pathlib import Path as FilePath

from pydantic import ValidationError

from infra.problems import Path
from infra.system.checks import check
from infra.system.document import Document, parse_document, read_document
from infra.system.model import System
from infra.system.partial import without_wrong_parts
from infra.system.shapes import findings_of


def load_system(path: FilePath) -> System:
    """The system that a file declares. Raises ``ProblemsFound`` with everything that is wrong in it."""
    return _checked(read_document(path))


def parse_system(text: str, where: str = "system.yaml") -> System:
    """The system that a text declares; ``where`` names it in problems. Raises ``ProblemsFound``."""
    return _checked(parse_document(text, where))


def _checked(document: Document) -> System:
    read = [*document.findings, *document.spellings]
    said = {finding.path for finding in read}
    try:
        system = System.model_validate(document.values)
    except ValidationError as error:

        def text_at(path: Path) -> str | None:
            node = document.node(path)
            return node.text if node else None

        shapes = findings_of(error, System, document.values, text_at)
        partial = without_wrong_parts(document.values, error)
        ties = check(partial) if partial else []
        document.refuse([*read, *(finding for finding in [*shapes, *ties] if finding.path not in said)])
        raise  # not reached: every validation error has a finding
    document.refuse([*read, *(finding for finding in check(system) if finding.path not in said)])
    return system
