"""Two plans side by side: any two of declaration, stack, git revision, working tree and changed keys (M1, U6)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundplan.cli._command import execute
from groundplan.cli.compare import command, compare_sides
from groundplan.cli.sides import read_side
from groundplan.problems import ProblemsFound
from tests.projects import ROOT, commit_all, git


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The reference system in a repository of two commits: in the first it has half the load."""
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    for path in (*ROOT.glob("Pulumi*.yaml"), ROOT / "system.yaml"):
        shutil.copy(path, folder / path.name)
    git(folder.parent, "init", "--quiet", "--initial-branch=main")
    declared = (folder / "system.yaml").read_text()
    (folder / "system.yaml").write_text(declared.replace("requests_per_second: 1000", "requests_per_second: 500"))
    commit_all(folder, "Half the load")
    (folder / "system.yaml").write_text(declared)
    commit_all(folder, "All of it")
    return folder


def test_each_kind_of_side_is_read(project: Path) -> None:
    other = project / "twice.yaml"
    other.write_text(
        (project / "system.yaml").read_text().replace("requests_per_second: 1000", "requests_per_second: 2000")
    )
    loads = {
        source: read_side(project, source, None).system.requirements.requests_per_second
        for source in ("", ".", "prod", "HEAD", "HEAD~1", "main~1:staging", "twice.yaml", str(other), ":dev")
    }
    assert loads == {
        "": 1000, ".": 1000, "prod": 1000, "HEAD": 1000, "HEAD~1": 500, "main~1:staging": 500, "twice.yaml": 2000,
        str(other): 2000, ":dev": 1000,
    }  # fmt: skip
    stacks = {
        source: read_side(project, source, None).environment.name for source in ("", "dev", "HEAD:staging", ":dev")
    }
    assert stacks == {"": "prod", "dev": "dev", "HEAD:staging": "staging", ":dev": "dev"}


def test_keys_of_both_files_are_changed_on_one_side(project: Path) -> None:
    side = read_side(
        project,
        "",
        "prod",
        ["nat=single", "shop:log_days=30", "services.order.data_gb=500", "services.user.load.peak_to_mean=4"],
    )
    assert side.environment.nat == "single"
    assert side.environment.log_days == 30
    assert side.system.services["order"].data_gb == 500
    assert side.system.services["user"].load.peak_to_mean == 4
    assert side.environment.domain == read_side(project, "", "prod").environment.domain
    assert read_side(project, "", "prod").system.services["order"].data_gb == 200, "the files stay"


def test_what_is_said_of_two_plans(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_sides(project, "HEAD~1", "", "prod", [], cost=False) == 0
    said = capsys.readouterr().out
    assert "HEAD~1, prod  ->  working tree, prod" in said
    assert "500 -> 1,000 requests/s today" in said
    for part in ("Limits, full at requests/s", "Budgets", "committed by AWS"):
        assert part in said
    assert compare_sides(project, "dev", "prod", None, [], cost=False) == 0
    said = capsys.readouterr().out
    assert "database.shared" in said
    assert "521" in said
    assert "117" in said


def test_nothing_changes_where_nothing_does(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare_sides(project, "", "HEAD", "prod", [], cost=False)
    assert "Nothing changes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "settings", "said"),
    [
        ("nowhere", [], "a stack (dev, staging, prod), a declaration's file, a folder, or a git revision"),
        ("--output=x", [], "a git revision"),
        ("HEAD:qa", [], "Pulumi.qa.yaml"),
        ("", ["natt=single"], "did you mean `nat`?"),
        ("", ["nat"], "KEY=VALUE"),
        ("", ["nat=many"], "per_zone"),
        ("", ["services.ordr.data_gb=5"], "did you mean `order`?"),
        ("", ["services.order.data=5"], "one of the keys"),
        ("", ["requirements.query_p95_ms=199"], "lower it"),
        ("", ["name.first=5"], "a path of mappings"),
        ("", ["services.order.read_share=lots"], "a number"),
    ],
)
def test_what_can_not_be_compared_is_said(project: Path, source: str, settings: list[str], said: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        read_side(project, source, None, settings)
    assert said in str(found.value)


def test_the_two_ways_to_say_it_are_kept_apart(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert execute(command, ["--load", "10", "--to", "dev"]) == 1
    assert "--set requirements.requests_per_second=5000" in capsys.readouterr().err
