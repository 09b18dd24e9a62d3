from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import ROOT, borrowed_environment, commit_project, git, make_project, overridden, snapshot


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


# Once a module, as one of them has a release of its own.
@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with one release."""
    template = snapshot(tmp_path_factory.mktemp("released") / "groundplan", code=False)
    git(template, "tag", "v0.1.0")
    return template


@pytest.fixture(scope="module")
def released_shop(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the default answers make of the release; read only."""
    return make_project(released, tmp_path_factory.mktemp("released_shop") / "shop", ref="v0.1.0")


@pytest.fixture
def releases(released: Path, tmp_path: Path) -> Path:
    """A copy of it, to make newer releases in."""
    return Path(shutil.copytree(released, tmp_path / "groundplan", symlinks=True))


@pytest.fixture
def own_shop(released: Path, released_shop: Path, releases: Path, tmp_path: Path) -> Path:
    """A committed project of one test, made from the template that the test makes newer releases in."""
    project = Path(shutil.copytree(released_shop, tmp_path / "shop"))
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(str(released), str(releases)))
    return commit_project(project)


@pytest.fixture(scope="package", autouse=True)
def libraries() -> Iterator[None]:
    """Projects that tests make are set up with the libraries of this checkout."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in overridden().items():
            patch.setenv(name, value)
        yield
