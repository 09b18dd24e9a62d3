from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.projects import commit_project, make_project


@pytest.fixture(scope="session")
def committed_shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return commit_project(make_project(template, tmp_path_factory.mktemp("shop") / "shop"))


@pytest.fixture
def project(committed_shop: Path, tmp_path: Path) -> Path:
    """A committed project of its own for one test."""
    return Path(shutil.copytree(committed_shop, tmp_path / "shop"))
