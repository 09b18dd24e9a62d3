"""`make plan` and `make compare`: what they print, what they write, and how they refuse (O1, U6)."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan.cli import _document, compare, plan
from groundplan.controls import CONTROLS, Evidence, Verdict
from groundplan.declaration.model import System
from groundplan.document import skeleton
from groundplan.stack.environment import Environment

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop in a folder of its own, as it comes from the template; what the program declares is given."""
    for name in ("system.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "ARCHITECTURE.md").write_text(f"{skeleton('shop')}\nmine\n")
    monkeypatch.chdir(tmp_path)
    for variable in ("STACK", "LOAD", "DATA", "GROWTH"):
        monkeypatch.delenv(variable, raising=False)

    def verdicts(folder: Path, system: System, environment: Environment) -> dict[str, Verdict]:
        assert folder == tmp_path
        assert system.name == "shop"
        assert environment.name == "prod"
        return {name: Verdict(control, (Evidence("urn"),)) for name, control in CONTROLS.items()}

    monkeypatch.setattr(_document, "declared_verdicts", verdicts)
    return tmp_path


def test_the_reference_systems_own_document_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """O1: with what the program really declares."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("STACK", raising=False)
    assert plan.main(["--quiet", "--check"]) == 0


def document(project: Path) -> str:
    return (project / "ARCHITECTURE.md").read_text()


def test_the_first_plan_fills_everything_in(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for stack in ("dev", "staging", "prod"):
        assert f"shop, {stack}: " in printed.out
    assert "ARCHITECTURE.md: brought up to date: Requirements, Architecture Diagram" in printed.out
    text = document(project)
    assert "Filled in by `make plan`" not in text
    assert text.endswith("\nmine\n")
    assert "- [x]" in text


def test_a_second_plan_changes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan.main(["--quiet"])
    before = document(project)
    capsys.readouterr()
    assert plan.main(["--quiet"]) == 0
    assert capsys.readouterr().out == "ARCHITECTURE.md is up to date.\n"
    assert document(project) == before


def test_check_fails_on_a_stale_document_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan.main(["--quiet"])
    assert plan.main(["--quiet", "--check"]) == 0
    declared = project / "system.yaml"
    declared.write_text(declared.read_text().replace("requests_per_second: 1000", "requests_per_second: 2000"))
    before = document(project)
    capsys.readouterr()
    assert plan.main(["--quiet", "--check"]) == 1
    error = capsys.readouterr().err
    assert "Requirements" in error
    assert "out of date" in error
    assert "run `make plan`" in error
    assert document(project) == before
    assert plan.main(["--quiet"]) == 0
    assert "2,000 requests/s at today's peak" in document(project)


def test_one_stack_may_be_printed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document speaks of all stacks all the same."""
    assert plan.main(["--stack", "dev"]) == 0
    printed = capsys.readouterr().out
    assert "shop, dev: " in printed
    assert "shop, prod: " not in printed
    assert "| dev | staging | prod |" in document(project)


def test_make_hands_stacks_over_in_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK", "dev staging")
    assert plan.main([]) == 0
    assert project.exists()
    printed = capsys.readouterr().out
    assert "shop, dev: " in printed
    assert "shop, staging: " in printed
    assert "shop, prod: " not in printed


def test_reasons_are_printed_when_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main(["--why", "--stack", "prod"]) == 0
    assert project.exists()
    assert "- instance_class = db." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stack", "nowhere"], "one of dev, staging, prod"),
        (["--stack", "nowhere", "--check"], "one of dev, staging, prod"),
    ],
)
def test_mistakes_are_said_without_a_traceback(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert plan.main(arguments) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert "Filled in by" in document(project)


def test_a_stack_that_cannot_be_deployed_yet_is_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new project whose staging has no domain yet still gets its figures."""
    stack = project / "Pulumi.staging.yaml"
    lines = [line for line in stack.read_text().splitlines() if "domain:" not in line and "hosted_zone:" not in line]
    stack.write_text("\n".join([*lines, "  shop:require_domain: true", ""]))
    assert plan.main([]) == 0
    printed = capsys.readouterr()
    assert "Left out, as it can't be deployed yet" in printed.err
    assert "shop, prod: " in printed.out
    assert "| dev | prod |" in document(project)
    assert plan.main(["--stack", "staging"]) == 1


def test_no_stacks_no_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in project.glob("Pulumi.*.yaml"):
        path.unlink()
    assert plan.main([]) == 1
    assert "at least one stack's configuration" in capsys.readouterr().err


def test_broken_markers_are_refused_before_anything_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = document(project).replace("<!-- /plan:api -->\n", "")
    (project / "ARCHITECTURE.md").write_text(broken)
    assert plan.main(["--quiet"]) == 1
    error = capsys.readouterr().err
    assert "ARCHITECTURE.md:" in error
    assert "plan:api" in error
    assert document(project) == broken


def test_comparing_asks_ten_times_the_load_by_itself(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main([]) == 0
    assert project.exists()
    assert capsys.readouterr().out.startswith("shop, prod: 1,000 -> 10,000 requests/s today\n")


def test_comparing_with_3_tb_of_orders(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--stack", "prod", "--data", "order=3000", "--growth", "order=100"]) == 0
    assert project.exists()
    printed = capsys.readouterr().out
    # 3,000 + 24 x 100 GiB
    assert "6 shards: 5,400 GiB in 24 months" in printed
    assert "- {since: 2000-01-01, shards: 6}" in printed


def test_comparing_with_less_data_shows_what_stays(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is deployed and AWS only makes larger is no saving."""
    assert compare.main(["--stack", "prod", "--data", "user=1", "--growth", "user=0"]) == 0
    assert project.exists()
    printed = " ".join(capsys.readouterr().out.split())
    assert "database.user storage_gb 30 20 40 GiB in 4 volumes" in printed
    assert "30 -> 20" not in printed


def test_comparing_with_less_load_keeps_what_the_goal_asks_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(["--stack", "prod", "--load", "0.1"]) == 0
    assert project.exists()
    printed = " ".join(capsys.readouterr().out.split())
    assert "max_storage_gb" not in printed
    assert "partitions" not in printed


def test_make_hands_questions_over_in_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOAD", "3")
    monkeypatch.setenv("DATA", "order=2000 user=1500")
    assert compare.main([]) == 0
    assert project.exists()
    printed = " ".join(capsys.readouterr().out.split())
    assert "1,000 -> 3,000 requests/s" in printed
    assert "database.user shards 1 -> 2" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--load", "much"], "a factor above 0"),
        (["--load", "0"], "a factor above 0"),
        (["--load", "-1"], "a factor above 0"),
        (["--load", "nan"], "a factor above 0"),
        (["--data", "oder=3000"], "did you mean `order`?"),
        (["--data", "order"], "a size in GiB, for example order=3000"),
        (["--data", "order=lots"], "a size in GiB"),
        (["--growth", "order=-5"], "a size in GiB"),
        (["--stack", "nowhere"], "one of dev, staging, prod"),
    ],
)
def test_wrong_questions_are_refused(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert compare.main(arguments) == 1
    assert project.exists()
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_several_wrong_questions_are_said_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--load", "much", "--data", "oder=1", "--growth", "order"]) == 1
    assert project.exists()
    assert capsys.readouterr().err.startswith("3 problems")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    """`make compare | head -1`."""
    command = f"{shlex.quote(sys.executable)} -m groundplan compare --stack prod | head -1"
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("shop, prod: ")
    assert ended.stderr == ""
