"""U8: every alarm has a page, and every page an alarm."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import groundplan_components
from groundplan.alarms import HEADINGS, names, page
from groundplan.alarms.pages import _OVER
from groundplan.alarms.variables import VARIABLES, used

COMPONENTS = Path(groundplan_components.__file__).parent
DECLARING = frozenset({"Alarm", "Counter", "Rotation"})


def _calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call that makes an alarm of the library."""
    for path in sorted(COMPONENTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DECLARING:
                yield path, node


def _texts() -> set[str]:
    """Every text in a module of the library that makes alarms."""
    modules = {path for path, _ in _calls()} | {COMPONENTS / "observability" / "slo_alarms.py"}
    return {
        node.value
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("name", names())
def test_a_page_has_its_four_parts(name: str) -> None:
    found = page(name)
    parts = found.parts()
    assert tuple(parts) == HEADINGS
    assert found.title
    assert not found.title.startswith("#")
    for heading, text in parts.items():
        assert len(text.strip()) > 40, heading
    assert parts["Where to look"].count("`") >= 2


def test_every_alarm_of_the_library_says_which_page() -> None:
    without = [
        f"{path.name}:{call.lineno}"
        for path, call in _calls()
        if "page" not in {each.arg for each in call.keywords} and len(call.args) < 2
    ]
    assert not without
    assert len(list(_calls())) > 30


def test_every_page_belongs_to_an_alarm() -> None:
    assert set(names()) <= _texts()


@pytest.mark.parametrize("name", names())
def test_variables_are_known(name: str) -> None:
    text = page(name).markdown()
    assert {each.name for each in used(name, text)} >= {"ALARM"}
    for variable in used(name, text):
        assert f"\n{variable.name}=" in text


def test_every_variable_is_used() -> None:
    wanted = {variable for name in names() for variable in used(name, page(name).text + _OVER)}
    assert wanted == set(VARIABLES)
