"""Edits of files that an update deleted: kept as patches in `moved/`, or merged into the file's new place."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from groundplan.moving.places import ROOTS, component_subject, library_file, optional_file
from groundplan.moving.rendered import Change, Rendered, listed, rendered, unmerged

FOLDER = Path("moved")
REPORT = FOLDER / "README.md"
MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")
"""What copier puts around two versions of a line."""

_LABELS = ("-L", "before updating", "-L", "last update", "-L", "after updating")


@dataclass(frozen=True, slots=True)
class Saved:
    """A patch in `moved/`: ``place`` is where the change belongs now, ``kept`` whether the file is still there."""

    path: str
    place: str
    added: bool
    kept: bool

    @property
    def patch(self) -> Path:
        return FOLDER / f"{self.path}.patch"


@dataclass(frozen=True, slots=True)
class Carried:
    """An edit that was merged into the file's new place."""

    path: str
    now: str
    conflicted: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """What an update took away, and what became of it."""

    saved: tuple[Saved, ...]
    carried: tuple[Carried, ...]

    def __bool__(self) -> bool:
        return bool(self.saved or self.carried)


def save(project: Path, base: str) -> Lost:
    """Finds the edits of ``base``, the owner's last commit before an update, that are no longer in the project.

    Each is merged into the file's new name where the template only renamed it; otherwise it becomes a patch. Files
    that the owner added below a folder that left stay, and have a patch too. Raises ProblemsFound when the template as
    it was before can't be reached.
    """
    with rendered(project, base) as before:
        tree = before.tree_of(before.folder)
        edited, added = _lost(before, before.changes(tree))
        carried = _carry(before, [path for path in edited if library_file(path) is None])
        merged = {entry.path for entry in carried}
        saved = [_save(before, tree, path, added=False) for path in edited if path not in merged]
        saved += [_save(before, tree, path, added=True) for path in added]
    return Lost(tuple(sorted(saved, key=lambda entry: entry.path)), tuple(carried))


def conflicts(project: Path) -> tuple[str, ...]:
    """Files that await a decision: unmerged, or with copier's conflict markers."""
    marked = (name for name in listed(project) if _is_marked(project / name))
    return tuple(sorted({*unmerged(project), *marked}))


def _lost(before: Rendered, changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Edited files that are gone, and added ones below folders that left."""
    project, left = before.project, _left(before)
    edited, added = [], []
    for change in changes:
        path = project / change.path
        if change.status in "MT" and not (path.exists() or path.is_symlink()):
            edited.append(change.path)
        elif change.status == "A" and left.intersection(str(parent) for parent in PurePosixPath(change.path).parents):
            added.append(change.path)
    return edited, added


def _left(before: Rendered) -> set[str]:
    """Folders of which the template wrote something, and has nothing in the project any more."""
    gone: set[str] = set()
    there: set[str] = {"."}
    for file in before.folder.rglob("*"):
        if file.is_dir() and not file.is_symlink():
            continue
        path = PurePosixPath(file.relative_to(before.folder).as_posix())
        current = before.project / path
        (there if current.exists() or current.is_symlink() else gone).update(str(parent) for parent in path.parents)
    return gone - there


def _save(before: Rendered, tree: str, path: str, *, added: bool) -> Saved:
    file = before.project / path
    if added and not (file.exists() or file.is_symlink()):
        before.restore(path)
    saved = Saved(path, _place(path, added=added), added, kept=added)
    patch, inside = before.patch(tree, path), None if added else library_file(path)
    if inside is not None:
        patch = _at(patch, path, inside)
    heading = f"{'Your file' if added else 'Your edit of'} {path}\nIts place now: {saved.place}\n\n"
    _write(before.project / saved.patch, heading.encode() + patch)
    return saved


def _at(patch: bytes, path: str, inside: str) -> bytes:
    """The patch for the file's place in the libraries: `git apply` finds it there."""
    head, hunk, rest = patch.partition(b"\n@@")
    for side in ("a", "b"):
        head = head.replace(f"{side}/{path}".encode(), f"{side}/{inside}".encode())
    return head + hunk + rest


def _write(path: Path, content: bytes) -> None:
    """Beside what is there already, if that is something else."""
    number, target = 1, path
    while target.exists() and target.read_bytes() != content:
        number += 1
        target = path.with_name(f"{path.name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _place(path: str, *, added: bool) -> str:
    name = PurePosixPath(path).name
    if added:
        folder = "tests" if path.startswith("tests/") else "infra" if path.partition("/")[0] in ROOTS else ""
        stays = "it stays where it is until you move it"
        return f"{folder}/{name}; {stays}" if folder else "where it is; only its folder left the template"
    inside = library_file(path)
    if inside is None:
        why = optional_file(path)
        if why is None:
            return "none: the file left the template"
        return f"where it was, if you still need it: `git checkout HEAD -- '{path}'` ({why})"
    apply = "`git apply --3way` with this patch in a checkout of them, which GROUNDPLAN_LIBRARIES=<folder> then names"
    subject = component_subject(path)
    if subject is not None:
        apply = f"`groundplan eject {subject}`, and edit your own; or {apply}"
    return f"{inside} of the libraries: {apply}"


def _carry(before: Rendered, paths: Sequence[str]) -> list[Carried]:
    """Merges edits into files that the template renamed."""
    if not paths:
        return []
    known = {change.path for change in before.changes(before.tree_of(before.folder)) if change.status == "A"}
    new = [
        name
        for name in listed(before.project)
        if not (before.folder / name).exists() and name not in known and not name.startswith(f"{FOLDER}/")
        if (before.project / name).is_file() and not (before.project / name).is_symlink()
    ]
    if not new:
        return []
    renames = before.renames(paths, new)
    merged = (_merge(before, path, now) for path, now in sorted(renames.items()))
    return [entry for entry in merged if entry is not None]


def _merge(before: Rendered, path: str, now: str) -> Carried | None:
    """None for what can't be merged by lines."""
    current = before.project / now
    if _is_marked(current):
        return Carried(path, now, conflicted=True)
    owners = before.scratch / "owners"
    owners.write_bytes(before.owners(path))
    files = (str(owners), str(before.folder / path), str(current))
    done = subprocess.run(["git", "merge-file", "-p", *_LABELS, *files], check=False, capture_output=True)
    # The number of conflicts, or what doesn't fit into an exit status otherwise: an error.
    if done.returncode > 127:
        return None
    current.write_bytes(done.stdout)
    return Carried(path, now, conflicted=done.returncode > 0)


def _is_marked(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    content = path.read_bytes()
    return any(marker in content for marker in MARKERS) and any(
        line.rstrip() in MARKERS for line in content.split(b"\n")
    )
