"""What is installed is pinned with hashes, the same in images and in the project's environment."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from groundplan_devkit.state import PROJECT

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


def check_same_versions() -> None:
    """Images install what the project tests with."""
    services, project = wanted(PROJECT / "services/requirements.in"), wanted(PROJECT / "requirements.in")
    assert services.items() <= project.items()
    images, environment = locked(PROJECT / "services/requirements.txt"), locked(PROJECT / "requirements.txt")
    assert {name: version for name, version in images.items() if environment.get(name) != version} == {}


def check_lock(folder: str) -> None:
    """All that requirements.in asks for is locked, every package has hashes, and no address is named."""
    asked, found = wanted(PROJECT / folder / "requirements.in"), locked(PROJECT / folder / "requirements.txt")
    assert {name: version for name, version in asked.items() if found.get(name) != version} == {}
    text = (PROJECT / folder / "requirements.txt").read_text()
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"(?i)://|--index|--find-links|--trusted-host", text)


def only_for_development() -> set[str]:
    """Packages that images would install and that only development needs."""
    images = locked(PROJECT / "services/requirements.txt")
    return images.keys() & {"pulumi", "pytest", "mypy", "moto", "copier", "pydantic", "ruff", "schemathesis"}


def not_asked_for(*folders: str) -> set[str]:
    """Imported in these folders, and in the environment only because another package needs it."""
    return imported(*folders) - importable("requirements.in")


def imported(*folders: str) -> set[str]:
    """Top-level names that the code in these folders imports, without Python's, the project's and the libraries'."""
    own = {"groundplan", "groundplan_chassis", "groundplan_components", "groundplan_devkit"} | {
        path.parent.name for path in (*PROJECT.glob("services/*/*/__init__.py"), *PROJECT.glob("*/*.py"))
    }
    found = {name for folder in folders for path in (PROJECT / folder).rglob("*.py") for name in packages_of(path)}
    return found - own - sys.stdlib_module_names


def packages_of(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in it; without relative imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module.partition(".")[0])
    return names


def importable(requirements: str) -> set[str]:
    """Top-level names of the packages that a requirements file names, as they are installed here."""
    asked = wanted(PROJECT / requirements).keys()
    return {name for name, packages in packages_distributions().items() if {_plain(each) for each in packages} & asked}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
