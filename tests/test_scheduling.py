"""Which tests of this repository run in one process, and which begin first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import ROOT
from tools.scheduling import LONG

pytest_plugins = ["pytester"]

FILE = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_it(number, request):
        with open("{ran}", "a") as file:
            print("{name}", os.getpid(), file=file)
"""
IN_GROUPS = FILE.replace("@pytest", '@pytest.mark.xdist_group("one")\n    @pytest', 1)


def processes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *options: str, **files: str
) -> dict[str, set[str]]:
    """By file the processes in which its tests ran."""
    ran = pytester.path / "ran"
    pytester.makepyfile(**{name: text.format(ran=ran, name=name) for name, text in files.items()})
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = pytester.runpytest_subprocess("-p", "tools.scheduling", "-n", "2", *options)
    done.assert_outcomes(passed=4 * len(files))
    found: dict[str, set[str]] = {}
    for line in ran.read_text().splitlines():
        name, pid = line.split()
        found.setdefault(name, set()).add(pid)
    return found


def test_a_file_runs_in_one_process_and_so_does_a_group(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = processes(pytester, monkeypatch, "--dist", "loadgroup", test_a=FILE, test_b=IN_GROUPS, test_c=IN_GROUPS)
    assert len(found["test_a"]) == 1
    assert len(found["test_b"] | found["test_c"]) == 1


def test_another_distribution_stays_as_it_is(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(processes(pytester, monkeypatch, "--dist", "load", test_a=FILE)["test_a"]) == 2


@pytest.mark.parametrize("path", LONG)
def test_what_begins_first_is_there(path: str) -> None:
    assert (ROOT / Path(path)).exists()


def test_tests_that_look_at_all_tasks_have_an_event_loop_of_their_own() -> None:
    """In the loop that tests share, tasks of others' fixtures run to the end: waiting for all of them never ends."""
    sources = {path: path.read_text(encoding="utf-8") for path in ROOT.glob("*/tests/**/test_*.py")}
    looking = {path for path, text in sources.items() if "asyncio.all_tasks(" in text}
    assert len(looking) >= 3
    assert [path for path in looking if 'loop_scope="function"' not in sources[path]] == []
