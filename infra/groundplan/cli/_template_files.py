"""A template's files at a commit, without the rest of its repository: libraries and tests are more than nine tenths of
it, and no copy is rendered from them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from groundplan.cli.template import git

TEMPLATES = "templates/"
_QUESTIONS = ("copier.yml", "copier.yaml")
_LINK, _FOLDER = "120000", "040000"
_PLAIN = re.compile(r"[\w./-]+")
"""A path that means itself as a pattern."""


def checked_out(repository: Path, ref: str, into: Path) -> bool:
    """Checks out of a repository on this machine what a copy is rendered from: the questions, `templates/`, and what
    links in there lead to. ``into`` is an empty folder.

    False where that can't be told or done: then the whole of the repository is needed.
    """
    if not repository.is_dir() or ref.startswith("-"):
        return False
    commit = git(repository, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").stdout.strip()
    if not commit or (wanted := _wanted(repository, commit)) is None:
        return False
    clone = ("clone", "--quiet", "--shared", "--no-checkout", "--config", "core.sparseCheckout=true")
    if git(into, *clone, "--", str(repository.resolve()), ".").returncode:
        return False
    place = into / ".git" / "info" / "sparse-checkout"
    place.parent.mkdir(exist_ok=True)
    place.write_text("".join(f"/{path}\n" for path in sorted(wanted)), encoding="utf-8")
    return git(into, "checkout", "--quiet", "--force", "--detach", commit).returncode == 0


def _wanted(repository: Path, commit: str) -> set[str] | None:
    modes = _tree(repository, commit)
    found = {TEMPLATES, *(name for name in _QUESTIONS if name in modes)}
    if len(found) != 2 or ".gitmodules" in modes or TEMPLATES.rstrip("/") not in modes:
        return None
    followed: set[str] = set()
    while links := [path for path, mode in modes.items() if mode == _LINK and _within(path, found - followed)]:
        followed |= found
        for path in links:
            target = git(repository, "cat-file", "blob", f"{commit}:{path}").stdout
            leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if leads not in modes or not _PLAIN.fullmatch(leads):
                return None
            found.add(f"{leads}/" if modes[leads] == _FOLDER else leads)
    return found


def _tree(repository: Path, commit: str) -> Mapping[str, str]:
    """The mode of each file and folder by its path."""
    listed = git(repository, "ls-tree", "-r", "-t", "-z", commit).stdout.split("\0")
    return {path: head.split()[0] for head, _, path in (line.partition("\t") for line in listed) if path}


def _within(path: str, places: set[str]) -> bool:
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)
