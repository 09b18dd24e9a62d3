"""A template's repository, a package index and projects, all of them small: nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation.index import Index, serve
from tests.installation.places import Place, Template, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The libraries as they stand: a release, a fix of it, and the next minor version; bare, at a file:// address."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The build backend, and a higher version of each of our own names, which is not to be asked for."""
    with serve(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For an environment and caches that tests share, as making them takes seconds."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def place(tmp_path: Path, shared: Path, index: Index, template: Template) -> Place:
    """A project at the template's release, its environment shared with other tests."""
    index.asked.clear()
    place = Place(tmp_path / "project", shared / "environment", shared / "home", index)
    place.make(template.address, template.release)
    return place


@pytest.fixture
def alone(tmp_path: Path, index: Index, template: Template) -> Place:
    """As `place`, with an environment and caches of its own."""
    index.asked.clear()
    place = Place(tmp_path / "project", tmp_path / "project" / ".venv", tmp_path / "home", index)
    place.make(template.address, template.release)
    return place
