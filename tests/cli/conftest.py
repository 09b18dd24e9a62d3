from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundplan.rehearsal import year
from tests.projects import commit_project, make_project


@pytest.fixture(scope="session")
def committed_shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its owner has put their own addresses into `dev`, which can be deployed then."""
    project = make_project(template, tmp_path_factory.mktemp("shop") / "shop")
    stack = project / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("[203.0.113.0/24]", "[8.8.8.0/24]"))
    return commit_project(project)


@pytest.fixture
def project(committed_shop: Path, tmp_path: Path) -> Path:
    """A committed project of its own for one test."""
    return Path(shutil.copytree(committed_shop, tmp_path / "shop"))


FEW = ("first deployment, without images", "images arrive", "that service renamed")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the year a few operations: `make prove WHAT=year` has all."""

    def some(*given: Any) -> Iterator[year.Operation]:
        for operation in operations(*given):
            if operation.title in FEW[:2]:
                yield operation

    operations = year.operations
    monkeypatch.setattr(year, "operations", some)
