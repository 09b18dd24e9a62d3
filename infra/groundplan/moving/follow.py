"""The project's own files, brought after what is called differently now."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from groundplan.moving.imports import Rewritten, rewrite_python, rewrite_text
from groundplan.moving.places import MARKER, ROOTS, modules, paths
from groundplan.moving.rendered import listed
from groundplan.moving.saved import FOLDER

_TEXTS = (".mk", ".sh", ".toml", ".yml", ".yaml", ".cfg", ".ini", ".json")
_NAMED = re.compile(r"(?:.*/)?(?:Makefile|GNUmakefile|Dockerfile[^/]*|Procfile|Jenkinsfile|Justfile)$")
_NAMES = re.compile(
    rf"(?<![\w./$-])(?:{'|'.join(ROOTS)})(?:/[\w./-]*|(?:\.\w+)+)(?![\w-])"
    r"|(?<![\w./$-])tests\.(?:chassis|local|bench)\.\w+(?= import)"
)
"""Modules and paths; of the tests that came with the libraries, modules that something is imported from."""
_NOT_OURS = (f"{FOLDER}/", "vendor/", MARKER)


@dataclass(frozen=True, slots=True)
class Followed:
    path: str
    renamed: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "\n".join([f"    {self.path}", *(f"        {old} -> {new}" for old, new in self.renamed)])


def follow(project: Path, base: str) -> tuple[Followed, ...]:
    """Rewrites what names modules that left; what was formatted and sorted in the commit ``base`` is so afterwards."""
    changed = {path: rewritten for path, rewritten in _rewritten(project) if rewritten.renamed}
    python = [path for path in changed if path.endswith(".py")]
    with _settings(project, base) as settings:
        formatted = [path for path in python if _ruff(project, "format", *settings, "--check", path)]
        ordered = [path for path in python if _ruff(project, "check", *settings, "--select=I", path)]
    for path, rewritten in changed.items():
        # Bytes, so that line endings stay.
        (project / path).write_bytes(rewritten.text.encode())
    if ordered:
        _ruff(project, "check", "--select=I", "--fix", *ordered)
    if formatted:
        _ruff(project, "format", *formatted)
    return tuple(Followed(path, rewritten.renamed) for path, rewritten in sorted(changed.items()))


@contextmanager
def _settings(project: Path, base: str) -> Iterator[tuple[str, ...]]:
    """Options by which ruff judges as it did then."""
    shown = subprocess.run(["git", "show", f"{base}:./pyproject.toml"], cwd=project, check=False, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="groundplan-") as scratch:
        (Path(scratch) / "pyproject.toml").write_bytes(shown.stdout)
        yield ("--config", f"{scratch}/pyproject.toml", "--no-cache") if shown.returncode == 0 else ()


def left_over(project: Path) -> Iterator[str]:
    """`file:line: text` of what still names a module or a file that left."""
    for name in listed(project):
        path = project / name
        if name.startswith(_NOT_OURS) or path.is_symlink() or not path.is_file():
            continue
        if not (name.endswith((".py", ".md", ".in", ".dockerignore")) or _is_text(name)):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if any(_left(project, found[0]) for found in _NAMES.finditer(line)):
                yield f"{name}:{number}: {line.strip()[:100]}"


def _left(project: Path, name: str) -> bool:
    path = name.rstrip("/.")
    if name.startswith("tests."):
        file = project / name.replace(".", "/")
        return not file.with_name(f"{file.name}.py").exists() and not file.is_dir()
    if "/" in name:
        return path in paths() and not (project / path).exists()
    return name in modules() and "." in name


def _rewritten(project: Path) -> Iterator[tuple[str, Rewritten]]:
    def is_own(dotted: str) -> bool:
        path = dotted.replace(".", "/")
        files = {f"{path}.py", f"{path}/__init__.py"} - {MARKER}
        return any((project / file).is_file() for file in files)

    for name in listed(project):
        path = project / name
        if name.startswith(_NOT_OURS) or path.is_symlink() or not path.is_file():
            continue
        rewrite = rewrite_python if name.endswith(".py") else rewrite_text if _is_text(name) else None
        if rewrite is None:
            continue
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        yield name, rewrite(text, name, is_own)


def _is_text(name: str) -> bool:
    return name.endswith(_TEXTS) or _NAMED.match(name) is not None


def _ruff(project: Path, *arguments: str) -> bool:
    tool = Path(sys.executable).with_name("ruff")
    return subprocess.run([str(tool), *arguments], cwd=project, check=False, capture_output=True).returncode == 0
