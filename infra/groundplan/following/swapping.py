"""Many files changed as one: all new contents lie ready before the first file changes, and a journal says which.

Stopped before the journal is there, nothing has changed; stopped after it, the next command goes on to the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from groundplan.problems import Problem, ProblemsFound

_FOLDER = "groundplan-follow"
_JOURNAL = "journal.json"


def swap(project: Path, files: Mapping[str, str | None]) -> None:
    """Gives each path its content; None takes the file away, and folders that are empty then."""
    place = _place(project)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    entries: dict[str, str | None] = {}
    for number, (path, text) in enumerate(files.items()):
        _require_inside(project, path)
        entries[path] = None if text is None else str(number)
        if text is not None:
            (place / str(number)).write_text(text, encoding="utf-8", newline="")
    draft = place / f"{_JOURNAL}.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(entries, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place / _JOURNAL)
    _apply(project, place)


def resume(project: Path) -> bool:
    """Finishes what was stopped in the middle. Returns whether there was anything."""
    place = _place(project)
    if not (place / _JOURNAL).is_file():
        shutil.rmtree(place, ignore_errors=True)
        return False
    _apply(project, place)
    return True


def interrupted(project: Path) -> bool:
    return (_place(project) / _JOURNAL).is_file()


def _apply(project: Path, place: Path) -> None:
    entries: dict[str, str | None] = json.loads((place / _JOURNAL).read_text(encoding="utf-8"))
    for path, staged in entries.items():
        target = project / path
        if staged is None:
            target.unlink(missing_ok=True)
            _prune(target.parent, project)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.groundplan")
        shutil.copyfile(place / staged, beside)
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    # From here on nothing is left to do; what remains is swept by the next command.
    (place / _JOURNAL).unlink()
    shutil.rmtree(place, ignore_errors=True)


def _prune(folder: Path, project: Path) -> None:
    while folder != project and folder.is_relative_to(project):
        left = [each for each in folder.iterdir() if each.name != "__pycache__"] if folder.is_dir() else [folder]
        if left:
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder = folder.parent


def _place(project: Path) -> Path:
    """Inside git's own folder: on the same disk, in no one's way, and never committed."""
    done = subprocess.run(
        ["git", "rev-parse", "--absolute-git-dir", "--show-prefix"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        remedy = 'run `git init && git add . && git commit -m "Start"` first'
        raise ProblemsFound([Problem("the project", "git", "no repository", "a git repository", remedy)])
    folder, prefix = [*done.stdout.split("\n"), ""][:2]
    return Path(folder) / _FOLDER / (prefix.strip("/").replace("/", "+") or "root")


def _require_inside(project: Path, path: str) -> None:
    if not (project / path).resolve().is_relative_to(project.resolve()):
        expected = "a file of the project, on no link that leads out of it"
        raise ProblemsFound(
            [Problem(path, "", str((project / path).resolve()), expected, "put the folder itself there")]
        )
