"""The template as it stands, which tests of copies, updates and commands share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.projects import snapshot

# Of `make prove` (moving, moving-files, old-projects): an old commit's own code, twenty minutes.
collect_ignore = [] if os.environ.get("PROVE") else ["update_from_copied"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to try answers and updates."""
    return snapshot(tmp_path_factory.mktemp("template") / "groundplan", code=False)


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("whole") / "groundplan")
