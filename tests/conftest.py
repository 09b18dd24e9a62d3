"""The template as it stands, which tests of copies, updates and commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import snapshot


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to try answers and updates."""
    return snapshot(tmp_path_factory.mktemp("template") / "groundplan", code=False)


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("whole") / "groundplan")
