"""Rows that their owners alone may read are not referred to by others (S4, h7): generated services on real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.projects import ROOT, make_project

REFERENCES = 7
"""Each of a creation or an update, by a role that may read its own rows alone of what it refers to."""


def test_rows_of_others_are_not_referred_to(whole_template: Path, tmp_path: Path) -> None:
    """By the services' own tests: a caller who creates or changes what refers to another's row, which they may not
    read, is answered as if it were not there; references to their own are taken."""
    declared = yaml.safe_load((ROOT / "tests/template/answers/own-rows.yaml").read_text(encoding="utf-8"))
    project = make_project(whole_template, tmp_path / "shop", {"services": [{"name": "holding", **declared}]})
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*module: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *module], cwd=project, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("groundplan", "openapi", "--missing")
    chosen = ("-k", "another or answered_and_recorded or replaces_it")
    run("pytest", "-n0", "-q", "-p", "no:cacheprovider", *chosen, "services/holding")
    found = run("pytest", "-n0", "-q", "--collect-only", "-p", "no:cacheprovider", "-k", "row_of_another", "services")
    assert found.count("::test_a_reference_") == REFERENCES
