"""Three-way merge of files: what the template wrote of the older declaration and of the newer, and what the owner has.

`git merge-file` decides what is a conflict. Of those, edits that only touch each other are none here: a line that the
owner wrote below a generated one stays, and so does the one that the declaration adds there. Nor are imports of names
from one module, which are merged by their names.
"""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from groundplan.following.imports import with_joined_imports

Files = Mapping[str, str]
"""Contents by path from the project's root."""

OURS, THEIRS = "yours", "from system.yaml"
_CONFLICT = re.compile(
    rf"^<{{7}} {OURS}\n(?P<ours>.*?)^\|{{7}} base\n(?P<base>.*?)^={{7}}\n(?P<theirs>.*?)^>{{7}} {THEIRS}\n",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of the owner's files; paths are sorted."""

    files: Mapping[str, str | None]
    """New contents of files that change; None for a file that goes."""
    conflicted: tuple[str, ...] = ()
    """Those with conflict markers, and those that would go but were edited."""
    kept_away: tuple[str, ...] = ()
    """Files that the owner deleted, and that a change would have been in."""


def merged(base: Files, theirs: Files, mine: Files, moved: Mapping[str, str] | None = None) -> Merged:
    """``moved``: new paths by old ones, of files whose names follow a name in the declaration."""
    moved = {old: new for old, new in (moved or {}).items() if old in base and new in theirs}
    files: dict[str, str | None] = {}
    conflicted: list[str] = []
    kept_away: list[str] = []
    came_from = {new: old for old, new in moved.items()}
    for path in sorted({*base, *theirs}):
        if path in moved:
            continue
        older = came_from.get(path, path)
        before, after, own = base.get(older), theirs.get(path), mine.get(older)
        if before == after and older == path:
            continue
        if after is None:
            if own is not None and own == before:
                files[path] = None
            elif own is not None:
                conflicted.append(path)
        elif before is None:
            if own is None:
                files[path] = after
            elif own != after:
                text, clean = merge("", after, own, python=path.endswith(".py"))
                files[path] = text
                conflicted += [] if clean else [path]
        elif own is None:
            kept_away.append(path)
        else:
            text, clean = merge(before, after, own, python=path.endswith(".py"))
            if text != own or older != path:
                files[path] = text
            if older != path:
                files[older] = None
            conflicted += [] if clean else [path]
    return Merged(dict(sorted(files.items())), tuple(conflicted), tuple(kept_away))


def merge(base: str, theirs: str, mine: str, *, python: bool = False) -> tuple[str, bool]:
    """The text with both changes, and whether that is without conflict."""
    if mine in (base, theirs):
        return theirs, True
    text, clean = _merge(base, theirs, mine, python=python)
    if clean or not python:
        return text, clean
    joined = with_joined_imports(base, theirs, mine)
    return (text, clean) if joined == (base, theirs, mine) else _merge(*joined, python=python)


def _merge(base: str, theirs: str, mine: str, *, python: bool) -> tuple[str, bool]:
    text, clean = _by_git(base, theirs, mine)
    if clean:
        return text, True
    if not base:
        # Two files that have only their name in common.
        return _without_base(text), False
    finer = _CONFLICT.sub(lambda found: _finer(found["base"], found["ours"], found["theirs"], found[0]), text)
    if _CONFLICT.search(finer) is None and not (python and _is_python(mine) and not _is_python(finer)):
        return finer, True
    if python and not _is_python(_CONFLICT.sub(lambda found: found["ours"], finer)) and _is_python(mine):
        finer = text
    return _without_base(finer), False


def _by_git(base: str, theirs: str, mine: str) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory(prefix="groundplan-") as directory:
        paths = [Path(directory) / name for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (mine, base, theirs), strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        labels = [part for label in (OURS, "base", THEIRS) for part in ("-L", label)]
        done = subprocess.run(
            ["git", "merge-file", "--stdout", "--diff3", *labels, *map(str, paths)], capture_output=True, check=False
        )
        # The status is the number of conflicts; git gives 255, or 128 and above, where it failed itself.
        if done.returncode > 127:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode(), done.returncode == 0


def _finer(base: str, mine: str, theirs: str, otherwise: str) -> str:
    """Both edits where they only touch; the conflict as it was where they overlap."""
    lines = base.splitlines(keepends=True)
    edits = [*_edits(lines, mine.splitlines(keepends=True)), *_edits(lines, theirs.splitlines(keepends=True))]
    edits.sort(key=lambda edit: (edit.start, edit.end))
    result: list[str] = []
    at = 0
    for edit in edits:
        if edit.start < at:
            return otherwise
        result += [*lines[at : edit.start], *edit.lines]
        at = edit.end
    return "".join([*result, *lines[at:]])


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    lines: tuple[str, ...]


def _edits(before: list[str], after: list[str]) -> Iterator[_Edit]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        if kind != "equal":
            yield _Edit(start, end, tuple(after[first:last]))


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _without_base(text: str) -> str:
    return re.sub(r"^\|{7} base\n.*?(?=^={7}\n)", "", text, flags=re.DOTALL | re.MULTILINE)
