"""The last template that copied its libraries into projects, taken from this repository's history, and today's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.projects import ROOT, bare_environment, commit_all, commit_project, git, make_project, snapshot

LAST_COPIED = "93b9da09059b2b70af9ae47f338dfc7aabf6a595"
"""The last commit whose projects held copies."""


@dataclass(frozen=True)
class Project:
    """A project that its owner updates by `make`, with packages that are installed already."""

    folder: Path
    environment: Path

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("make", *arguments, f"VENV={self.environment}", **variables)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        # Without an index: a package that were missing would be a fault of the environment.
        settled = {"GROUNDPLAN_LIBRARIES": str(ROOT), "PIP_NO_INDEX": "1", **variables}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MAKE", "MFLAGS"))}
        return subprocess.run(
            command, cwd=self.folder, env=kept | settled, check=False, capture_output=True, text=True, timeout=900
        )

    def tool(self, name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.environment / "bin" / name), *arguments, **variables)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def add(self, path: str, text: str) -> None:
        self.write(path, self.read(path) + text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository: v0.1.0 copied the libraries, v0.2.0 is this working tree."""
    folder = tmp_path_factory.mktemp("releases")
    archive = folder / "old.tar"
    packed = subprocess.run(
        ["git", "archive", "--output", str(archive), LAST_COPIED], cwd=ROOT, check=False, capture_output=True
    )
    if packed.returncode:
        pytest.skip(f"this clone's history does not reach back to {LAST_COPIED[:12]}")
    template = folder / "groundplan"
    with tarfile.open(archive) as members:
        members.extractall(template, filter="data")
    git(template, "init", "--quiet", "--initial-branch=main")
    commit_all(template, "Libraries are copied")
    git(template, "tag", "v0.1.0")
    _become(template, snapshot(folder / "new", libraries=True))
    git(template, "tag", "v0.2.0")
    return template


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A checkout of the libraries as they are in this working tree, with this repository's history."""
    git(tmp_path, "clone", "--quiet", str(ROOT), "libraries")
    _become(tmp_path / "libraries", snapshot(tmp_path / "now", libraries=True))
    return tmp_path / "libraries"


def _become(repository: Path, tree: Path) -> None:
    """A commit of ``tree`` and nothing else."""
    git(repository, "rm", "-r", "--quiet", ".")
    shutil.copytree(tree, repository, symlinks=True, ignore=_own_git, dirs_exist_ok=True)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "The libraries as they are")


def _own_git(folder: str, names: list[str]) -> set[str]:
    return {".git"} & set(names) if (Path(folder) / "copier.yml").is_file() else set()


@pytest.fixture(scope="session")
def copied(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What v0.1.0 makes of the default answers and a repository; read only."""
    return make_project(releases, tmp_path_factory.mktemp("copied") / "shop", {"repository": "acme/shop"}, ref="v0.1.0")


@pytest.fixture
def environment(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This interpreter's packages in an environment of its own, as the old set-up left it: no library is in it.

    Each test has one, as a move brings it to the new pins, which the old set-up would take back.
    """
    return bare_environment(tmp_path_factory.mktemp("environment") / "venv", copied / "requirements.txt")


@pytest.fixture
def project(copied: Path, environment: Path, tmp_path: Path) -> Project:
    return Project(commit_project(Path(shutil.copytree(copied, tmp_path / "shop"))), environment)
