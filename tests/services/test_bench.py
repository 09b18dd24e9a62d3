"""Parts of `make bench-services` with limits of their own, in a project with the default answers: campaigns, each of
which prints its numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import ROOT, commit_project, make_project, overridden

ROWS = os.environ.get("BENCH_ROWS")
REQUESTS = os.environ.get("BENCH_REQUESTS")


@pytest.mark.skipif(not ROWS, reason="a million rows and minutes under load: `make prove WHAT=neighbours`")
def test_one_client_in_its_limit_at_most_doubles_what_others_wait(whole_template: Path, tmp_path: Path) -> None:
    assert ROWS is not None
    _bench(whole_template, tmp_path, "neighbours", "--rows", ROWS)


@pytest.mark.skipif(not REQUESTS, reason="minutes under load: `make prove WHAT=memory`")
def test_memory_stays_flat_over_many_varied_requests(whole_template: Path, tmp_path: Path) -> None:
    assert REQUESTS is not None
    _bench(whole_template, tmp_path, "memory", "--requests", REQUESTS, "--rows", "100000")


def _bench(template: Path, tmp_path: Path, what: str, *options: str) -> None:
    project = make_project(template, tmp_path / "project")
    commit_project(project)
    done = subprocess.run(
        [sys.executable, "-m", "groundplan", "bench", what, *options],
        cwd=project,
        env={**os.environ, **overridden()},
        check=False,
        capture_output=True,
        text=True,
    )
    kept = ROOT / "build" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{what}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
