"""Whole APIs of a project with every type and option, by every caller (issue 13): `make prove WHAT=api`.

The services run as the plan has them, on real servers, in a project of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects import ROOT, make_project

CASES = int(os.environ.get("API_CASES", "0"))
SEED = int(os.environ.get("API_SEED", "20261130"))
LEAST_SHARE = 0.95
SERVICES = ("bill-of-long-names-x", "holding", "user", "order")
TEST = """
from groundplan_devkit.checks.campaign import campaign


def test_campaign(new_deployment, sign):
    with new_deployment() as made:
        found = campaign(made, sign, {services}, cases={cases}, seed={seed})
    print("\\n".join(found.summary()))
    assert not found.wrong
    assert not [pair for pair in found.reached if pair[2] == "500"]
    assert found.looked_at > 0
    assert found.share >= {share}, found.missing
"""


def services() -> list[Any]:
    every, owned = (
        yaml.safe_load((ROOT / f"tests/template/answers/{name}.yaml").read_text(encoding="utf-8"))
        for name in ("every-option", "own-rows")
    )
    # A unique text of one form has no second sample.
    del every["resources"]["extraordinarily_long_resource_name_is_it"]["fields"]["code"]["unique"]
    # In one process, so that all phases of a generator reach reads and writes; `order` has both apart.
    return ["user", "order", "payment", {"name": SERVICES[0], **every, "cqrs": False}, {"name": SERVICES[1], **owned}]


@pytest.mark.skipif(not CASES, reason="minutes of CPU, in `make prove WHAT=api`")
def test_no_answer_is_wrong(whole_template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project = make_project(whole_template, tmp_path / "shop", {"services": services()})
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    written = [sys.executable, "-m", "groundplan", "openapi", "--missing"]
    subprocess.run(written, cwd=project, env=environment, check=True, capture_output=True)
    (project / "tests/system/test_campaign.py").write_text(
        TEST.format(services=SERVICES, cases=CASES, seed=SEED, share=LEAST_SHARE)
    )
    command = ("-m", "pytest", "-n0", "-s", "-q", "-p", "no:cacheprovider", "tests/system/test_campaign.py")
    said = []
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        with capfd.disabled():
            # As it comes: it takes long.
            for line in running.stdout:
                print(line, end="", flush=True)
                said.append(line)
    assert running.returncode == 0
    asked = re.search(r"^([0-9,]+) requests;", "".join(said), re.MULTILINE)
    assert asked is not None
    assert int(asked[1].replace(",", "")) >= CASES
