"""What the chassis promises: its public names are there, and generated services import no others."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from groundplan_chassis.public import PUBLIC

CHASSIS = Path(__file__).parents[1]
SERVICES = CHASSIS.parent / "templates/project/services"
IMPORT = re.compile(r"^from (groundplan_chassis[\w.]*) import (.+)$", re.MULTILINE)
CHOSEN = re.compile(r"\{% set (errors|wire) = (.+) %\}")


def _chosen(chosen: Mapping[str, str], used: re.Match[str]) -> str:
    return chosen[used[1]]


def imported() -> Iterator[tuple[str, str]]:
    """Module and name of each import in the template's services, under every answer."""
    for file in SERVICES.rglob("*"):
        if not file.is_file() or file.suffix not in (".py", ".jinja"):
            continue
        text = file.read_text(encoding="utf-8")
        chosen: dict[str, str] = {}
        for name, value in CHOSEN.findall(text):
            chosen[name] = chosen.get(name, "") + " ".join(re.findall(r"'([A-Za-z]\w*)'(?! in)", value)) + " "
        for module, names in IMPORT.findall(text):
            rendered = re.sub(r"\{\{ (errors|wire)\b[^}]*\}\}", partial(_chosen, chosen), names)
            literal = re.sub(r"\{\{ '([^']*)' if [^}]*\}\}", r" \1", rendered)
            for name in re.split(r"[,\s()]+", literal):
                if name:
                    yield module, name


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_exists(module: str) -> None:
    there = importlib.import_module(module)
    assert [name for name in PUBLIC[module] if not hasattr(there, name)] == []


@pytest.mark.skipif(not SERVICES.is_dir(), reason="the template is not part of a distribution")
def test_generated_services_import_public_names_only() -> None:
    found = set(imported())
    assert len(found) > 30
    assert sorted(f"{module}.{name}" for module, name in found if name not in PUBLIC.get(module, ())) == []


def test_the_readme_lists_the_public_modules() -> None:
    text = (CHASSIS / "README.md").read_text(encoding="utf-8")
    assert [module for module in PUBLIC if f"`{module.removeprefix('groundplan_chassis.')}`" not in text] == []


def test_deprecated_names_leave_with_the_version_that_they_name() -> None:
    version = tomllib.loads((CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    now = tuple(int(part) for part in version.split(".")[:2])
    calls = [
        (file.name, tuple(int(part) for part in found.split(".")))
        for file in (CHASSIS / "groundplan_chassis").rglob("*.py")
        for found in re.findall(r'removed_in="groundplan-chassis ([\d.]+)"', file.read_text(encoding="utf-8"))
    ]
    assert calls
    assert [call for call in calls if call[1] <= now] == []
