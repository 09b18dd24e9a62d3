"""The report page in a browser: whole, legible to everybody, and alone. `make prove WHAT=report`, which leaves
pictures in build/report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli.report import contents
from groundplan.cli.stacks import Project
from groundplan.declaration.model import System
from groundplan.report.page import page
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import PROD, one_service
from infra.tests.samples import shop, stack, system_of
from tests.projects import ROOT

HERE = Path(__file__).parent / "browser"
PICTURES = ROOT / "build/report"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SYSTEMS: dict[str, tuple[System, Environment]] = {
    "shop": (shop(), stack("prod")),
    "tool": (one_service({"requests_per_second": 2}, broker="sqs", data_gb=2), PROD),
    "thirty": (system_of(30, "sqs"), PROD),
}
LOOKS = [(1000, "light"), (1000, "dark"), (390, "light"), (390, "dark")]
"""Width in pixels and colour scheme: a desk, and a phone."""
PICTURED = {("shop", 1000, "light"), ("thirty", 1000, "dark"), ("tool", 390, "light")}


@pytest.mark.skipif(
    not os.environ.get("PROVE_REPORT"), reason="needs Chromium and the npm registry: `make prove WHAT=report`"
)
def test_the_report_of_three_systems_in_a_browser(tmp_path: Path) -> None:
    """Must show 5 of issue 12: no console message, nothing asked for, and axe-core finds nothing."""
    browser = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    assert browser, f"none of {', '.join(CHROMIUM)} is installed"
    PICTURES.mkdir(parents=True, exist_ok=True)
    looks: list[dict[str, Any]] = []
    for name, (system, environment) in SYSTEMS.items():
        file = tmp_path / f"{name}.html"
        project = Project(ROOT, system, {environment.name: environment})
        file.write_text(page(contents(project, environment.name)), encoding="utf-8")
        for width, scheme in LOOKS:
            pictured = (name, width, scheme) in PICTURED
            picture = str(PICTURES / f"{name}-{width}-{scheme}.jpeg") if pictured else None
            looks.append({"page": str(file), "width": width, "scheme": scheme, "picture": picture})
    found = looked(browser, looks, tmp_path)
    assert len(found) == len(SYSTEMS) * len(LOOKS)
    for each in found:
        for what in ("violations", "said", "requested", "unreached"):
            assert each[what] == [], (what, each)
        assert each["wider"] == 0, each


def looked(browser: str, looks: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What `browser/look.mjs` says of each, with what its lock file pins."""
    for name in ("package.json", "package-lock.json", "look.mjs"):
        shutil.copy(HERE / name, folder / name)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=folder, check=True)
    (folder / "looks.json").write_text(json.dumps(looks), encoding="utf-8")
    command = ["node", "look.mjs", browser, "looks.json"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
