"""Directories that the project's commands made and may therefore remove: each holds a stamp, written before the rest.

`infra/setup.sh` and `infra/clean.sh` go by the same stamp.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.problems import Problem, ProblemsFound

STAMP = ".groundplan"
_TEXT = "Made by this project's commands, which may remove this directory with all that is in it.\n"


def claim(directory: Path) -> None:
    """Makes a directory the project's own; one that is there must be empty or its own already.

    Raises ProblemsFound for any other, and has then changed nothing.
    """
    if is_owned(directory):
        return
    # Asked again, as another process may have claimed it meanwhile.
    if directory.exists() and not _is_empty(directory) and not is_owned(directory):
        raise _foreign(directory, "a directory that is empty, or that this command made", "name another one")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / STAMP).write_text(_TEXT, encoding="utf-8")


def make(directory: Path) -> None:
    """Makes a directory to write results into, the project's own if it is new; one that is there is used as it is."""
    if not directory.exists():
        claim(directory)


def is_owned(directory: Path) -> bool:
    return (directory / STAMP).is_file()


def require_removable(directory: Path) -> None:
    """Raises ProblemsFound for a directory that holds something and has no stamp."""
    if directory.exists() and not is_owned(directory) and not _is_empty(directory):
        raise _foreign(
            directory,
            "a directory that this command made",
            "nothing was removed; look at what is in it, and delete it yourself if it may go",
        )


def remove(directory: Path) -> None:
    """Deletes a directory of the project's own with all that is in it; raises ProblemsFound for any other.

    The stamp goes last: what is left of an interrupted removal can be removed.
    """
    require_removable(directory)
    if not directory.exists():
        return
    # Another process may be removing it, too.
    with contextlib.suppress(FileNotFoundError):
        for path in directory.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != STAMP:
                path.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and next(directory.iterdir(), None) is None


def _foreign(directory: Path, expected: str, remedy: str) -> ProblemsFound:
    return ProblemsFound([Problem(str(directory), "", f"holds other files (no {STAMP} in it)", expected, remedy)])


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m infra.owned <directory>`: begin anew in a directory of the project's own."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.owned", description="Begin anew in a directory of make's own."
    )
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args(arguments).directory
    try:
        remove(directory)
        claim(directory)
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
