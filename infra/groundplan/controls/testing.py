"""Controls as tests: one for each control and each program that a test is given."""

from __future__ import annotations

import pytest

from groundplan.controls import CONTROLS, Verdict

each_control = pytest.mark.parametrize("control", CONTROLS)
"""Runs a test once for each control; it takes the control's id as ``control``."""


def require(verdict: Verdict) -> None:
    """Fails with what is missing, where, and how to mend it. A control that doesn't apply is no failure."""
    assert not verdict.findings, "\n".join([verdict.control.title, *map(str, verdict.findings)])
