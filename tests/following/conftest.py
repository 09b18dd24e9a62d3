from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundplan.cli.openapi import write_documents
from infra.tests.following.samples import values
from tests.following.edits import edit
from tests.projects import commit_project, make_project, overridden, snapshot


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project with its owner's edits; read only."""
    template = snapshot(tmp_path_factory.mktemp("template") / "groundplan")
    services = [{"name": name, **service} for name, service in values()["services"].items()]
    project = make_project(template, tmp_path_factory.mktemp("lab") / "lab", {"name": "lab", "services": services})
    edit(project)
    # As `make setup` leaves it.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in overridden().items():
            patch.setenv(name, value)
        write_documents(project)
    commit_project(project)
    return project


@pytest.fixture
def project(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = Path(shutil.copytree(lab, tmp_path / "lab", symlinks=True))
    for name, value in overridden().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(copy)
    return copy
