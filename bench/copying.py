"""How long `copier copy` takes, as a ratio to copying as many static files of the same sizes with copier.

Each template is in one pack, as a clone from a server is. On a busy machine the processor's time, of copier and the git
that it starts, says more than the clock.

Files are in memory where the machine has a file system there. ext4 searches past inodes that were freed in the last
seconds (`recently_deleted` in fs/ext4/ialloc.c), and copier deletes its clone after each copy: of copies one after
another that was a third of the processor's time, and no copy that a user makes has it.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # noqa: S108
ROOM = 2 * 1024**3
"""Bytes: three templates with their history, and three copies of each round."""
COPIED_LIBRARIES = "93b9da0"
"""The last commit whose projects held a copy of all libraries: 714 files."""


@dataclass(frozen=True)
class Taken:
    """Seconds of one copy."""

    clock: float
    processor: float


def copy(template: Path, into: Path) -> Taken:
    before, start = processor_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref=HEAD", str(template), str(into)],
        check=True,
        capture_output=True,
        env=os.environ | {"TMPDIR": str(into.parent)},
    )
    return Taken(time.perf_counter() - start, processor_seconds() - before)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def static_twin(project: Path, template: Path) -> int:
    """A git template with the same files as ``project``, none of them rendered; how many there are."""
    files = [path for path in sorted(project.rglob("*")) if path.is_file() and path.name != ".copier-answers.yml"]
    for path in files:
        twin = template / "files" / path.relative_to(project)
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.write_bytes(path.read_bytes())
    answers = template / "files" / "{{ _copier_conf.answers_file }}.jinja"
    answers.write_text("{{ _copier_answers|to_nice_yaml }}")
    (template / "copier.yml").write_text("_subdirectory: files\nname:\n  type: str\n  default: shop\n")
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-C", str(template))
    for command in (
        ("init", "--quiet"),
        ("add", "--all", "--force"),
        ("commit", "--quiet", "--message", "files"),
        ("gc", "--quiet"),
    ):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return len(files)


def clone(into: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(into)], check=True)


def at(commit: str, into: Path) -> Path | None:
    """A clone of this repository at ``commit``; None where its history does not reach that far."""
    clone(into)
    switched = subprocess.run(
        ["git", "-C", str(into), "switch", "--quiet", "--detach", commit], check=False, capture_output=True
    )
    return None if switched.returncode else into


def memory() -> Path | None:
    """A folder whose files are in memory; None where this machine has none, or no room in it."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM else None


def rows(rounds: int) -> Iterator[tuple[str, ...]]:
    yield "files", "by", "copy s", "static s", "ratio", "with copied libraries s", "ratio"
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        here = Path(folder)
        clone(here / "template")
        copy(here / "template", here / "first")
        count = static_twin(here / "first", here / "static")
        taken: dict[str, list[Taken]] = {"template": [], "static": []}
        if at(COPIED_LIBRARIES, here / "before"):
            taken["before"] = []
        for number in range(rounds):
            for name, times in taken.items():
                times.append(copy(here / name, here / f"{name}-{number}"))
        for by in ("clock", "processor"):
            ours, floor, *before = (statistics.median(getattr(each, by) for each in times) for times in taken.values())
            earlier = [f"{before[0]:.2f}", f"{ours / before[0]:.2f}"] if before else ["not in this clone", ""]
            yield str(count), by, f"{ours:.2f}", f"{floor:.2f}", f"{ours / floor:.2f}", *earlier
