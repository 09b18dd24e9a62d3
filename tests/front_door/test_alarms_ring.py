"""U9: alarms of shop/prod are rung by the alarm bench, and end as their pages say: `make prove WHAT=alarms-ring`.

What drills name is held in every run: alarms that the program declares, and words of their pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from groundplan.alarms import page
from groundplan_devkit.bench.alarms.drills import Scene, rounds
from groundplan_devkit.bench.alarms.watched import declared
from infra.tests.program.graphs import graph_of, group
from tests.projects import ROOT, borrowed_environment, commit_project, make_project, overridden, snapshot

LEAST_PAGES = 12
KEPT = ROOT / "build" / "alarms.md"


def scene() -> Scene:
    """Of shop, with nothing that runs."""
    servers = SimpleNamespace(kafka=True, valkey=True)
    stage = SimpleNamespace(servers=servers, server=str, primary="postgres-1", installation=SimpleNamespace(topic=str))
    roles = ("command", "query", "projector")
    whole = SimpleNamespace(processes={("order", role): None for role in roles}, writing=str)
    target = SimpleNamespace(name="order", path="/orders", resource=SimpleNamespace(table=lambda name: f"{name}s"))
    return Scene(
        **cast("dict[str, Any]", {"on": stage, "running": whole, "readings": None, "sources": None, "target": target}),
        service="order",
        event="order.read_model",
        slo="shop-prod-slo",
        instance="db-order",
    )


@pytest.mark.xdist_group(group("prod"))
def test_drills_name_alarms_of_the_program_and_words_of_their_pages() -> None:
    graph = graph_of("prod")
    alarms = declared(graph.resources, graph.system.name)
    rings = [ring for drills in rounds(scene()) for drill in drills for ring in drill.rings]
    assert len({ring.alarm for ring in rings}) == len(rings)
    pages = set()
    for ring in rings:
        assert ring.alarm in alarms
        said = page(alarms[ring.alarm].page).parts()["How to prove that it is over"]
        assert ring.over in " ".join(said.split()), ring.alarm
        pages.add(alarms[ring.alarm].page)
    assert len(pages) >= LEAST_PAGES


@pytest.mark.skipif(
    not os.environ.get("PROVE_ALARMS"), reason="faults that last for minutes: `make prove WHAT=alarms-ring`"
)
def test_alarms_ring_and_end_as_their_pages_say(tmp_path: Path) -> None:
    project = commit_project(make_project(snapshot(tmp_path / "template"), tmp_path / "shop"))
    borrowed_environment(project / ".venv")
    command = [sys.executable, "-m", "groundplan", "bench", "alarms"]
    done = subprocess.run(command, cwd=project, env={**os.environ, **overridden()}, check=False)
    made = project / "build" / "bench" / "alarms.md"
    assert made.exists(), f"the bench ended with {done.returncode} before its report"
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, KEPT)
    assert done.returncode == 0, KEPT.read_text(encoding="utf-8")
