"""What the design accepts has its reason in the document and where it is declared (e13)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import groundplan_components
from groundplan.document.accepted import ACCEPTED, Accepted, accepted
from infra.tests.samples import ROOT

LIBRARY = Path(groundplan_components.__file__).parent
MARK = re.compile(r"# Accepted \(([^)]+)\): ")


@pytest.mark.parametrize("each", ACCEPTED, ids=lambda each: each.finding)
def test_a_reason_stands_where_the_thing_is_declared(each: Accepted) -> None:
    marked = MARK.findall((LIBRARY / each.declared).read_text(encoding="utf-8"))
    assert each.finding.partition(":")[0] in marked


def test_every_reason_in_the_library_is_in_the_document() -> None:
    marked = {mark for path in LIBRARY.rglob("*.py") for mark in MARK.findall(path.read_text(encoding="utf-8"))}
    assert marked == {each.finding.partition(":")[0] for each in ACCEPTED}
    assert len(marked) == 9
    assert accepted() in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
