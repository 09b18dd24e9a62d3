"""From `system.yaml` to a checked `System`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath

from pydantic import ValidationError

from groundplan.declaration.checks import check
from groundplan.declaration.document import Document, parse_document, read_document
from groundplan.declaration.measured import FILE as MEASURED
from groundplan.declaration.measured import read_measured
from groundplan.declaration.model import System
from groundplan.declaration.partial import without_wrong_parts
from groundplan.declaration.shapes import findings_of
from groundplan.problems import Finding, Path


def load_system(path: FilePath) -> System:
    """The system that a file declares, with what was measured of it beside the file.

    Raises ``ProblemsFound`` with everything that is wrong in it.
    """
    return _checked(read_document(path)).with_measured(read_measured(path.with_name(MEASURED)))


def parse_system(text: str, where: str = "system.yaml") -> System:
    """The system that a text declares; ``where`` names it in problems. Raises ``ProblemsFound``."""
    return _checked(parse_document(text, where))


def judge_system(values: dict[str, object], text_at: Callable[[Path], str | None] = lambda _: None) -> list[Finding]:
    """Everything that is wrong in a declaration's values; empty for a sound one.

    ``text_at`` gives a scalar as it was written, where that is known.
    """
    try:
        system = System.model_validate(values)
    except ValidationError as error:
        shapes = findings_of(error, System, values, text_at)
        partial = without_wrong_parts(values, error)
        return [*shapes, *(check(partial) if partial else [])]
    return check(system)


def _as_text(finding: Finding) -> Finding:
    """Of a value that YAML reads as another one, where only text can stand: `no` in a list of roles."""
    remedy = f'put it in quotes, as YAML reads something else without them: "{finding.value}"'
    return Finding(finding.path, finding.value, "text", remedy)


def _checked(document: Document) -> System:
    read = [*document.findings, *document.spellings]
    said = {finding.path for finding in read}

    def text_at(path: Path) -> str | None:
        node = document.node(path)
        return node.text if node else None

    found = judge_system(document.values, text_at)
    texts = {finding.path for finding in found if finding.expected == "text"}
    read = [_as_text(finding) if finding.path in texts else finding for finding in read]
    document.refuse([*read, *(finding for finding in found if finding.path not in said)])
    return System.model_validate(document.values)
