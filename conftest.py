"""What all tests of this repository share: real servers, and how many examples a property is tried on."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from importlib.util import find_spec

import pytest

if find_spec("groundplan_devkit") is None:
    raise SystemExit(
        "The tests' Python environment is not set up, or this is another one.\n"
        "    to do:    make setup, then .venv/bin/python -m pytest (or make test, which does both)"
    )

import hypothesis

from groundplan.installation import contract
from tools.prove import MOVED

pytest_plugins = ["groundplan_devkit.testing", "groundplan_devkit.deployed", "tools.scheduling"]

# The same examples in every run of `make test`; `make prove` draws more, by a seed that it records.
hypothesis.settings.register_profile("test", derandomize=True, deadline=None)
hypothesis.settings.register_profile(
    "prove", max_examples=int(os.environ.get("PROVE_EXAMPLES", "1000")), deadline=None, print_blob=True
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


def pytest_configure() -> None:
    if "PROVE_SEED" in os.environ:
        hypothesis.core.global_force_seed = int(os.environ["PROVE_SEED"])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting imports the SDKs and makes ten thousand tests, all of which stay. To walk them took the garbage
    collector a sixth of the time, and would again in each later collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PROVE" in os.environ:
        return
    for item in items:
        for name, reason in MOVED.items():
            if item.nodeid == name or item.nodeid.startswith((f"{name}::", f"{name}[", f"{name}@")):
                item.add_marker(pytest.mark.skip(reason=f"in `make prove`: {reason}"))


@pytest.fixture(autouse=True)
def _libraries_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects that tests make run on this checkout, which commands would name in every output."""
    monkeypatch.setattr(contract, "checkout_in_use", lambda _: None)
