"""The policy pack under the real engine: it lets a whole program pass, and stops one that lacks something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundplan.cli import check
from groundplan.cloud.provider import ProviderServers
from groundplan.rehearsal.engine import Stack, StepFailed
from groundplan.rehearsal.stage import Stage
from infra.tests.samples import ROOT

MARK = "    dashboard = declare_observability("
OWN_BUCKET = """
    from pulumi_aws import s3

    s3.Bucket("uploads", opts=stack.in_region())
"""
Deploy = Callable[[], None]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The reference system's smallest stack; the pack finds the project by its variable, from wherever it runs."""
    made = Stage(ROOT, "dev", tmp_path / "project")
    monkeypatch.setenv("GROUNDPLAN_PROJECT", str(made.folder))
    return made


@pytest.fixture
def deploy(stage: Stage, cli: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Deploy]:
    assert check.main(["--policy-pack"]) == 0
    pack = Path(capsys.readouterr().out.strip())
    home = tmp_path / "home"
    home.mkdir()
    with ProviderServers() as servers:
        engine = Stack(cli, stage.folder, "dev", home, servers.attachment)
        engine.create()

        def deployed() -> None:
            try:
                engine.up(policy_pack=pack)
            except StepFailed as failed:
                if "pulumi-analyzer-policy-python" in str(failed):
                    pytest.skip("needs the plugin pulumi-analyzer-policy-python, which this CLI comes without")
                raise

        yield deployed


def test_the_pack_lets_a_whole_program_pass(deploy: Deploy) -> None:
    deploy()


def test_the_pack_stops_a_program_that_lacks_something(stage: Stage, deploy: Deploy) -> None:
    program = stage.folder / "infra" / "__main__.py"
    text = program.read_text()
    assert text.count(MARK) == 1
    program.write_text(text.replace(MARK, f"{OWN_BUCKET}{MARK}"))
    with pytest.raises(StepFailed) as stopped:
        deploy()
    said = str(stopped.value)
    assert "S5.private-buckets" in said
    assert "uploads" in said
