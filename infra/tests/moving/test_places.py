"""Every module that was copied into projects, and every public name in it, has a place in the libraries."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from groundplan.moving.places import GONE, NAMES, ROOTS, library_file, modules

ROOT = Path(__file__).resolve().parents[3]
LAST_COPIED = "93b9da09059b2b70af9ae47f338dfc7aabf6a595"
"""The last commit whose projects held copies."""


def old_path(module: str) -> Iterator[str]:
    below = module.replace(".", "/")
    return iter((f"{below}.py", f"{below}/__init__.py"))


def library_path(module: str) -> Path:
    found = [ROOT / new for old in old_path(module) if (new := library_file(old)) and (ROOT / new).is_file()]
    assert found, f"{module} is {modules()[module]} now, says modules.json, and that is not there"
    return found[0]


@pytest.mark.parametrize("module", modules())
def test_each_module_is_there(module: str) -> None:
    assert library_path(module).is_file()


def old_source(module: str) -> str | None:
    folder = "" if module.partition(".")[0] in {"infra", "components"} else "templates/project/"
    for path in old_path(module):
        shown = subprocess.run(
            ["git", "show", f"{LAST_COPIED}:{folder}{path}"], cwd=ROOT, check=False, capture_output=True, text=True
        )
        if shown.returncode == 0:
            return shown.stdout
    return None


def test_each_public_name_is_there() -> None:
    if old_source("chassis") is None:
        pytest.skip(f"this clone's history does not reach back to {LAST_COPIED}")
    lost = [
        f"{module}.{name}"
        for module in modules()
        if "._" not in module and module not in GONE
        if (source := old_source(module)) is not None
        for name in defined(source) - available(library_path(module))
        if f"{module}.{name}" not in NAMES.keys() | GONE.keys()
    ]
    told = "give them an alias, or say in groundplan.moving.places what replaces them (NAMES, GONE)"
    assert lost == [], "\n".join([told, *lost])


def test_each_renamed_name_is_there() -> None:
    for module, name in NAMES.values():
        below = module.replace(".", "/")
        found = [path for path in ROOT.glob(f"*/{below}*") if path.name in {f"{path.stem}.py", path.stem}]
        files = [path / "__init__.py" if path.is_dir() else path for path in found]
        assert any(name in available(path) for path in files if path.is_file()), f"{module}.{name}"


def test_each_copied_file_is_where_its_patch_would_be_applied() -> None:
    """Tests and documents, too: `moved/README.md` names the place of each that has one. git applies none to a link."""
    shown = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", LAST_COPIED], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if shown.returncode:
        pytest.skip(f"this clone's history does not reach back to {LAST_COPIED}")
    copied = [name.removeprefix("templates/project/") for name in shown.stdout.splitlines()]
    places = {name: place for name in copied if "{%" not in name and (place := library_file(name))}
    assert len(places) > 500
    assert {
        name: place for name, place in places.items() if not (ROOT / place).is_file() or (ROOT / place).is_symlink()
    } == {}


def test_the_table_is_whole() -> None:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", LAST_COPIED], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip(f"this clone's history does not reach back to {LAST_COPIED}")
    copied = {
        name.removeprefix("templates/project/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in listed.stdout.splitlines()
        if name.endswith(".py") and name.removeprefix("templates/project/").partition("/")[0] in ROOTS
        if not name.startswith(("bench/", "infra/commands/demo", "infra/commands/reference"))
    }
    # The programs of a project and of the plugin host stay where they are.
    assert copied - {"infra.__main__", "components.__main__"} == modules().keys()


def defined(source: str) -> set[str]:
    """Public names that the module itself defines."""
    return {name for name in _names(ast.parse(source), imported=False) if not name.startswith("_")}


@cache
def available(path: Path) -> frozenset[str]:
    return frozenset(_names(ast.parse(path.read_text(encoding="utf-8")), imported=True))


def _names(tree: ast.Module, *, imported: bool) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names) if imported:
                yield from (alias.asname or alias.name for alias in names)
