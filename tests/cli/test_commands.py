"""The command `groundplan`: what it lists, loads and completes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from groundplan.cli import main
from groundplan.cli._commands import COMPLETE, SECTIONS, Commands, Entry, commands
from groundplan.project import PROJECT_VARIABLE
from tests.projects import ROOT, reference_project

ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
OFFERED = sorted(commands.offered)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = reference_project(tmp_path / "shop")
    monkeypatch.chdir(project)
    for variable in ("STACK", "LOAD", "DATA", "GROWTH", "WHY", PROJECT_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    return project


def groundplan(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(ROOT / name) for name in ("infra", "components", "chassis", "devkit"))
    return subprocess.run(
        [sys.executable, "-m", "groundplan", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_list_loads_no_sdk_and_no_model() -> None:
    code = (
        "import sys; from groundplan.cli import main; status = main(['--help']);"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "heavy = loaded & {'pulumi', 'pulumi_aws', 'pydantic', 'copier', 'yaml', 'groundplan_devkit'};"
        "sys.exit(f'loaded {heavy}' if heavy or status else 0)"
    )
    path = os.pathsep.join(str(ROOT / name) for name in ("infra", "components", "chassis", "devkit"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for name in OFFERED:
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize("name", OFFERED)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"groundplan {name}" in said
    assert "python -m" not in said


@pytest.mark.parametrize("name", OFFERED)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    summary = ENTRIES[name].summary
    assert (command.help or "").split("\n\n")[0].replace("\n", " ").strip() in summary
    assert len(summary) < 80 - 14, "a line in a terminal of 80 columns"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_and_reports_keep_within_the_terminal_without_colours(columns: str) -> None:
    for arguments in (["--help"], ["service", "add", "--help"], ["compare", "--stack", "prod"]):
        done = groundplan(*arguments, COLUMNS=columns, FORCE_COLOR="1")
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= int(columns), arguments


def test_a_group_alone_lists_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service"]) == 0
    assert "add" in capsys.readouterr().out


def test_a_command_that_cannot_be_loaded_breaks_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_command.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "sound_command.py").write_text(
        "import click\n\n\n@click.command('sound')\ndef command():\n    return 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    some = {
        "broken": Entry("broken_command", "Broken."),
        "sound": Entry("sound_command", "Sound."),
        "missing": Entry("not_there.at_all", "Missing."),
    }
    monkeypatch.setattr("groundplan.cli._commands.commands", Commands({"Some": some}))
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert "broken" in listed
    assert "missing" not in listed
    assert main(["broken"]) == 1
    assert "a_package_that_is_not_there" in capsys.readouterr().err
    assert main(["sound"]) == 3


def test_variables_stand_for_options(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK", "prod")
    monkeypatch.setenv("LOAD", "3")
    monkeypatch.setenv("DATA", "order=3000 user=7")
    assert main(["compare"]) == 0
    by_variable = capsys.readouterr().out
    for variable in ("STACK", "LOAD", "DATA"):
        monkeypatch.delenv(variable)
    given = ["--stack", "prod", "--load", "3", "--data", "order=3000", "--data", "user=7"]
    assert main(["compare", *given]) == 0
    assert capsys.readouterr().out == by_variable


def test_a_project_is_found_from_a_folder_in_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project / "infra")
    assert main(["compare", "--stack", "dev"]) == 0
    assert "dev" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, project: Path) -> None:
    script = groundplan("completion", shell)
    assert script.returncode == 0
    assert COMPLETE in script.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("groundplan com", {"compare", "completion"}), ("groundplan plan --stack ", {"dev", "staging", "prod"})],
)
def test_words_are_completed(words: str, expected: set[str]) -> None:
    count = len(words.split(" ")) - 1
    done = groundplan(**{COMPLETE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)})
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


def test_the_library_holds_no_tool_of_this_repository() -> None:
    """What the wheel holds uses no path outside the package."""
    package = ROOT / "infra" / "groundplan"
    outside = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for levels in re.findall(r"__file__\)\.resolve\(\)\.parents\[(\d)\]", path.read_text())
        if int(levels) >= len(path.relative_to(package).parts)
    }
    # It asks whether the libraries run from a checkout.
    assert outside <= {"installation/contract.py"}
