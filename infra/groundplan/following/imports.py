"""Imports that the declaration and the owner both changed: one statement with the names of both (ADR 14).

`from module import a, b` is a set of names, which a merge by lines takes for one thing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LONGEST_LINE = 120
"""As generated code is formatted (`pyproject.toml` of a project)."""


@dataclass(frozen=True, slots=True)
class _Import:
    first: int
    """Its first line, from 0."""
    end: int
    """The line after its last."""
    names: tuple[str, ...]
    """As they are written: `name` or `name as other`."""
    plain: bool
    """Nothing else stands on its lines: no comment, and no second statement."""

    @property
    def exploded(self) -> bool:
        return self.end - self.first > 1


def with_joined_imports(base: str, theirs: str, mine: str) -> tuple[str, str, str]:
    """The three texts, each with the same statement where all have one of a module and both sides changed it.

    They come back as they are where one of them is no Python.
    """
    texts = (base, theirs, mine)
    try:
        base_found, their_found, my_found = map(_imports, texts)
    except (SyntaxError, ValueError):
        return texts
    joined = {
        module: _statement(module, _joined(known, their_found[module], my_found[module]))
        for module, known in base_found.items()
        if module in their_found
        and module in my_found
        and known.names not in (their_found[module].names, my_found[module].names)
        and all(found[module].plain for found in (base_found, their_found, my_found))
    }
    one, other, third = (
        _replaced(text, found, joined) for text, found in zip(texts, (base_found, their_found, my_found), strict=True)
    )
    return one, other, third


def _imports(text: str) -> dict[str, _Import]:
    """Those at the top level, by module, of modules that are imported from once. Raises SyntaxError, ValueError."""
    lines = text.splitlines()
    found: dict[str, _Import] = {}
    several: set[str] = set()
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ImportFrom) or node.end_lineno is None:
            continue
        module = "." * node.level + (node.module or "")
        if module in found:
            several.add(module)
        names = tuple(each.name + (f" as {each.asname}" if each.asname else "") for each in node.names)
        first, end = node.lineno - 1, node.end_lineno
        written = re.sub(r"[\s(),]+", " ", " ".join(lines[first:end])).strip()
        plain = written == f"from {module} import {' '.join(names)}" and "*" not in names
        found[module] = _Import(first, end, names, plain)
    return {module: each for module, each in found.items() if module not in several}


def _joined(base: _Import, theirs: _Import, mine: _Import) -> tuple[tuple[str, ...], bool]:
    """The names, in the owner's order, and whether each has a line of its own."""
    names = [name for name in mine.names if name in theirs.names or name not in base.names]
    for name in theirs.names:
        if name not in base.names and name not in names:
            after = [place for place, each in enumerate(names) if _order(each) > _order(name)]
            names.insert(after[0] if after else len(names), name)
    return tuple(names), theirs.exploded or mine.exploded


def _order(name: str) -> tuple[int, list[tuple[int, str]], str]:
    """As isort has it: constants, classes, then the rest, and numbers by their size."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.findall(r"\d+|\D+", name.lower())
    return kind, [(int(part) if part.isdigit() else -1, part) for part in parts], name


def _statement(module: str, found: tuple[Iterable[str], bool]) -> str:
    """Nothing, where no name is left."""
    names, exploded = tuple(found[0]), found[1]
    if not names:
        return ""
    line = f"from {module} import {', '.join(names)}\n"
    if not exploded and len(line) <= _LONGEST_LINE + 1:
        return line
    return f"from {module} import (\n{''.join(f'    {name},{chr(10)}' for name in names)})\n"


def _replaced(text: str, found: Mapping[str, _Import], joined: Mapping[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    for module in sorted(joined, key=lambda each: found[each].first, reverse=True):
        lines[found[module].first : found[module].end] = [joined[module]]
    return "".join(lines)
