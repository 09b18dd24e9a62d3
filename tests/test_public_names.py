"""The README of each library lists its public names; each of them is there."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.projects import ROOT

ROWS = re.findall(
    r"^\| `(groundplan[\w.]*)`(?:, `\.(\w+)`)? \| (.+?) \|", (ROOT / "infra/README.md").read_text(), re.MULTILINE
)
"""Module, perhaps a second one beside it, and names."""


@pytest.mark.parametrize(("module", "beside", "names"), ROWS, ids=[row[0] for row in ROWS])
def test_public_names_are_there(module: str, beside: str, names: str) -> None:
    modules = [importlib.import_module(module)]
    if beside:
        modules.append(importlib.import_module(f"{module.rpartition('.')[0]}.{beside}"))
    for name in re.findall(r"`(\w+\*?)`", names):
        if name.endswith("*"):
            assert any(each.startswith(name[:-1]) for found in modules for each in dir(found)), name
        else:
            assert any(hasattr(found, name) for found in modules), name


def test_the_list_is_read() -> None:
    assert len(ROWS) >= 6
