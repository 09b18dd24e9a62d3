from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundplan.rehearsal.cli import NoCli, find_cli

# Of `make prove`: more than a hundred deployments (tools/prove.py, "policies").
collect_ignore = [] if os.environ.get("PROVE") else ["test_breaks.py"]


@pytest.fixture(scope="session")
def cli() -> Path:
    """The Pulumi CLI on PATH; without one, tests of the real engine are skipped."""
    try:
        return find_cli()
    except NoCli as reason:
        pytest.skip(f"needs the Pulumi engine: {reason}")
