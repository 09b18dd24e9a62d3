"""Every break of the program trips a control, and a program that isn't broken trips none.

`groundplan check`, the checklist of ARCHITECTURE.md and the policy pack give the same verdicts on all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from groundplan.controls import CONTROLS
from groundplan.document.security import LAYERS
from tests.mutation.breaks import BREAKS
from tests.mutation.broken import Break
from tests.mutation.server import Server

Ask = Callable[[Break | None, str], dict[str, Any]]
IN_EVERY_RUN = BREAKS[::5]
"""Breaks that `make test` tries, of every subject; `make prove WHAT=mutations` tries all, 3 seconds of CPU each."""
VARIANTS = sorted({broken.on for broken in BREAKS})
IN_POLICIES = {name for name, control in CONTROLS.items() if not control.not_in_policies}
IN_CHECKLIST = {name for name, control in CONTROLS.items() if control.requirement in LAYERS}


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    with Server() as server:
        yield server.ask


def require_equal_verdicts(said: dict[str, Any]) -> None:
    findings = {control for control, found in said["found"].items() if found}
    assert set(said["policies"]) == findings & IN_POLICIES
    assert said["checklist"] == {
        control: control in said["ticked"] for control in said["found"] if control in IN_CHECKLIST
    }


def test_there_are_enough_breaks_and_none_twice() -> None:
    assert len(BREAKS) >= 105
    assert len({broken.what for broken in BREAKS}) == len(BREAKS)
    assert len({(broken.file, broken.before, broken.after) for broken in BREAKS}) == len(BREAKS)


def test_every_break_fits_the_program_as_it_is() -> None:
    for broken in BREAKS:
        compile(broken.source(), broken.file, "exec")
        assert set(broken.caught_by) <= CONTROLS.keys(), broken.what
        assert broken.caught_by, broken.what


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_found_where_nothing_is_broken(ask: Ask, variant: str) -> None:
    said = ask(None, variant)
    assert {control: found for control, found in said["found"].items() if found} == {}
    require_equal_verdicts(said)


@pytest.mark.parametrize(
    "broken", [pytest.param(broken, id=broken.what) for broken in (BREAKS if "PROVE" in os.environ else IN_EVERY_RUN)]
)
def test_a_break_is_found(ask: Ask, broken: Break) -> None:
    said = ask(broken, broken.on)
    missed = [control for control in broken.caught_by if not said["found"][control]]
    assert missed == [], f"{broken.file} is broken ({broken.what})"
    require_equal_verdicts(said)
