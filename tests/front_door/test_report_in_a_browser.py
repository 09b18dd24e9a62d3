"""The report page in a browser: whole, legible to everybody, and alone. `make prove WHAT=report`, which leaves
pictures in build/report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli.report import contents
from groundplan.cli.stacks import Project
from groundplan.declaration.model import System
from groundplan.report.page import page
from groundplan.stack.environment import Environment
from infra.tests.capacity.stacks import one_service
from infra.tests.samples import shop, stack, system_of
from tests.front_door.looking import installed, looked
from tests.projects import ROOT

PICTURES = ROOT / "build/report"
SYSTEMS: dict[str, tuple[System, Environment]] = {
    "shop": (shop(), stack("prod")),
    "tool": (one_service({"requests_per_second": 2}, broker="sqs", data_gb=2), stack("prod")),
    "thirty": (system_of(30, "sqs"), stack("prod")),
}
LOOKS = [(1000, "light"), (1000, "dark"), (390, "light"), (390, "dark")]
"""Width in pixels and colour scheme: a desk, and a phone."""
PICTURED = {("shop", 1000, "light"), ("thirty", 1000, "dark"), ("tool", 390, "light")}


@pytest.mark.skipif(
    not os.environ.get("PROVE_REPORT"), reason="needs Chromium and the npm registry: `make prove WHAT=report`"
)
def test_the_report_of_three_systems_in_a_browser(tmp_path: Path) -> None:
    """Must show 5 of issue 12: no console message, nothing asked for, and axe-core finds nothing."""
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
    for each in looked(installed(tmp_path), looks):
        for what in ("violations", "said", "requested", "unreached"):
            assert each[what] == [], (what, each)
        assert each["wider"] == 0, each
