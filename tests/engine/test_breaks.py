"""Under the real engine the policy pack reports of every broken program what `groundplan check` finds in it."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli import check
from groundplan.cloud.provider import ProviderServers
from groundplan.controls import CONTROLS
from groundplan.rehearsal.engine import Stack, StepFailed
from groundplan.rehearsal.stage import Stage
from infra.tests.program.graphs import VARIANTS as DECLARED
from tests.mutation.breaks import BREAKS
from tests.mutation.broken import ROOT, Break
from tests.mutation.server import Server
from tests.mutation.test_mutations import IN_POLICIES, VARIANTS

# Python imports it when it starts: in the program that the engine runs, and in the policy pack.
STARTED_FIRST = """
import os, sys
from tests.mutation.breaks import BREAKS
from tests.mutation.broken import BrokenFinder
sys.meta_path.insert(0, BrokenFinder(next(each for each in BREAKS if each.what == os.environ["BREAK"])))
"""
CHANCE = random.Random(int(os.environ.get("BREAKS_SEED", "0")))  # noqa: S311  the campaign records its seed
CHOSEN = CHANCE.sample(BREAKS, min(int(os.environ.get("BREAKS", "105")), len(BREAKS)))
REPORTED = re.compile(r"^\s*([A-Z]\d\.[a-z0-9-]+): ", re.MULTILINE)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


def engine_says(
    broken: Break | None, variant: str, cli: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> StepFailed | None:
    """How a first deployment ends."""
    system, environment = DECLARED[variant]()
    stage = Stage(ROOT, environment.name, folder / "project")
    stage.declare(system)
    file = stage.folder / f"Pulumi.{environment.name}.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    content["config"][f"{system.name}:images"] = dict(environment.images)
    file.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("GROUNDPLAN_PROJECT", str(stage.folder))
    if broken:
        (folder / "first").mkdir()
        (folder / "first" / "sitecustomize.py").write_text(STARTED_FIRST)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder / "first"), str(ROOT))))
        monkeypatch.setenv("BREAK", broken.what)
    (folder / "home").mkdir()
    pack = Path(check.__file__).resolve().parents[1] / "policy_pack"
    with ProviderServers(region=environment.region) as servers:
        engine = Stack(cli, stage.folder, environment.name, folder / "home", servers.attachment)
        engine.create()
        try:
            engine.up(policy_pack=pack)
        except StepFailed as failed:
            return failed
    return None


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_whole_program_is_deployed(variant: str, cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_says(None, variant, cli, tmp_path, monkeypatch) is None


@pytest.mark.parametrize("broken", [pytest.param(broken, id=broken.what) for broken in CHOSEN])
def test_the_pack_reports_what_check_finds(
    broken: Break, server: Server, cli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = server.ask(broken, broken.on)
    found = {control for control, findings in said["found"].items() if findings}
    failed = engine_says(broken, broken.on, cli, tmp_path, monkeypatch)
    if failed is None:
        # What the pack can't see: `check` alone finds it.
        assert found
        assert not found & IN_POLICIES
        return
    reported = {name for error in failed.errors for name in REPORTED.findall(error)} & CONTROLS.keys()
    if said["refused"]:
        # The cloud stops it before the pack is asked.
        assert reported or any(urn in str(failed) for urn in said["refused"]), str(failed)
        return
    assert reported == found & IN_POLICIES, str(failed)[:3000]
