"""`make test WATCH=1`: after every edit the tests that it touches, on servers that stay up.

python -m groundplan_devkit.watching [TESTS …]; ``QUICK`` leaves out what needs a server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePath

from watchfiles import Change, watch

from groundplan.installation.contract import start
from groundplan.problems import ProblemsFound
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.say import say
from groundplan_devkit.servers import servers
from groundplan_devkit.state import PROJECT, STATE_VARIABLE
from groundplan_devkit.testing import declared_shards
from groundplan_devkit.touched import CODE, edited_files, touched

NO_TESTS = 5
"""pytest's status where nothing was collected."""
_LEFT_OUT = {".git", ".venv", "build", "__pycache__", "node_modules"}


def main(arguments: Sequence[str]) -> int:
    """Until Ctrl-C; then 0, or the status of servers that did not start."""
    try:
        start(PROJECT)
        with ExitStack() as stack:
            if not os.environ.get("QUICK") and STATE_VARIABLE not in os.environ:
                say("Starting servers, which stay up between runs (QUICK=1 does without)")
                os.environ[STATE_VARIABLE] = str(stack.enter_context(servers(shards=declared_shards())).state_file)
            follow(_edits(), arguments, _run_tests)
    except (ProblemsFound, Unavailable) as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        say("\nStopped")
    return 0


def follow(edits: Iterable[Sequence[Path]], only: Sequence[str], run: Callable[[Sequence[str]], int]) -> None:
    """Runs, for each group of edits, the tests that they touch, within ``only`` where that names any.

    What of ``only`` names no file or folder is pytest's (`-k name`).
    """
    paths = [each for each in only if (PROJECT / each.partition("::")[0]).exists()]
    options = [each for each in only if each not in paths]
    for edited in edits:
        found = [test for test in touched(PROJECT, edited) if (PROJECT / test).exists()]
        tests = list(dict.fromkeys(part for test in found for part in _within(test, paths)))
        if not tests:
            continue
        tests += options
        say(f"Edited: {', '.join(sorted({path.name for path in edited})[:5])}; running {' '.join(tests)}")
        status = run(tests)
        say("Passed; waiting for the next edit" if status in (0, NO_TESTS) else "Failed; waiting for the next edit")


def _edits() -> Iterator[Sequence[Path]]:
    """What differs from the last commit, then each group of edits."""
    say("Tests run after every edit; Ctrl-C ends it")
    seen: dict[Path, int] = {}
    # Again after the first run: edits during it are watched by no one yet.
    while edited := {path: written for path, written in _written().items() if seen.get(path) != written}:
        seen |= edited
        yield list(edited)
    for changes in watch(PROJECT, watch_filter=worth_a_look, raise_interrupt=True):
        yield [Path(path) for _, path in sorted(changes)]


def _written() -> dict[Path, int]:
    """When each file was written that differs from the last commit (0: it was deleted)."""
    return {path: path.stat().st_mtime_ns if path.exists() else 0 for path in edited_files(PROJECT)}


def worth_a_look(change: Change, path: str) -> bool:
    del change
    inside = Path(path).relative_to(PROJECT).parts if Path(path).is_relative_to(PROJECT) else ()
    return path.endswith(CODE) and bool(inside) and not _LEFT_OUT.intersection(inside)


def _within(test: str, only: Sequence[str]) -> list[str]:
    """What both name: the test where it is in one of ``only``, else those of ``only`` that are in it."""
    wanted = {each: PurePath(each.partition("::")[0]) for each in only}
    if not wanted or any(PurePath(test).is_relative_to(path) and "::" not in each for each, path in wanted.items()):
        return [test]
    return [each for each, path in wanted.items() if path.is_relative_to(test)]


def _run_tests(tests: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "--quiet", *tests], cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
