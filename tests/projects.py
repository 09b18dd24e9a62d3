"""Projects made from this template as it is in the working tree, for tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier

ROOT = Path(__file__).resolve().parents[1]

SPINE = {"infra", "components", "tests", "bench", "docs"}
LIBRARY = {f"templates/project/{name}" for name in ("chassis", "local", "tests", "bench")}
KEPT = {"__init__.py", "setup.sh", "clean.sh", "rds_authorities.pem"}
CODE = ("/{{ service.package }}/", "/migrations/")

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=where, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def commit_all(where: Path, message: str = "A change") -> None:
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", message)


def snapshot(into: Path, *, copied: bool = True, code: bool = True) -> Path:
    """A repository of the template with what is not committed yet, so that tests judge the tree as it stands.

    Without ``copied`` it lacks most of what every project gets as it is, without ``code`` what is written for each
    service: enough to try answers and updates, in a tenth of the time.
    """
    into.mkdir(parents=True)
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (not copied and _copied(name)) or (not code and any(part in name for part in CODE)):
            continue
        source, target = ROOT / name, into / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git(into, "init", "--quiet", "--initial-branch=main")
    commit_all(into, "Snapshot")
    return into


def _copied(name: str) -> bool:
    parts = name.split("/")
    return (parts[0] in SPINE or "/".join(parts[:3]) in LIBRARY) and parts[-1] not in KEPT


def make_project(template: Path, into: Path, answers: Mapping[str, Any] | None = None, *, ref: str = "HEAD") -> Path:
    """What `copier copy --defaults` makes with these answers: no `--trust`, no settings of this machine."""
    copier.run_copy(
        str(template),
        into,
        data=dict(answers or {}),
        defaults=True,
        quiet=True,
        vcs_ref=ref,
        unsafe=False,
        settings=copier.Settings(),
    )
    return into


def commit_project(project: Path) -> Path:
    git(project, "init", "--quiet", "--initial-branch=main")
    commit_all(project, "Start")
    return project


def borrowed_environment(into: Path) -> Path:
    """This interpreter's environment as one that `make setup` has nothing to do for."""
    into.mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "include", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (into / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(ROOT / "requirements.txt", into / "requirements.txt")
    return into
