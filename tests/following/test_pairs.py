"""Whole projects: what followed is what a project made from the newer declaration would be (U7)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli.follow import main
from groundplan.cli.openapi import write_documents
from groundplan.declaration.model import System
from groundplan.following.changes import Takes, most
from groundplan.following.services import differences
from groundplan.following.stamps import short
from infra.tests.following.generated import pair
from tests.following.edits import require_unit_tests
from tests.projects import commit_project, make_project, overridden, snapshot

SEED = int(os.environ.get("FOLLOWING_SEED", "1"))
# A project takes a minute: `make prove WHAT=following` makes ten.
PROJECTS = int(os.environ.get("FOLLOWING_PROJECTS", "10" if os.environ.get("PROVE") else "0"))
OWN = ("migrations/", "followed.yaml")


def seeds() -> list[int]:
    """Of pairs that are not refused."""
    found: list[int] = []
    seed = SEED * 10_000
    while len(found) < PROJECTS:
        before, after = pair(seed)
        if most(differences(before.services, after.services)) is not Takes.REFUSED:
            found.append(seed)
        seed += 1
    return found


def answers(system: System) -> dict[str, Any]:
    services = []
    for name, service in system.services.items():
        values = short(service)
        for resource in values["resources"].values():
            for field in resource["fields"].values():
                field.pop("renamed_from", None)
        services.append({"name": name, "publishes": [], "consumes": [], **values})
    return {"name": "lab", "services": services}


def files(project: Path) -> dict[str, str]:
    found = {}
    for path in sorted((project / "services/catalogue").rglob("*")):
        name = path.relative_to(project / "services/catalogue").as_posix()
        if path.is_file() and "__pycache__" not in name and not name.startswith(OWN):
            found[name] = path.read_text()
    return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("template") / "groundplan")


@pytest.mark.parametrize("seed", seeds())
def test_what_followed_is_what_would_be_made_anew(
    seed: int, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in overridden().items():
        monkeypatch.setenv(name, value)
    before, after = pair(seed)
    project = make_project(template, tmp_path / "lab", answers(before))
    write_documents(project)
    commit_project(project)
    declared = yaml.safe_load((project / "system.yaml").read_text())
    declared["services"] = {name: short(service) for name, service in after.services.items()}
    (project / "system.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    monkeypatch.chdir(project)
    assert main([]) == 0
    anew = make_project(template, tmp_path / "anew", answers(after))
    write_documents(anew)
    assert files(project) == files(anew)
    require_unit_tests(project, "catalogue")
