"""A traced process behaves as it would by itself, and leaves the duration of each statement behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from groundplan_devkit.bench import traced
from groundplan_devkit.state import PROJECT

PROGRAM = """
import sys
import time
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.statements import StatementLog

log = StatementLog(Metrics("n", "order", lambda line: None), slow_ms=20)
for _ in range(3):
    log.finished("SELECT 1", time.perf_counter() - 0.005)
log.finished("SELECT 2", time.perf_counter() - 0.5)
print(sys.argv[1:], __name__)
sys.exit(3)
"""


def test_every_statement_is_timed(tmp_path: Path) -> None:
    package = tmp_path / "some_service"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PROGRAM)
    file = tmp_path / "statements.json"
    done = subprocess.run(
        [sys.executable, "-m", traced.__name__, "some_service", "api"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{PROJECT}", traced.FILE: str(file)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "['api'] __main__\n"), done.stderr
    taken = json.loads(file.read_text())
    assert sorted(taken) == ["SELECT 1", "SELECT 2"]
    assert len(taken["SELECT 1"]) == 3
    assert all(5 <= each < 400 for each in taken["SELECT 1"])
    assert taken["SELECT 2"][0] >= 500
