"""`groundplan eject`: a subject becomes the owner's, deploys as before, and stays comparable with the library (P5)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from groundplan.cli import _parts, eject, main
from groundplan.cli._facts import simulated
from groundplan.cli.stacks import read_project
from groundplan.problems import ProblemsFound
from tests.cli.ejecting import edit, files, require_refused
from tests.projects import reference_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = reference_project(tmp_path / "shop")
    (project / ".copier-answers.yml").write_text("_src_path: somewhere\n_commit: 0123abc\n")
    monkeypatch.chdir(project)
    for variable in ("STACK", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    return project


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's sources as a later version of it may have them, for comparisons."""
    later = Path(shutil.copytree(_parts.library(), tmp_path / "later" / _parts.LIBRARY))
    monkeypatch.setattr(_parts, "library", lambda: later)
    return later


def deployed(project: Path, stack: str) -> dict[str, object]:
    read = read_project(project, [stack])
    cloud = simulated(project, read.system, read.environments[stack])
    return {
        each.urn: json.loads(json.dumps(dict(each.inputs), default=lambda value: type(value).__name__))
        for each in cloud.resources
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_with_all_subjects_ejected_the_same_is_deployed(
    stack: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every subject of the library, not only the one that the page shows; URNs and inputs."""
    before = deployed(project, stack)
    for name in _parts.subjects():
        assert main(["eject", name]) == 0, capsys.readouterr().err
    program = (project / "infra" / "__main__.py").read_text()
    assert program.count("ejected(own.") == len(_parts.subjects())
    assert deployed(project, stack) == before
    for path in (project / "infra" / "own").rglob("*.py"):
        subject = path.relative_to(project / "infra" / "own").parts[0]
        assert f"{_parts.LIBRARY}.{subject}." not in path.read_text()


@pytest.mark.usefixtures("few")
def test_a_changed_copy_is_planned_rehearsed_and_compared(
    project: Path, upstream: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed(project, "dev")
    assert main(["eject", "cache"]) == 0
    said = capsys.readouterr().out
    assert "infra/own/cache is yours: Cache." in said
    own = project / "infra" / "own" / "cache" / "cache.py"
    edit(own, 'snapshot_retention_limit=args.get("snapshot_days", 1)', "snapshot_retention_limit=9")
    after = deployed(project, "dev")
    differing = {urn for urn in before.keys() | after.keys() if before.get(urn) != after.get(urn)}
    assert {urn.rpartition("$")[2].partition("::")[0] for urn in differing} == {
        "aws:elasticache/replicationGroup:ReplicationGroup"
    }
    assert main(["plan", "--quiet"]) == 0
    assert main(["rehearse", "--in-process", "--stack", "dev"]) == 0
    capsys.readouterr()

    assert main(["eject", "cache", "--diff"]) == 0
    assert capsys.readouterr().out == "Nothing changed upstream since 0123abc.\n"
    assert main(["eject", "--changed"]) == 0
    assert capsys.readouterr().out == ""

    edit(upstream / "cache" / "cache.py", "MOST_SNAPSHOT_DAYS = 35", "MOST_SNAPSHOT_DAYS = 40")
    (upstream / "cache" / "_more.py").write_text('"""New upstream."""\n')
    assert main(["eject", "--changed"]) == 0
    assert "infra/own/cache is yours, and changed upstream (_more.py, cache.py)" in capsys.readouterr().out
    assert main(["eject", "cache", "--diff"]) == 0
    shown = capsys.readouterr().out
    assert "-MOST_SNAPSHOT_DAYS = 35\n+MOST_SNAPSHOT_DAYS = 40\n" in shown
    assert "+++ b/infra/own/cache/_more.py" in shown
    assert "snapshot_retention_limit" not in shown, "the owner's edit is no difference of the library"

    assert main(["eject", "cache", "--merge"]) == 0
    text = own.read_text()
    assert "MOST_SNAPSHOT_DAYS = 40" in text
    assert "snapshot_retention_limit=9" in text
    capsys.readouterr()
    assert main(["eject", "cache", "--diff"]) == 0
    assert "Nothing changed upstream" in capsys.readouterr().out


def test_edits_that_meet_are_both_kept(project: Path, upstream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eject", "cache"]) == 0
    own = project / "infra" / "own" / "cache" / "cache.py"
    edit(own, "MOST_SNAPSHOT_DAYS = 35", "MOST_SNAPSHOT_DAYS = 7")
    edit(upstream / "cache" / "cache.py", "MOST_SNAPSHOT_DAYS = 35", "MOST_SNAPSHOT_DAYS = 40")
    assert main(["eject", "cache", "--merge"]) == 2
    assert "infra/own/cache/cache.py" in capsys.readouterr().err
    text = own.read_text()
    assert "<<<<<<< yours" in text
    assert "MOST_SNAPSHOT_DAYS = 7" in text
    assert "MOST_SNAPSHOT_DAYS = 40" in text


def test_a_file_that_was_deleted_or_left_the_library_is_told(
    project: Path, upstream: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eject", "events"]) == 0
    own = project / "infra" / "own" / "events"
    (own / "queues.py").unlink()
    edit(upstream / "events" / "queues.py", "import pulumi\n", "import pulumi  # changed\n")
    (upstream / "events" / "log_query.py").unlink()
    capsys.readouterr()
    assert main(["eject", "events", "--merge"]) == 0
    said = capsys.readouterr().out
    assert "queues.py changed upstream; you have deleted it." in said
    assert "log_query.py left the library; yours stays." in said
    assert (own / "log_query.py").is_file()
    assert not (own / "queues.py").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cach"], "did you mean `cache`?"),
        (["shared"], "one of backup, cache"),
        (["cache", "--diff"], "`groundplan eject cache` first"),
        (["cache", "--merge"], "`groundplan eject cache` first"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_refused(arguments, said, project, capsys)


def test_what_is_there_already_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = project / "infra" / "own" / "cache"
    mine.mkdir(parents=True)
    (mine / "cache.py").write_text("mine\n")
    before = files(project)
    assert main(["eject", "cache"]) == 1
    assert "there already" in capsys.readouterr().err
    assert files(project) == before


def test_a_program_that_does_not_load_leaves_nothing_behind(project: Path) -> None:
    program = project / "infra" / "__main__.py"
    program.write_text(program.read_text() + "\nraise ValueError('mine')\n")
    before = files(project)
    with pytest.raises(ProblemsFound, match=r"infra/__main__\.py:\d+: ValueError: mine"):
        eject.eject(_parts.Subject(project, "cache"))
    assert files(project) == before


def test_without_the_call_the_two_lines_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = project / "infra" / "__main__.py"
    edit(program, "StackContext.of(system, environment)", "context_of(StackContext, system, environment)")
    before = program.read_text()
    assert main(["eject", "cache"]) == 0
    said = capsys.readouterr().out
    assert "    import own.cache\n    StackContext.of(system, environment, ejected(own.cache))" in said
    assert program.read_text() == before


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("StackContext.of(system, environment)", "StackContext.of(system, environment, ejected(own.cache))"),
        ("StackContext.of(system, environment,)", "StackContext.of(system, environment, ejected(own.cache),)"),
        ("StackContext.of(\n    système, ümlaut\n)", "StackContext.of(\n    système, ümlaut, ejected(own.cache)\n)"),
        ("StackContext.of(*both)", "StackContext.of(*both, ejected(own.cache))"),
    ],
)
def test_the_call_is_extended_wherever_it_ends(call: str, expected: str) -> None:
    program = f'"""Ünïcode."""\nimport pulumi\n\nstack = {call}\n'
    wired = eject.wired(program, "cache")
    assert wired is not None
    assert f"stack = {expected}\n" in wired
    assert "import pulumi\nfrom groundplan.program import ejected\nimport own.cache\n" in wired


def test_the_list_names_every_component(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert main(["eject"]) == 0
    said = capsys.readouterr().out
    chassis = {f"chassis.{name}" for name in _parts.chassis_parts()}
    assert chassis
    assert {line.split()[0] for line in said.splitlines()} == {*_parts.subjects(), *chassis}
    assert "yours" not in said


def test_origins_are_no_code_for_tools(project: Path) -> None:
    """Linters and type checkers of the project would take a second copy for code."""
    assert main(["eject", "cache"]) == 0
    origin = project / "infra" / "own" / _parts.ORIGIN / "cache"
    assert {path.suffix for path in origin.iterdir()} == {".orig", ".json"}
    assert json.loads((origin / eject.ORIGIN_FILE).read_text())["commit"] == "0123abc"
