"""Import contracts of the libraries, as pyproject.toml states them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from groundplan_devkit.checks.layers import lint
from tests.projects import ROOT

RULES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LIBRARIES = ("infra", "components", "chassis", "devkit")


def test_imports_keep_to_the_contracts() -> None:
    done = lint(ROOT, [str(ROOT / each) for each in LIBRARIES])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES['contracts'])} kept, 0 broken" in done.stdout


def test_a_breach_is_found(tmp_path: Path) -> None:
    """A chassis that imports the infrastructure breaks the first contract."""
    content = {"groundplan_chassis": "import groundplan\n"}
    for package in RULES["root_packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(content.get(package, ""))
    rules = (ROOT / "pyproject.toml").read_text()
    head, first = rules[rules.index("[tool.importlinter]") :].split("\n[[tool.importlinter.contracts]]")[:2]
    (tmp_path / "pyproject.toml").write_text(f"{head}\n[[tool.importlinter.contracts]]{first}\n")
    done = lint(tmp_path, [str(tmp_path)])
    assert done.returncode == 1
    assert "0 kept, 1 broken" in done.stdout, done.stdout + done.stderr
