"""Parts of the libraries that a project can make its own: where the copy lies, where its origin, and what is upstream.

A subject of the components is copied to `infra/own/<subject>`, under another name. A part of the chassis keeps its
name, as parts import each other: it is copied to `chassis/groundplan_chassis/<part>`, which stands before the library
on the path. `.origin` beside the copies keeps what was copied, by which later versions are compared and merged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from groundplan.project import CHASSIS, OWN, OWN_CHASSIS, PROGRAM

LIBRARY = "groundplan_components"
HELPERS = {"shared"}
"""Subjects without components: what is copied goes on using them."""
ORIGIN = ".origin"
KEPT = ".orig"
"""Behind the names of the copied files there, so that no tool takes them for code."""


@dataclass(frozen=True, slots=True)
class Part(ABC):
    """A part of a library, in a project. Texts are by their path below ``own``."""

    project: Path
    name: str

    @property
    @abstractmethod
    def library(self) -> str:
        """Import name of the library that has it."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What the command line calls it."""

    @property
    @abstractmethod
    def own(self) -> Path:
        """The folder of the copied files."""

    @property
    @abstractmethod
    def origin(self) -> Path: ...

    @abstractmethod
    def places(self) -> list[Path]:
        """Files and folders that are the copy."""

    @abstractmethod
    def files(self) -> Iterator[tuple[str, Path]]:
        """The library's files as they are now, each by its path below ``own``."""

    @abstractmethod
    def adapted(self, text: str) -> str:
        """The text of a library's file as it has to read in the copy."""

    @property
    def ejected(self) -> bool:
        return self.origin.is_dir()

    @property
    def place(self) -> str:
        """Where the copy is, as shown to the user."""
        return self.shown(self.places()[0])

    def shown(self, path: Path) -> str:
        return path.relative_to(self.project).as_posix()

    def copied(self) -> dict[str, str]:
        """The text of its files as they were copied, or last merged."""
        return {path.removesuffix(KEPT): text for path, text in texts(self.origin, f".py{KEPT}").items()}

    def upstream(self) -> dict[str, str]:
        """The text of the library's files as they would be copied now; empty if it has no such part any more."""
        return {
            path: _formatted(self, path, file.read_text(encoding="utf-8"))
            for path, file in self.files()
            if file.suffix == ".py"
        }

    def data(self) -> dict[str, Path]:
        """What code reads beside itself, such as certificates."""
        return {path: file for path, file in self.files() if file.suffix != ".py"}

    def changed_upstream(self) -> list[str]:
        copied, upstream = self.copied(), self.upstream()
        return sorted(path for path in copied.keys() | upstream.keys() if copied.get(path) != upstream.get(path))


@dataclass(frozen=True, slots=True)
class Subject(Part):
    """One subject of the component library."""

    @property
    def library(self) -> str:
        return LIBRARY

    @property
    def label(self) -> str:
        return self.name

    @property
    def own(self) -> Path:
        return self.project / PROGRAM.parent / OWN / self.name

    @property
    def origin(self) -> Path:
        return self.project / PROGRAM.parent / OWN / ORIGIN / self.name

    def places(self) -> list[Path]:
        return [self.own]

    def files(self) -> Iterator[tuple[str, Path]]:
        return _below(library() / self.name)

    def adapted(self, text: str) -> str:
        """Imports of the subject's own modules name the copy; those of other subjects stay the library's."""
        return re.sub(rf"\b{LIBRARY}\.{self.name}\b", f"{OWN}.{self.name}", text)


@dataclass(frozen=True, slots=True)
class ChassisPart(Part):
    """One package or module of the chassis."""

    @property
    def library(self) -> str:
        return CHASSIS

    @property
    def label(self) -> str:
        return f"chassis.{self.name}"

    @property
    def own(self) -> Path:
        return self.project / OWN_CHASSIS / CHASSIS

    @property
    def origin(self) -> Path:
        return self.project / OWN_CHASSIS / ORIGIN / self.name

    def places(self) -> list[Path]:
        kept = {path.split("/")[0] for path, _ in self.files()} or {self.name, f"{self.name}.py"}
        first = self.name if self.name in kept else f"{self.name}.py"
        return [self.own / each for each in (first, *sorted(kept - {first}))]

    def files(self) -> Iterator[tuple[str, Path]]:
        root = chassis()
        if root is None:
            return
        module = root / f"{self.name}.py"
        if module.is_file():
            yield module.name, module
            text = module.read_text(encoding="utf-8")
            beside = (path for path in sorted(root.iterdir()) if path.is_file() and path.suffix not in {".py", ".pyc"})
            yield from ((path.name, path) for path in beside if path.name in text)
        else:
            yield from ((f"{self.name}/{path}", file) for path, file in _below(root / self.name))

    def adapted(self, text: str) -> str:
        return text


def library() -> Path:
    spec = find_spec(LIBRARY)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def chassis() -> Path | None:
    """The library's own folder, with all parts of it, those too that a project has; None where it isn't installed."""
    elsewhere = [each for each in sys.path if Path(each).resolve().name != OWN_CHASSIS or _is_library(Path(each))]
    spec = PathFinder.find_spec(CHASSIS, elsewhere)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _is_library(folder: Path) -> bool:
    """A checkout's folder of the distribution has the same name as a project's folder of its own parts."""
    return (folder / "pyproject.toml").is_file()


def subjects() -> list[str]:
    found = (path.parent.name for path in library().glob("*/__init__.py"))
    return sorted(name for name in found if name not in HELPERS)


def chassis_parts() -> list[str]:
    """Packages and modules, by the names that services import them by."""
    root = chassis()
    if root is None:
        return []
    packages = (path.parent.name for path in root.glob("*/__init__.py"))
    modules = (path.stem for path in root.glob("*.py") if not path.stem.startswith("__"))
    return sorted({*packages, *modules})


def parts(project: Path) -> list[Part]:
    """All that can be ejected."""
    found: list[Part] = [Subject(project, name) for name in subjects()]
    return found + [ChassisPart(project, name) for name in chassis_parts()]


def ejected_parts(project: Path) -> Iterator[Part]:
    for folder in sorted((project / PROGRAM.parent / OWN / ORIGIN).glob("*/")):
        yield Subject(project, folder.name)
    for folder in sorted((project / OWN_CHASSIS / ORIGIN).glob("*/")):
        yield ChassisPart(project, folder.name)


def texts(folder: Path, suffix: str = ".py") -> dict[str, str]:
    return {path: file.read_text(encoding="utf-8") for path, file in _below(folder) if path.endswith(suffix)}


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def components_in(sources: Iterable[str]) -> list[str]:
    pattern = re.compile(r"^class (\w+)\(pulumi\.ComponentResource\)", re.MULTILINE)
    return sorted(name for text in sources for name in pattern.findall(text))


@cache
def _formatted(part: Part, path: str, text: str) -> str:
    return sorted_imports(part.project, part.own / path, part.adapted(text))


def sorted_imports(project: Path, path: Path, text: str) -> str:
    """The text as the project's own linter has it; where it has none, the order is left."""
    settings = project / "pyproject.toml"
    if find_spec("ruff") is None or not settings.is_file() or "[tool.ruff" not in settings.read_text(encoding="utf-8"):
        return text
    for arguments in (["check", "--select", "I", "--fix"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(path), "-"],
            cwd=project,
            input=text,
            check=False,
            capture_output=True,
            text=True,
        )
        text = done.stdout or text
    return text
