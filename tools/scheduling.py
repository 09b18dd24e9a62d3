"""Which tests of this repository run in one process, and which begin first."""

from __future__ import annotations

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

LONG = (
    "tests/template/test_answers.py",
    "tests/installation",
    "tests/cli",
    "tests/template",
    "tests",
    "devkit",
    "chassis",
)
"""Begun first, so that no process is left with one of them when the others have ended."""


class ByGroupOrFile(LoadGroupScheduling):  # type: ignore[misc]  # has no types
    """A file's tests run in one process, unless they belong to a group: what its fixtures start, or a cached function
    simulates, is made once."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    """With `--dist loadgroup`, as `make test` has it; any other choice stays."""
    return ByGroupOrFile(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG))
