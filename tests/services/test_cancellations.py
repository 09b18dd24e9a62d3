"""Many orders of the sample are cancelled at every moment, by all who may, while their payment is collected (h10).

`make prove WHAT=cancellations`, on real servers. Every interleaving of the rules by themselves is in
tests/template/test_settlement.py, in every run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import make_project

ORDERS = int(os.environ.get("CANCELLATIONS", "0"))
SEED = os.environ.get("CANCELLATIONS_SEED", "20261130")
PROGRAM = Path(__file__).with_name("cancelling.py")


@pytest.mark.skipif(not ORDERS, reason="minutes of CPU, in `make prove WHAT=cancellations`")
def test_no_money_is_wrong(whole_template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project = make_project(whole_template, tmp_path / "shop")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["CANCELLATIONS_SEED"] = SEED
    written = [sys.executable, "-m", "groundplan", "openapi", "--missing"]
    subprocess.run(written, cwd=project, env=environment, check=True, capture_output=True)
    target = project / "tests/system/test_cancellations.py"
    shutil.copy(PROGRAM, target)
    with capfd.disabled():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "-s", "-q", "-p", "no:cacheprovider", str(target)],
            cwd=project,
            env=environment,
            check=False,
        )
    assert done.returncode == 0
