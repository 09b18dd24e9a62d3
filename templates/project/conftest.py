"""Tests may use real servers, and the services as they run on them."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

if find_spec("groundplan_devkit") is None:
    raise SystemExit(
        "The tests' Python environment is not set up, or this is another one.\n"
        "    to do:    make setup, then .venv/bin/python -m pytest (or make test, which does both)"
    )

pytest_plugins = ["groundplan_devkit.testing", "groundplan_devkit.deployed", "groundplan_devkit.apis"]

QUICK = bool(os.environ.get("QUICK"))
"""`make test QUICK=1`: without tests that need a server."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if QUICK:
        left_out = {item for item in items if "needs_servers" in getattr(item, "fixturenames", ())}
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
