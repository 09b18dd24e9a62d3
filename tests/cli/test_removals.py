"""What a user has is never removed: only what carries the project's stamp, or a tool's own mark (n1)."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan import owned
from groundplan.cli.template import GIVE_UP, Updated, require_clean, restore, tell_conflicts
from groundplan.problems import ProblemsFound
from tests.projects import ROOT, commit_project, git
from tools import demo

REVIEWED = {
    # By file and function, or by file and line of a script: why nothing of the user's can go.
    ("infra/groundplan/document/rewriting.py", "write_text"): "a temporary file that the function itself has made",
    (
        "tools/demo.py",
        "make_project",
    ): "a repository with the demo's one commit and no change, see `_edited`",
    ("infra/groundplan/cli/eject.py", "_remove_made"): "what the same command has just made, where nothing was",
    ("infra/groundplan/cli/eject.py", "_record"): "the copies beside the owner's files, which this command makes",
    ("infra/groundplan/cli/_template_files.py", "checked_out"): "a clone in a temporary folder of its own",
    ("infra/groundplan/cli/template.py", "restore"): "after `require_clean`: all of the user's is in the last commit",
    ("infra/groundplan/owned.py", "remove"): "the mechanism: after `require_removable`",
    ("devkit/groundplan_devkit/authority.py", "_write_key"): "a key in a directory that `start` has claimed",
    ("devkit/groundplan_devkit/dev/session.py", "_start"): "a log in a directory that `start` has claimed",
    ("devkit/groundplan_devkit/identity/keys.py", "retire"): "a key in a directory that `start` has claimed",
    (
        "devkit/groundplan_devkit/install.py",
        "pip_install",
    ): "a hidden, unfinished installation in the cache, under its lock",
    ("devkit/groundplan_devkit/processes.py", "_forget"): "a process's file in a directory that `start` has claimed",
    ("devkit/groundplan_devkit/servers/kafka.py", "prepare"): "an unfinished archive in the cache, under its lock",
    (
        "devkit/groundplan_devkit/servers/kafka.py",
        "_fetch",
    ): "a hidden, unfinished download in the cache, under its lock",
    ("devkit/groundplan_devkit/servers/postgres.py", "_create"): "a password that the function itself has written",
    (
        "devkit/groundplan_devkit/servers/postgres.py",
        "_clear",
    ): "the lock of a dead server, in a directory that `start` has claimed",
    ("devkit/groundplan_devkit/servers/running.py", "stop"): "only if `is_owned`",
    (
        "devkit/groundplan_devkit/servers/valkey.py",
        "_node",
    ): "a node's list of nodes, in a directory that `start` has claimed",
    ("devkit/groundplan_devkit/testing.py", "pytest_unconfigure"): "an empty folder that the same run has made",
    (
        "devkit/groundplan_devkit/state.py",
        "data_directory",
    ): "empty, or a note of its own; in a directory that `start` has claimed",
    (
        "devkit/groundplan_devkit/state.py",
        "remove_data",
    ): "of a server, in a directory that `start` has claimed, or a temporary one of ours",
    ("infra/clean.sh", 'rm -rf -- "$directory"'): "holds the stamp",
    ("infra/clean.sh", "if [[ -d build ]] && ! rmdir build 2>/dev/null; then"): "empty",
    ("infra/clean.sh", 'rm -rf -- "$cache"'): "marked as a cache by the tool that fills it",
    (
        "infra/clean.sh",
        "rm -rf -- .hypothesis/examples .hypothesis/constants .hypothesis/unicode_data .hypothesis/tmp",
    ): "what Hypothesis names",
    ("infra/clean.sh", "rm -f -- .hypothesis/.gitignore"): "Hypothesis writes it",
    ("infra/clean.sh", "rmdir .hypothesis 2>/dev/null || true"): "empty",
    (
        "infra/clean.sh",
        "find . \"${outside[@]}\" -path '*/__pycache__/*.py[co]*' -type f -exec rm -f -- {} +",
    ): "bytecode",
    ("infra/clean.sh", "-exec rmdir -- {} +"): "empty",
    ("bench/copying.py", "at"): "a clone in a temporary folder that the bench has made",
    ("bench/daily.py", "undo"): "a project in a temporary folder that the bench has made",
    (
        "infra/groundplan/following/swapping.py",
        "_apply",
    ): "a file that the journal names; its content is in the journal",
    (
        "infra/groundplan/cli/service.py",
        "_put_over_edits",
    ): "git's index of a file that has just been written, in a project that `require_clean` passed before",
    ("infra/groundplan/following/swapping.py", "_prune"): "folders that a removed file left empty, but for bytecode",
    ("infra/groundplan/following/swapping.py", "resume"): "its own journal, in git's folder",
    ("infra/groundplan/following/swapping.py", "swap"): "its own journal, in git's folder",
    ("infra/groundplan/installation/bootstrap.py", "remove"): "the venv's own parts, behind the stamp (`require_ours`)",
    ("infra/groundplan/installation/bootstrap.py", "_clear"): "what venv and pip made, behind the stamp",
    ("infra/groundplan/installation/bootstrap.py", "_third_party"): "its own note, in a directory it has claimed",
    ("infra/groundplan/installation/bootstrap.py", "set_up"): "its own notes, in a directory with its stamp",
    (
        "infra/groundplan/installation/images.py",
        "_remove_others",
    ): "wheels of earlier pins in build/wheels, which is stamped",
    (
        "infra/groundplan/installation/vendoring.py",
        "_write_manifest",
    ): "a wheel of an earlier manifest, unchanged since",
    ("infra/groundplan/moving/__main__.py", "_move"): "its own report and mark",
    ("infra/groundplan/moving/__main__.py", "_remove_bytecode"): "bytecode, where nothing but it is left",
    ("infra/groundplan/moving/rendered.py", "tree_of"): "an index in a temporary folder of its own",
    ("infra/groundplan/pricing/offers.py", "_replace"): "a temporary file that the function itself has made",
    (
        "infra/setup.sh",
        'echo "Or give the update up, back to your last commit: git add --all . && git stash"',
    ): "advice, not a command; a stash keeps what it takes away",
}

REMOVES = {"rmtree", "unlink", "rmdir", "removedirs", "run_recopy", "truncate"}
GIT = {"clean", "reset", "checkout", "restore", "rm", "stash", "switch"}
SHELL = re.compile(r"\brm\s|\brmdir\b|--clear\b|\s-delete\b|\bgit (clean|reset|checkout|restore|rm|stash|switch)\b")


def product() -> list[Path]:
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    return [ROOT / name for name in listed if name and "tests" not in Path(name).parts]


def in_python(path: Path) -> Iterator[str]:
    """The innermost function of each call that may remove something."""

    def visit(node: ast.AST, function: str) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            of_os = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in {"os", "shutil"}
            words = {word.value for word in ast.walk(node) if isinstance(word, ast.Constant)}
            if (
                called in REMOVES
                or (of_os and called == "remove")
                or ((called in {"git", "_git"} or "git" in words) and words & GIT)
            ):
                yield function
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), "")


def removals() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in product():
        name = str(path.relative_to(ROOT)).removeprefix("templates/project/")
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".py":
            found |= {(name, function) for function in in_python(path)}
        elif path.suffix == ".sh" or path.name in {"Makefile", "run"}:
            lines = path.read_text(encoding="utf-8").splitlines()
            found |= {
                (name, line.strip()) for line in lines if SHELL.search(line) and not line.lstrip().startswith("#")
            }
    return found


def test_every_removal_has_been_reviewed() -> None:
    """A new one needs a stamp (`infra/groundplan/owned.py`) or a reason here."""
    assert removals() == REVIEWED.keys()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "libraries.txt").write_text("")
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def setup(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("bash") or "bash", str(ROOT / "infra" / "setup.sh"), *arguments]
    return subprocess.run(command, cwd=place, check=False, capture_output=True, text=True)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


PRECIOUS: dict[str, dict[str, str]] = {
    "files": {"thesis.tex": "years of work"},
    "a hidden file": {".env": "secret"},
    "an environment of another tool": {"pyvenv.cfg": "home = /usr/bin", "lib/mine.py": "1"},
    "a project that is an environment, too": {"pyvenv.cfg": "", "requirements.txt": "flask", "app.py": "1"},
    "a name that venv uses": {"bin/backup": "#!/bin/sh"},
}


@pytest.mark.parametrize("remove", [False, True])
@pytest.mark.parametrize("files", PRECIOUS.values(), ids=PRECIOUS.keys())
def test_setup_leaves_what_it_did_not_make(place: Path, files: dict[str, str], remove: bool) -> None:
    for name, text in files.items():
        (place / "precious" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "precious" / name).write_text(text)
    before = contents(place)
    done = setup(place, *(["--remove"] if remove else []), "precious")
    assert done.returncode == 1
    for part in ("precious: ", "expected: ", "to do: "):
        assert part in done.stderr
    assert contents(place) == before


def test_setup_leaves_a_file(place: Path) -> None:
    (place / "precious").write_text("x")
    assert setup(place, "precious").returncode == 1
    assert (place / "precious").read_text() == "x"


@pytest.mark.parametrize("name", ["one two/größe", "-c"])
def test_setup_takes_any_path_and_takes_up_what_was_interrupted(place: Path, name: str) -> None:
    environment = place / name
    environment.mkdir(parents=True)
    assert setup(place, name).returncode == 0, "an empty directory has no owner"
    assert (environment / owned.STAMP).is_file()
    # Killed while venv ran, and a user's file beside.
    shutil.rmtree(environment / "lib")
    (environment / "requirements.txt").unlink()
    (environment / "mine").write_text("mine")
    done = setup(place, name)
    assert done.returncode == 0, done.stderr
    assert (environment / "mine").read_text() == "mine"
    assert setup(place, "--remove", name).returncode == 0
    assert [path.name for path in environment.iterdir()] == ["mine"]


def test_an_environment_from_before_there_were_stamps_is_taken(place: Path) -> None:
    assert setup(place, "environment").returncode == 0
    (place / "environment" / owned.STAMP).unlink()
    (place / "requirements.txt").write_text("# other\n")
    assert setup(place, "environment").returncode == 0
    assert (place / "environment" / owned.STAMP).is_file()


@pytest.mark.parametrize("makefile", ["Makefile", "templates/project/Makefile"])
def test_make_takes_a_path_with_blanks(place: Path, makefile: str) -> None:
    (place / "infra").symlink_to(ROOT / "infra")
    command = ["make", "--no-print-directory", "-f", str(ROOT / makefile), "PYTHON3=python3", "VENV=one two/größe"]
    done = subprocess.run(
        [*command, "setup" if makefile == "Makefile" else "environment"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (place / "one two" / "größe" / "bin" / "python").exists()


def test_clean_removes_what_was_made_here_and_nothing_else(place: Path) -> None:
    kept = {
        ".venv/pyvenv.cfg": "home = /usr/bin",
        "build/precious": "x",
        "build/mine/file": "x",
        ".mypy_cache/notes": "x",
        ".hypothesis/notes": "x",
        "src/__pycache__/notes": "x",
    }
    gone = {
        "build/demo/.groundplan": "",
        "build/demo/shop/file": "x",
        ".pytest_cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
        ".pytest_cache/v/file": "x",
        ".hypothesis/examples/0": "x",
        "src/__pycache__/a.cpython-311.pyc": "x",
        "other/__pycache__/a.cpython-311.pyc": "x",
    }
    for name, text in {**kept, **gone}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    done = subprocess.run(
        ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "clean"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    # The Makefile is found elsewhere, so is its script.
    assert "infra/clean.sh" in done.stderr
    done = subprocess.run(
        ["bash", str(ROOT / "infra" / "clean.sh")], cwd=place, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert set(contents(place)) == {*kept, "requirements.txt", "vendor/libraries.txt"}
    assert not (place / "other" / "__pycache__").exists()
    assert ".venv: not made by make setup, so it stays" in done.stderr
    assert "build/mine build/precious" in done.stderr


def test_a_directory_is_claimed_only_if_nothing_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(ProblemsFound, match="holds other files"):
        owned.claim(tmp_path)
    with pytest.raises(ProblemsFound, match="delete it yourself"):
        owned.remove(tmp_path)
    assert owned.main([str(tmp_path)]) == 1
    assert contents(tmp_path) == {"precious": b"x"}
    own = tmp_path / "own"
    own.mkdir()
    owned.claim(own)
    (own / "inner").mkdir()
    (own / "link").symlink_to(tmp_path)
    owned.claim(own)
    owned.remove(own)
    owned.remove(own)
    assert contents(tmp_path) == {"precious": b"x"}
    assert not own.exists()


def test_what_git_status_is_told_to_hide_is_seen(tmp_path: Path) -> None:
    """`restore` deletes untracked files, so an update must not begin with any."""
    (tmp_path / ".copier-answers.yml").write_text("")
    project = commit_project(tmp_path)
    git(project, "config", "status.showUntrackedFiles", "no")
    require_clean(project)
    (project / "precious").write_text("x")
    with pytest.raises(ProblemsFound, match="not clean"):
        require_clean(project)
    (project / "precious").unlink()
    require_clean(project)
    (project / "made").write_text("x")
    restore(project)
    assert not (project / "made").exists()


@pytest.mark.parametrize("how", ["hidden", "ignored", "branch", "stash"])
def test_work_in_the_demos_project_counts_wherever_it_is(tmp_path: Path, how: str) -> None:
    (tmp_path / ".gitignore").write_text(".env\n.venv/\n")
    (tmp_path / "file").write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", demo.MADE)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "tool").write_text("x")
    assert not demo._edited(tmp_path)
    if how == "hidden":
        git(tmp_path, "config", "status.showUntrackedFiles", "no")
        (tmp_path / "precious").write_text("x")
    elif how == "ignored":
        (tmp_path / ".env").write_text("x")
    elif how == "branch":
        git(tmp_path, "switch", "--quiet", "--create", "work")
        (tmp_path / "file").write_text("x")
        git(tmp_path, "commit", "--quiet", "--all", "--message", "Work")
        git(tmp_path, "switch", "--quiet", "-")
    else:
        (tmp_path / "file").write_text("x")
        git(tmp_path, "stash", "--quiet")
    assert demo._edited(tmp_path)


def test_an_update_in_conflict_can_be_given_up_without_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """n5"""
    (tmp_path / "edited").write_text("first\n")
    project = commit_project(tmp_path)
    git(project, "config", "user.name", "Test")
    git(project, "config", "user.email", "test@example.com")
    # As copier leaves it: a file in conflict, a changed one, new ones.
    blobs = [
        subprocess.run(
            ["git", "hash-object", "-w", "--stdin"],
            cwd=project,
            input=text,
            text=True,
            capture_output=True,
            check=True,
        ).stdout.strip()
        for text in ("first\n", "ours\n", "theirs\n")
    ]
    entries = "".join(f"100644 {blob} {stage}\tedited\n" for stage, blob in enumerate(blobs, 1))
    zero = "0" * 40
    subprocess.run(
        ["git", "update-index", "--index-info"],
        cwd=project,
        input=f"0 {zero}\tedited\n{entries}",
        text=True,
        check=True,
    )
    (project / "edited").write_text("<<<<<<< before\nours\n=======\ntheirs\n>>>>>>> after\n")
    (project / "services").mkdir()
    (project / "services" / "new").write_text("x")
    assert "UU edited" in git(project, "status", "--porcelain")
    assert tell_conflicts(Updated(("edited",), ("edited",))) == 2
    advice = capsys.readouterr().err
    assert advice.rstrip().endswith(GIVE_UP)
    subprocess.run(["bash", "-c", GIVE_UP], cwd=project, check=True, capture_output=True)
    assert git(project, "status", "--porcelain", "--untracked-files=all") == ""
    assert (project / "edited").read_text() == "first\n"
    assert not (project / "services" / "new").exists()
    git(project, "stash", "pop", "--quiet")
    assert (project / "services" / "new").read_text() == "x"
