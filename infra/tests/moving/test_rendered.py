"""What is put back is what the owner committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from groundplan.moving.rendered import Rendered
from groundplan.moving.saved import _save


def git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(params=["", "below/its top"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Rendered:
    """A project with every kind of file that an owner adds; the template wrote none of them."""
    top = tmp_path / "repository"
    project = top / request.param
    (project / "left").mkdir(parents=True)
    (project / "left" / "plain [1].txt").write_bytes(b"one\r\n\xff")
    (project / "left" / "script.sh").write_text("true\n")
    (project / "left" / "script.sh").chmod(0o755)
    (project / "left" / "link").symlink_to("gone.txt")
    (project / "left" / "outside").symlink_to(tmp_path / "outside.txt")
    git(tmp_path, "init", "--quiet", "repository")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "Ours")
    for scratch in ("rendered", "scratch/objects"):
        (tmp_path / scratch).mkdir(parents=True)
    return Rendered(project, git(top, "rev-parse", "HEAD"), tmp_path / "rendered", tmp_path / "scratch")


ADDED = ("left/plain [1].txt", "left/script.sh", "left/link", "left/outside")


def test_a_file_that_an_update_took_is_put_back(before: Rendered) -> None:
    for path in ADDED:
        (before.project / path).unlink()
        _save(before, before.tree_of(before.folder), path, added=True)
    assert git(before.project, "status", "--porcelain", "--", "left") == ""


def test_nothing_is_written_through_a_link(before: Rendered, tmp_path: Path) -> None:
    """What it leads to has left, or lies outside the project."""
    for path in ADDED:
        _save(before, before.tree_of(before.folder), path, added=True)
    assert git(before.project, "status", "--porcelain", "--", "left") == ""
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize(
    "path",
    ["services/my-order/migrations/env.py", "services/my-order/my_order_service/tests/integration/conftest.py"],
)
def test_what_may_stay_is_brought_back_as_is_said(path: str, before: Rendered) -> None:
    file = before.project / path
    file.parent.mkdir(parents=True)
    file.write_text("# Ours.\n")
    git(before.project, "add", "--all")
    git(before.project, "commit", "--quiet", "--message", "Before the update")
    file.unlink()
    place = _save(before, before.tree_of(before.folder), path, added=False).place
    subprocess.run(place.split("`")[1], shell=True, cwd=before.project, check=True)  # noqa: S602
    assert file.read_text() == "# Ours.\n"
