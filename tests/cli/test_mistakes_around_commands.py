"""What a user gets wrong around a command is told by all of them alike: what, where, expected, what to do (U5)."""

from __future__ import annotations

import errno
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from groundplan.cli import compare, diff, eject
from groundplan.cli import main as groundplan
from groundplan.cli import plan as plan_command
from tests.projects import commit_all, commit_project, reference_project

Captured = pytest.CaptureFixture[str]
RUN_THE_PROGRAM = {
    "plan": ("--check",),
    "check": (),
    "quotas": (),
    "cost": ("--no-savings",),
    "foundation": (),
    "manifests": (),
    "rehearse": ("--in-process",),
    "report": (),
}
"""Commands that import the owner's program, each with what makes it short."""
DECLARE = "def declare(system: System, environment: Environment) -> None:\n"
WRONG_PROGRAMS = {
    "syntax": (DECLARE, "def declare(\n", "SyntaxError: "),
    "import": (DECLARE, f"import own.lost\n\n\n{DECLARE}", "ModuleNotFoundError: No module named 'own"),
    "when it runs": (DECLARE, f'{DECLARE}    raise KeyError("mine")\n', "KeyError: 'mine'"),
    "without a message": (DECLARE, f"{DECLARE}    raise RuntimeError\n", "RuntimeError\n"),
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STACK", "BASE", "LOAD", "GROUNDPLAN_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    project = reference_project(tmp_path / "a shop, é")
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize("mistake", WRONG_PROGRAMS)
@pytest.mark.parametrize("command", RUN_THE_PROGRAM)
def test_a_mistake_in_the_owners_program_is_told_by_its_line(
    command: str, mistake: str, shop: Path, capsys: Captured
) -> None:
    before, after, said = WRONG_PROGRAMS[mistake]
    program = shop / "infra" / "__main__.py"
    text = program.read_text(encoding="utf-8")
    assert text.count(before) == 1
    program.write_text(text.replace(before, after), encoding="utf-8")
    stack = () if command == "plan" else ("--stack", "dev")
    assert groundplan([command, *stack, *RUN_THE_PROGRAM[command]]) == 1
    heard = capsys.readouterr().err
    assert "\ninfra/__main__.py:" in heard
    assert said in heard
    assert "to do:    mend that line" in heard


def test_a_mistake_in_what_is_worked_out_later_is_told_too(shop: Path, capsys: Captured) -> None:
    program = shop / "infra" / "__main__.py"
    late = '    pulumi.Output.from_input("text").apply(lambda text: text.no_such_thing)\n'
    text = program.read_text(encoding="utf-8").replace(DECLARE, f"import pulumi\n\n\n{DECLARE}{late}")
    program.write_text(text, encoding="utf-8")
    line = text.splitlines().index(late.removesuffix("\n")) + 1
    assert groundplan(["check", "--stack", "dev"]) == 1
    assert f"infra/__main__.py:{line} is AttributeError: " in capsys.readouterr().err.replace(": A", " is A")


@pytest.mark.parametrize("command", [*RUN_THE_PROGRAM, "diff", "compare", "alarm", "upgrade", "up", "remember"])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [("pord", "did you mean `prod`?"), ("qa", "name one of them"), ("../x", "name one of them")],
)
def test_a_stack_that_is_not_there_is_told_by_those_that_are(
    command: str, name: str, remedy: str, shop: Path, capsys: Captured
) -> None:
    commit_project(shop)
    named = [name] if command in {"up", "remember"} else ["--stack", name]
    assert groundplan([command, *named, *(["HEAD"] if command == "diff" else [])]) == 1
    heard = capsys.readouterr()
    assert f"the command: STACK is {name}\n    expected: one of dev, staging, prod\n" in heard.err
    assert remedy in heard.err
    assert heard.out == ""


@pytest.mark.parametrize("arguments", [["cost", "--no-savings", "--stack", "qa"], ["check", "--stack", "qa"]], ids=str)
def test_a_command_finds_the_project_above(
    arguments: list[str], shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (shop / "services" / "order").mkdir(parents=True)
    monkeypatch.chdir(shop / "services" / "order")
    assert groundplan(arguments) == 1
    assert "one of dev, staging, prod" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "file", "remedy"),
    [
        (errno.EACCES, "ARCHITECTURE.md", "change its permissions"),
        (errno.EROFS, "ARCHITECTURE.md", "make a copy of the project"),
        (errno.ENOSPC, None, "free some space"),
        (errno.EISDIR, "ARCHITECTURE.md", "move the folder"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_the_system_keeps_is_told(
    number: int,
    file: str | None,
    remedy: str,
    as_json: bool,
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, "Said by the system", str(shop / file) if file else None)

    monkeypatch.setattr(plan_command, "read_project", fail)
    assert groundplan(["plan", *(["--json"] if as_json else [])]) == 1
    heard = capsys.readouterr()
    assert f"{file or 'this disk'}: said by the system\n" in heard.err
    assert remedy in heard.err
    assert not as_json or json.loads(heard.out)["problems"][0]["where"] == (file or "this disk")


def test_a_fault_of_ours_keeps_its_traceback(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "lost")

    assert shop
    monkeypatch.setattr(plan_command, "read_project", fail)
    with pytest.raises(FileNotFoundError):
        groundplan(["plan"])


def _without_a_repository(shop: Path) -> list[str]:
    assert shop.is_dir()
    return ["git is no repository", "git init && git add . && git commit"]


def _without_a_commit(shop: Path) -> list[str]:
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=shop, check=True)
    return ["BASE is missing", "make diff BASE=<commit>"]


def _on_another_branch(shop: Path) -> list[str]:
    commit_project(shop)
    subprocess.run(["git", "branch", "--quiet", "-m", "trunk"], cwd=shop, check=True)
    return ["BASE is missing", "there is no main branch"]


@pytest.mark.parametrize("prepare", [_without_a_repository, _without_a_commit, _on_another_branch])
def test_a_difference_without_anything_to_compare_with_says_what_to_do(
    prepare: Callable[[Path], list[str]], shop: Path, capsys: Captured
) -> None:
    expected = prepare(shop)
    assert diff.main([]) == 1
    heard = capsys.readouterr().err.replace("git: no", "git is no").replace("git: BASE", "BASE")
    assert all(said in heard for said in expected), heard


def test_without_a_remote_the_difference_is_against_the_main_branch(shop: Path, capsys: Captured) -> None:
    commit_project(shop)
    for stack in ("staging", "prod"):
        (shop / f"Pulumi.{stack}.yaml").unlink()
    commit_all(shop, "One stack")
    assert diff.main([]) == 0
    assert "main" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--diff", "--merge"])
def test_a_part_is_asked_for_where_an_option_is_about_one(option: str, shop: Path, capsys: Captured) -> None:
    assert shop
    assert eject.main([option]) == 1
    heard = capsys.readouterr()
    assert f"name one: groundplan eject PART {option}" in heard.err
    assert heard.out == ""


@pytest.mark.parametrize("note", [None, "", "{", "[]"])
def test_a_lost_note_of_where_a_part_came_from_stops_nothing(note: str | None, shop: Path, capsys: Captured) -> None:
    assert eject.main(["keys"]) == 0
    file = shop / "infra" / "own" / ".origin" / "keys" / "origin.json"
    file.unlink()
    if note is not None:
        file.write_text(note)
    assert eject.main(["keys", "--diff"]) == 0
    assert "Nothing changed upstream since it was copied." in capsys.readouterr().out


def test_a_load_beyond_every_system_is_no_plan(shop: Path, capsys: Captured) -> None:
    assert shop
    assert compare.main(["--load", "1e99", "--stack", "dev", "--no-cost"]) == 1
    assert "--load is 1e99" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    ["diff", "follow", "contracts", "eject keys", "wheels", "vendor", "prices --region eu-west-1", "drift dev",
     "up dev", "deliver dev", "destroy dev", "remember dev", "upgrade", "openapi", "clients", "token"],
)  # fmt: skip
def test_in_a_folder_that_is_no_project_that_is_said_and_nothing_is_written(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GROUNDPLAN_PROJECT", "LOCAL_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    assert groundplan(words.split()) == 1
    heard = capsys.readouterr()
    assert "system.yaml: missing\n" in heard.err
    assert "or run the command in the project's folder" in heard.err
    assert heard.out == ""
    assert list(tmp_path.iterdir()) == []
