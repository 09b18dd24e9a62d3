"""What a copy is rendered from is a small part of the template's repository, and that part is enough."""

from __future__ import annotations

from pathlib import Path

import copier
import pytest
from copier import _vcs

from groundplan.cli._rendering import cloned_once
from groundplan.cli._template_files import checked_out
from tests.projects import ROOT, commit_all, git


def copy(template: Path | str, ref: str, into: Path) -> dict[str, bytes]:
    copier.run_copy(str(template), into, vcs_ref=ref, defaults=True, quiet=True, settings=copier.Settings())
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()}


@pytest.fixture
def clones(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What copier itself cloned."""
    found: list[str] = []
    clone = _vcs.clone

    def noted(url: str, ref: str = "HEAD", location: str | None = None) -> str:
        found.append(ref)
        return clone(url, ref, location)

    monkeypatch.setattr(_vcs, "clone", noted)
    monkeypatch.setattr("copier._template.clone", noted)
    return found


def test_a_copy_is_the_same_from_the_part_and_from_the_whole(clones: list[str], tmp_path: Path) -> None:
    commit = git(ROOT, "rev-parse", "HEAD").strip()
    whole = copy(ROOT, commit, tmp_path / "whole")
    assert clones == [commit]
    with cloned_once():
        assert copy(ROOT, commit, tmp_path / "part") == whole
    assert clones == [commit]
    assert checked_out(ROOT, commit, empty(tmp_path / "few"))
    few = len([path for path in (tmp_path / "few").rglob("*") if path.is_file() and ".git" not in path.parts])
    assert few < len(git(ROOT, "ls-tree", "-r", "--name-only", commit).splitlines()) / 8


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """One whose files lie elsewhere besides."""
    folder = tmp_path / "template"
    (folder / "templates" / "project").mkdir(parents=True)
    (folder / "shared").mkdir()
    (folder / "libraries").mkdir()
    (folder / "copier.yml").write_text("_subdirectory: templates/project\nname:\n  type: str\n  default: shop\n")
    (folder / "templates/project/{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers|to_nice_yaml }}"
    )
    (folder / "libraries/code.py").write_text("pass\n")
    (folder / "shared/first.txt").write_text("1\n")
    (folder / "last.txt").write_text("2\n")
    (folder / "shared/second.txt").symlink_to("../last.txt")
    (folder / "templates/project/shared").symlink_to("../../shared")
    git(folder, "init", "--quiet")
    commit_all(folder)
    return folder


def test_links_are_followed_to_what_they_lead_to(template: Path, tmp_path: Path) -> None:
    assert checked_out(template, "HEAD", empty(tmp_path / "few"))
    assert (tmp_path / "few/templates/project/shared/second.txt").read_text() == "2\n"
    assert (tmp_path / "few/shared/first.txt").exists()
    assert not (tmp_path / "few/libraries").exists()
    assert git(tmp_path / "few", "status", "--porcelain") == ""
    assert git(tmp_path / "few", "describe", "--always") == git(template, "describe", "--always")


def test_a_template_in_the_network_is_checked_out_of_copiers_mirror(
    template: Path, clones: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))
    git(template, "rm", "--quiet", "templates/project/shared")
    commit_all(template)
    commit = git(template, "rev-parse", "HEAD").strip()
    address = f"git+{template.as_uri()}"
    whole = copy(address, commit, tmp_path / "whole")
    assert clones == [commit]
    with cloned_once():
        assert copy(address, commit, tmp_path / "part") == whole
    assert clones == [commit]
    assert address in whole[".copier-answers.yml"].decode()


@pytest.mark.parametrize("commit", ["no-such-ref", "--all"])
def test_a_version_that_is_not_there_is_left_to_copier(commit: str, template: Path, tmp_path: Path) -> None:
    assert not checked_out(template, commit, empty(tmp_path / "few"))
    with cloned_once(), pytest.raises(ValueError, match="Unknown revision"):
        copy(template, commit, tmp_path / "copy")


@pytest.mark.parametrize("what", ["a link to nowhere", "submodules", "no templates"])
def test_a_repository_of_another_kind_is_left_to_copier(
    what: str, template: Path, clones: list[str], tmp_path: Path
) -> None:
    if what == "submodules":
        (template / ".gitmodules").write_text("")
    elif what == "no templates":
        git(template, "mv", "templates", "skeletons")
        (template / "copier.yml").write_text("_subdirectory: skeletons/project\n")
    else:
        (template / "templates/nowhere").symlink_to("../../outside")
    commit_all(template)
    commit = git(template, "rev-parse", "HEAD").strip()
    assert not checked_out(template, commit, empty(tmp_path / "few"))
    with cloned_once():
        for number in range(2):
            copy(template, commit, tmp_path / f"copy-{number}")
    assert clones == [commit]


def test_what_is_not_committed_counts_at_the_head(template: Path, clones: list[str], tmp_path: Path) -> None:
    """As copier has it: a template that is being worked on is tried as it stands."""
    (template / "templates/project/new.txt").write_text("new\n")
    with cloned_once(), pytest.warns(UserWarning, match="Dirty template changes"):
        assert "new.txt" in copy(template, "HEAD", tmp_path / "copy")
    assert clones == ["HEAD"]
