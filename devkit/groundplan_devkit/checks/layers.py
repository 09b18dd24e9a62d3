"""Import contracts of pyproject.toml: services stand alone, and each has its layers (A1, A2)."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from groundplan_devkit.checks.pins import packages_of
from groundplan_devkit.state import PROJECT


def contracts() -> list[dict[str, Any]]:
    """Of the project's pyproject.toml."""
    rules: list[dict[str, Any]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return rules


def lint(folder: Path, paths: list[str]) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-c", program, "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
        capture_output=True,
        text=True,
    )


def check_contracts() -> None:
    """import-linter finds all of them kept, and tests, which are in no package that it sees, keep to the first."""
    services = sorted(path for path in (PROJECT / "services").glob("*/") if path.is_dir())
    done = lint(PROJECT, [str(PROJECT), *(str(path) for path in services)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(contracts())} kept, 0 broken" in done.stdout
    crossing = tests_of_two_services()
    assert not crossing, f"tests of one service import another: {', '.join(crossing)}"


def tests_of_two_services() -> list[str]:
    """`<file>: <package>` of each import of another service in a service's tests."""
    packages = _packages()
    return [
        f"{path.relative_to(PROJECT)}: {package}"
        for own in packages
        for path in sorted((PROJECT / "services").glob(f"*/{own}/tests/**/*.py"))
        for package in sorted(packages_of(path) & (packages - {own}))
    ]


def _packages() -> set[str]:
    return {path.parent.name for path in (PROJECT / "services").glob("*/*_service/__init__.py")}


def without_layers() -> set[str]:
    """Packages of services that no contract of layers names."""
    layered = {package for rule in contracts() if rule["type"] == "layers" for package in rule["containers"]}
    return _packages() - layered
