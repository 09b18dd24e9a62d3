"""Services' documents are what their own programs print; every program that fails is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundplan.cli.openapi import described
from groundplan.problems import ProblemsFound
from tests.projects import ROOT

PROGRAMS = {
    "whole": "import sys; print(sys.argv[1])",
    "broken": "raise ValueError('no such field')",
    "refusing": "import sys; print('refused', file=sys.stderr); sys.exit(2)",
    "silent-one": "import sys; sys.exit(3)",
}


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Path]:
    """Folders of services whose programs are these lines."""
    folders = {}
    for name, program in PROGRAMS.items():
        folders[name] = tmp_path / name
        package = folders[name] / f"{name.replace('-', '_')}_service"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(program + "\n")
    return folders


def test_a_document_is_what_the_program_prints(services: dict[str, Path]) -> None:
    assert described(ROOT, [("whole", services["whole"])]) == {"whole": "openapi\n"}


def test_every_program_that_fails_is_told_of(services: dict[str, Path]) -> None:
    with pytest.raises(ProblemsFound) as refusal:
        described(ROOT, list(services.items()))
    said = str(refusal.value)
    assert "services/broken: python -m broken_service openapi is ValueError: no such field" in said
    assert "services/refusing: python -m refusing_service openapi is refused" in said
    assert "services/silent-one: python -m silent_one_service openapi is it ended with 3" in said
    assert "services/whole" not in said
