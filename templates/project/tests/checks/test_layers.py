"""Import contracts of pyproject.toml: services stand alone, and each has its layers (A1, A2)."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import PROJECT

RULES = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
PATHS = [str(PROJECT), *(str(path) for path in sorted((PROJECT / "services").glob("*/")) if path.is_dir())]


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


def test_imports_keep_to_the_rules() -> None:
    done = lint(PROJECT, PATHS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES['contracts'])} kept, 0 broken" in done.stdout


def test_every_service_has_its_rules() -> None:
    packages = {path.parent.name for path in (PROJECT / "services").glob("*/*_service/__init__.py")}
    layered = {container for rule in RULES["contracts"] if rule["type"] == "layers" for container in rule["containers"]}
    assert packages <= layered
