"""How the program's process collects garbage under the engine (ADR 21)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from groundplan.program import run
from groundplan.program.collecting import THRESHOLDS, uncollected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_under_the_engine_it_is_collected_seldom_but_still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where the declaration is refused: what was begun still ends."""
    monkeypatch.setenv("GROUNDPLAN_PROJECT", str(tmp_path))
    with pytest.raises(pulumi.RunError, match=r"system\.yaml"):
        run(lambda _system, _environment: None)
    assert gc.get_threshold() == THRESHOLDS
    assert gc.isenabled()
    assert all(THRESHOLDS)


@pytest.mark.parametrize("was_on", [True, False])
def test_what_is_imported_is_not_looked_through_again(was_on: bool) -> None:
    if not was_on:
        gc.disable()
    try:
        frozen = gc.get_freeze_count()
        with uncollected():
            assert not gc.isenabled()
            kept = [[number] for number in range(1000)]
        assert gc.isenabled() is was_on
        assert gc.get_freeze_count() >= frozen + len(kept)
    finally:
        gc.enable()
