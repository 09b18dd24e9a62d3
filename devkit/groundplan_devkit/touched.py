"""Which tests an edit touches: those run first (`make test`), or alone after each edit (`make test WATCH=1`)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

CODE = (".py", ".yaml", ".yml", ".json", ".toml", ".sql")
"""What tests can depend on; of other files none does."""


def edited_files(project: Path) -> list[Path]:
    """What differs from the last commit, new files included; nothing where git knows no commit."""
    command = ["git", "-c", "core.quotePath=false", "status", "--porcelain", "-z", "--no-renames", "-uall", "--", "."]
    try:
        top = subprocess.run(
            ["git", "rev-parse", "--show-toplevel"], cwd=project, check=True, capture_output=True, text=True
        ).stdout.strip()
        said = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [Path(top) / entry[3:] for entry in said.split("\0") if entry]


def touched(project: Path, edited: Iterable[Path]) -> list[str]:
    """Files and folders of tests that these edits touch, relative to the project, the closest first."""
    own: list[str] = []
    near: list[str] = []
    far: list[str] = []
    for path in edited:
        try:
            parts = path.resolve().relative_to(project.resolve()).parts
        except ValueError:
            continue
        if path.suffix not in CODE:
            continue
        name = "/".join(parts)
        if "tests" in parts[:-1]:
            test = path.name.startswith("test_") and path.suffix == ".py"
            own.append(name if test else "/".join(parts[:-1]))
        elif parts[0] == "services" and len(parts) > 2:
            near.append("/".join(parts[:2]))
            far.append("tests/system")
        elif parts[0] == "chassis":
            near.append("services")
        elif parts[0] in ("infra", "foundation") or len(parts) == 1:
            near.append("tests")
    return list(dict.fromkeys([*own, *near, *far]))


def rank(test: Path, project: Path, first: Sequence[str]) -> int:
    """The place of a test's file in the order of ``first``; behind it for one that none of them holds."""
    try:
        name = test.relative_to(project).as_posix()
    except ValueError:
        return len(first)
    for place, path in enumerate(first):
        if name == path or name.startswith(f"{path}/"):
            return place
    return len(first)
