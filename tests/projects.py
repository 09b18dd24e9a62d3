"""Projects made from this template as it is in the working tree, for tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier

from groundplan.installation import bootstrap
from groundplan.owned import STAMP

ROOT = Path(__file__).resolve().parents[1]

LIBRARIES = (
    "infra/groundplan/",
    "infra/tests/",
    "components/",
    "chassis/groundplan_chassis/",
    "chassis/tests/",
    "devkit/",
)
LINKED = {"infra/groundplan/installation/bootstrap.py"}
"""What a copy renders of the libraries."""
ELSEWHERE = ("tests/", "bench/", "docs/")
CODE = "templates/project/services/{% yield "
"""Files that are written for each service; those of its folder itself are `.at.root`."""

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=where, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def commit_all(where: Path, message: str = "A change") -> None:
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", message)


def snapshot(into: Path, *, libraries: bool = False, code: bool = True) -> Path:
    """A repository of the template with what is not committed yet, so that tests judge the tree as it stands.

    It has what a copy renders, and with ``libraries`` what a set-up installs; without ``code`` it lacks what is written
    for each service: enough to try answers and updates, in a tenth of the time.
    """
    into.mkdir(parents=True)
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        left_out = name.startswith(ELSEWHERE) or (not libraries and name.startswith(LIBRARIES) and name not in LINKED)
        if left_out or (not code and name.startswith(CODE) and ".at.root" not in name):
            continue
        source, target = ROOT / name, into / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git(into, "init", "--quiet", "--initial-branch=main")
    commit_all(into, "Snapshot")
    return into


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


def reference_project(into: Path) -> Path:
    """The reference system in a folder of its own, without the code of services."""
    (into / "infra").mkdir(parents=True)
    for name in ("system.yaml", "Pulumi.yaml", "ARCHITECTURE.md", "infra/__main__.py"):
        shutil.copy(ROOT / name, into / name)
    for path in ROOT.glob("Pulumi.*.yaml"):
        shutil.copy(path, into)
    return into


def borrowed_environment(into: Path) -> Path:
    """This interpreter's environment as one that `make setup` has nothing to do for.

    Projects that use it run on the libraries of this checkout: `overridden` says so to their commands.
    """
    into.mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "include", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (into / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(ROOT / "requirements.txt", into / "requirements.txt")
    (into / STAMP).write_text("Borrowed by tests.\n")
    source = bootstrap.choose_source(ROOT, overridden())
    state = {"request": bootstrap._request(source), "commit": bootstrap.state_of(ROOT)}
    (into / bootstrap.STATE).write_text(json.dumps(state))
    return into


def bare_environment(into: Path, requirements: Path) -> Path:
    """This interpreter's packages without our libraries, in an environment as a set-up of these requirements leaves it:
    for projects that hold a copy of the libraries."""
    here = Path(sys.prefix)
    shutil.copytree(here, into, symlinks=True, copy_function=_link, ignore=_libraries)
    shutil.copyfile(requirements, into / "requirements.txt")
    for script in filter(Path.is_file, (into / "bin").iterdir()):
        content = script.read_bytes()
        if content.startswith(f"#!{here}/".encode()):
            _write_anew(script, content.replace(str(here).encode(), str(into).encode()))
    return into


def _libraries(folder: str, names: list[str]) -> set[str]:
    """Our libraries, and what a set-up writes of its own: it would write into this interpreter's environment."""
    set_up = {name for name in names if folder == sys.prefix and not (Path(folder) / name).is_dir()}
    ours = {name for name in names if Path(folder).name == "site-packages" and "groundplan" in name}
    return ours | set_up - {"pyvenv.cfg"}


def _write_anew(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def _link(source: str, target: str) -> None:
    if Path(source).name == "pyvenv.cfg":
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def overridden() -> dict[str, str]:
    """The variables of a project's command that runs on this checkout's libraries."""
    return {bootstrap.OVERRIDE: str(ROOT)}
