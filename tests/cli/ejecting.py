"""What tests of `groundplan eject` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from groundplan.cli import main


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old, text.count(old))
    path.write_text(text.replace(old, new))


def require_refused(arguments: Sequence[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With these words, and nothing is changed."""
    before = files(project)
    assert main(["eject", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert files(project) == before
