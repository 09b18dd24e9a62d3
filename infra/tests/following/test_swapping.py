"""Killed at any moment, nothing is half done (U7)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundplan.following.swapping import interrupted, resume, swap
from groundplan.problems import ProblemsFound

BEFORE = {"a.py": "a", "b/c.py": "c", "b/d.py": "d"}
CHANGE = {"a.py": "A", "b/c.py": None, "b/d.py": None, "e/f.py": "F"}
AFTER = {"a.py": "A", "e/f.py": "F"}


class Killed(BaseException):
    pass


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name, text in BEFORE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def contents(project: Path) -> dict[str, str]:
    files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.relative_to(project).as_posix(): path.read_text() for path in files}


def test_all_files_get_their_contents_and_empty_folders_go(project: Path) -> None:
    swap(project, CHANGE)
    assert contents(project) == AFTER
    assert not (project / "b").exists()
    assert not interrupted(project)
    assert not resume(project)


def killed_at(number: int, patch: pytest.MonkeyPatch) -> None:
    """The process ends instead of its n-th touch of the disk."""
    left = [number]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # any function of the disk
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*arguments, **options)

        return call

    for owner, name in (
        (Path, "write_text"),
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "mkdir"),
        (shutil, "copyfile"),
        (shutil, "rmtree"),
        (os, "fsync"),
    ):
        patch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("number", range(30))
def test_a_stop_anywhere_leaves_all_or_nothing(project: Path, number: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at(number, patch)
        try:
            swap(project, CHANGE)
        except Killed:
            pass
        else:
            assert number > 10, "there was something to stop"
    began = interrupted(project)
    if not began:
        assert contents(project) in (BEFORE, AFTER)
    # A second stop, on the way back to order.
    with pytest.MonkeyPatch.context() as patch:
        killed_at(number % 5, patch)
        with contextlib.suppress(Killed):
            resume(project)
    resume(project)
    assert contents(project) == (AFTER if began else contents(project))
    assert contents(project) in (BEFORE, AFTER)
    swap(project, CHANGE)
    assert contents(project) == AFTER


def test_nothing_is_written_through_a_link_out_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (project / "out").symlink_to(elsewhere)
    with pytest.raises(ProblemsFound, match="on no link that leads out of it"):
        swap(project, {"a.py": "A", "out/x.py": "x"})
    assert contents(project) == BEFORE
    assert not list(elsewhere.iterdir())


def test_a_project_in_a_folder_of_a_repository(project: Path) -> None:
    inside = project / "b"
    swap(inside, {"c.py": "C"})
    assert (inside / "c.py").read_text() == "C"


def test_without_a_repository_nothing_happens(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="a git repository"):
        swap(tmp_path, {"a": "a"})
