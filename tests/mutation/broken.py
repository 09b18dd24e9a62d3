"""A module of the program with one piece of its text exchanged, in this process only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Break:
    """``before`` becomes ``after`` in ``file``; each control of ``caught_by`` must then find something.

    ``on`` is the variant of `infra.tests.program.graphs` that is declared: the one with the fewest resources that shows
    the break.
    """

    what: str
    file: str
    before: str
    after: str
    caught_by: tuple[str, ...]
    on: str = "alone in dev"

    @property
    def module(self) -> str:
        """Its import name: the first folder is a distribution's."""
        return self.file.partition("/")[2].removesuffix(".py").replace("/", ".")

    def source(self) -> str:
        """The broken file's text. Raises AssertionError when the file no longer says what the break exchanges."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        found = text.count(self.before)
        assert found == 1, f"{self.file} says {found} times, not once: {self.before!r}"
        broken = text.replace(self.before, self.after)
        assert broken != text, f"{self.what} changes nothing"
        return broken


class BrokenFinder(MetaPathFinder):
    """Serves the broken text of one module; all others are imported as they are."""

    def __init__(self, broken: Break) -> None:
        self._broken = broken
        self.used = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._broken.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _BrokenLoader(fullname, spec.origin, self._broken.source())
        self.used = True
        return spec


class _BrokenLoader(SourceFileLoader):
    """Never reads nor writes bytecode: that is of the file as it is."""

    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)


def forget(*packages: str) -> None:
    """Have these packages imported anew."""
    for name in list(sys.modules):
        if any(name == package or name.startswith(f"{package}.") for package in packages):
            del sys.modules[name]
