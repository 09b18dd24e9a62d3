"""The template as it stands, which tests of copies, updates and commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import overridden, snapshot


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to try answers and updates."""
    return snapshot(tmp_path_factory.mktemp("template") / "groundplan", code=False)


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("whole") / "groundplan")


@pytest.fixture(scope="session", autouse=True)
def libraries() -> Iterator[None]:
    """Projects that tests make are set up with the libraries of this checkout."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in overridden().items():
            patch.setenv(name, value)
        yield
