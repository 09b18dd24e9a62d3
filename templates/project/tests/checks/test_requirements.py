"""What is installed is pinned with hashes, the same in images and in the project's environment."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)")


def wanted(path: Path) -> dict[str, str]:
    """What a person asks for: version by name."""
    found = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            pin = PIN.match(line)
            assert pin is not None, f"{path.name}: {line} is not pinned"
            found[pin[1].lower().replace("_", "-")] = pin[2]
    return found


def locked(path: Path) -> dict[str, str]:
    """All that is installed: version by name."""
    return {pin[1].lower(): pin[2] for line in path.read_text().splitlines() if (pin := PIN.match(line))}


def test_services_get_what_the_project_tests_with() -> None:
    services, project = wanted(PROJECT / "services/requirements.in"), wanted(PROJECT / "requirements.in")
    assert services.items() <= project.items()
    images, environment = locked(PROJECT / "services/requirements.txt"), locked(PROJECT / "requirements.txt")
    assert {name: version for name, version in images.items() if environment.get(name) != version} == {}


@pytest.mark.parametrize("folder", ["", "services"])
def test_what_is_asked_for_is_what_is_locked(folder: str) -> None:
    asked, found = wanted(PROJECT / folder / "requirements.in"), locked(PROJECT / folder / "requirements.txt")
    assert {name: version for name, version in asked.items() if found.get(name) != version} == {}


@pytest.mark.parametrize("folder", ["", "services"])
def test_every_package_has_hashes_and_no_file_an_address(folder: str) -> None:
    text = (PROJECT / folder / "requirements.txt").read_text()
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"(?i)://|--index|--find-links|--trusted-host", text)


def test_images_hold_nothing_that_only_development_needs() -> None:
    images = locked(PROJECT / "services/requirements.txt")
    assert not images.keys() & {"pulumi", "pytest", "mypy", "moto", "copier", "pydantic", "ruff", "schemathesis"}


def imported(*folders: str) -> set[str]:
    """Top-level names that the code in these folders imports, without Python's, the project's and the libraries'."""
    own = {"groundplan", "groundplan_chassis", "groundplan_components", "groundplan_devkit"} | {
        path.parent.name for path in (*PROJECT.glob("services/*/*/__init__.py"), *PROJECT.glob("*/*.py"))
    }
    found = {
        alias.split(".")[0]
        for folder in folders
        for path in (PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for alias in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    return found - own - sys.stdlib_module_names


def importable(requirements: str) -> set[str]:
    """Top-level names of the packages that a requirements file names, as they are installed here."""
    asked = wanted(PROJECT / requirements).keys()
    return {name for name, packages in packages_distributions().items() if {_plain(each) for each in packages} & asked}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_asked_for() -> None:
    """A package that comes only because another needs it may be gone with that one's next version."""
    assert imported("services", "tests") - importable("requirements.in") == set()
