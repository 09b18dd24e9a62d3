"""Figures of CPU time are those of the core as it was when the bench began."""

from __future__ import annotations

import pytest

from groundplan_devkit.bench import speed


def test_what_a_slower_core_spends_is_brought_to_the_speed_of_the_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([0.02, 0.03, 0.05])
    monkeypatch.setattr(speed, "look", lambda: next(looks))
    begin = speed.Speed()
    assert begin.factor(speed.look(), speed.look()) == pytest.approx(0.5)


def test_the_same_work_takes_some_time() -> None:
    assert 0 < speed.look() < 10
