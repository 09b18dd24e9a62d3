from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.projects import ROOT, borrowed_environment, git, make_project, snapshot


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return borrowed_environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture(scope="session")
def shop(whole_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the default answers make; read only."""
    return make_project(whole_template, tmp_path_factory.mktemp("shop") / "shop")


@pytest.fixture(scope="session")
def checked_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mypy's cache, which begins as this repository's own where there is one.

    It goes by content, and most files are the same in every project: seconds instead of a minute.
    """
    own = ROOT / ".mypy_cache"
    types = tmp_path_factory.mktemp("types")
    if own.is_dir():
        shutil.copytree(own, types, dirs_exist_ok=True)
    return types


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with one release."""
    template = snapshot(tmp_path_factory.mktemp("released") / "groundplan", copied=False, code=False)
    git(template, "tag", "v0.1.0")
    return template


@pytest.fixture
def releases(released: Path, tmp_path: Path) -> Path:
    """A copy of it, to make newer releases in."""
    return Path(shutil.copytree(released, tmp_path / "groundplan", symlinks=True))
