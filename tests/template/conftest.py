from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import borrowed_environment, make_project, snapshot


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to try answers and updates."""
    return snapshot(tmp_path_factory.mktemp("template") / "groundplan", whole=False)


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("whole") / "groundplan")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return borrowed_environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture(scope="session")
def shop(whole_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the default answers make; read only."""
    return make_project(whole_template, tmp_path_factory.mktemp("shop") / "shop")


@pytest.fixture(scope="session")
def checked_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mypy's cache. It goes by content, and most files are the same in every project: a second instead of a minute."""
    return tmp_path_factory.mktemp("types")
