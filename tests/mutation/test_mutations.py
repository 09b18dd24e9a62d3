"""Every requirement test fails when what it holds is broken, and passes when nothing is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.mutation.breaks import BREAKS
from tests.mutation.broken import ROOT, Break
from tests.mutation.server import CAUGHT, PASSED, request

Ask = Callable[[Break | None, list[str], str], dict[str, list[str]]]
VARIANTS = sorted({broken.on for broken in BREAKS})


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    """The outcomes of tests on a variant of the program, broken or whole."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.mutation.server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:

        def outcomes(broken: Break | None, tests: list[str], variant: str) -> dict[str, list[str]]:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(f"{request(broken, tests, variant)}\n")
            server.stdin.flush()
            answer = server.stdout.readline()
            assert answer, "the server has ended"
            found: dict[str, list[str]] = json.loads(answer)["outcomes"]
            return found

        yield outcomes
        assert server.stdin is not None
        server.stdin.close()


def test_there_are_enough_breaks_and_none_twice() -> None:
    assert len(BREAKS) >= 50
    assert len({broken.what for broken in BREAKS}) == len(BREAKS)
    assert len({(broken.file, broken.before, broken.after) for broken in BREAKS}) == len(BREAKS)


def test_every_break_fits_the_program_as_it_is() -> None:
    for broken in BREAKS:
        compile(broken.source(), broken.file, "exec")


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_caught_where_nothing_is_broken(ask: Ask, variant: str) -> None:
    tests = sorted({test for broken in BREAKS if broken.on == variant for test in broken.caught_by})
    outcomes = ask(None, tests, variant)
    assert {test: outcome for test, outcome in outcomes.items() if outcome[0] != PASSED} == {}
    assert outcomes.keys() == set(tests)


@pytest.mark.parametrize("broken", [pytest.param(broken, id=broken.what) for broken in BREAKS])
def test_a_break_is_caught(ask: Ask, broken: Break) -> None:
    outcomes = ask(broken, list(broken.caught_by), broken.on)
    missed = {test: outcome for test, outcome in outcomes.items() if outcome[0] != CAUGHT}
    assert missed == {}, f"{broken.file} is broken ({broken.what})"
