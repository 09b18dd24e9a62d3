"""A YAML file as values, with the line on which each of them stands."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import cast

import yaml

from groundplan.declaration.yaml_reader import Node, Reader, fail
from groundplan.problems import Finding, Path, Problem, ProblemsFound, printable

_LONGEST_FILE_BYTES = 1_000_000
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_CONFLICT = re.compile(r"^(?:[<|>]{7}(?: .*)?|={7})\r?$", re.MULTILINE)
"""What git and copier put around two versions of a line, at the left margin: no key begins like that."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's top-level mapping."""

    where: str
    top: Node
    findings: tuple[Finding, ...]
    """What is readable and yet wrong: keys given twice, keys that are no names."""
    spellings: tuple[Finding, ...]
    """Unquoted values that YAML 1.1 and 1.2 read differently, or that are not what they look like."""

    @property
    def values(self) -> dict[str, object]:
        """Plain Python values: dict, list, str, int, float, bool, date, datetime, None."""
        return cast(dict[str, object], self.top.value)

    def node(self, path: Path) -> Node | None:
        found: Node | None = self.top
        for part in path:
            found = found.children.get(part) if found else None
        return found

    def problem(self, finding: Finding) -> Problem:
        """The finding at the line of the deepest part of its path that exists."""
        return finding.at(f"{self.where}:{self.line(finding.path)}")

    def line(self, path: Path) -> int:
        node = self.top
        for part in path:
            child = node.children.get(part)
            if child is None:
                break
            node = child
        return node.line

    def refuse(self, findings: Collection[Finding]) -> None:
        """Raise ``ProblemsFound``, in the order of the file, when there is any finding."""
        if findings:
            ordered = sorted(dict.fromkeys(findings), key=lambda finding: self.line(finding.path))
            raise ProblemsFound(self.problem(finding) for finding in ordered)


def read_document(path: FilePath, quotable: bool = True, where: str | None = None) -> Document:
    """The document in a file. Raises ``ProblemsFound``, also for what keeps a file from being read.

    ``quotable``: a line that is not YAML may be shown; false for a file that can hold a secret. ``where`` names the
    file in problems where its own name does not say enough.
    """
    return parse_document(_text_of(path, where or path.name), where or path.name, quotable)


def parse_document(text: str, where: str, quotable: bool = True) -> Document:
    """The document in a text; ``where`` is the file's name for messages. Raises ``ProblemsFound``."""
    if unusable := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, unusable.start()) + 1
        fail(
            where,
            line,
            f"the character U+{ord(unusable.group()):04X}",
            "printable characters, as YAML demands",
            "remove the character, or save the file as UTF-8 text",
        )
    if undecided := _CONFLICT.search(text):
        fail(
            where,
            text.count("\n", 0, undecided.start()) + 1,
            f'the conflict marker "{undecided.group().split()[0]}"',
            "one version of each line",
            "decide between the two versions around `=======`, remove the markers, then `git add` the file",
        )
    try:
        reader = Reader(text, where)
        return Document(where, reader.top(), tuple(reader.findings), tuple(reader.spellings))
    except yaml.YAMLError as error:
        raise _syntax_problem(error, text, where, quotable) from None


def missing_file(where: str) -> Problem:
    return Problem(
        where, "", "missing", f"a file called {where}", "create it, or run the command in the project's folder"
    )


def _text_of(path: FilePath, where: str) -> str:
    try:
        if path.exists() and not path.is_file():
            fail(where, None, "not a file", "a YAML file", f"put the file at {where}")
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ProblemsFound([missing_file(where)]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        fail(where, None, "unreadable", "a file that may be read", f"look at its permissions ({reason})")
    if len(content) > _LONGEST_FILE_BYTES:
        fail(where, None, "larger than 1 MB", "at most 1 MB of YAML", "check that this is the right file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(where, line, f"the byte 0x{content[error.start]:02X}", "UTF-8 text", "save the file as UTF-8")


def _syntax_problem(error: yaml.YAMLError, text: str, where: str, quotable: bool) -> ProblemsFound:
    said = getattr(error, "problem", None) or "this is not YAML"
    marks = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    # What is still open when the file ends is mended where it was opened.
    mark = marks[1] if marks[1] and "end" in said and "stream" in said else marks[0] or marks[1]
    line = mark.line + 1 if mark else 1
    lines = text.splitlines() or [""]
    near = lines[min(line, len(lines)) - 1]
    shown = printable(near.strip()) if quotable else ""
    indentation = near[: len(near) - len(near.lstrip())]
    if "\t" in indentation:
        expected, remedy = "spaces, since YAML refuses tabs as indentation", "replace the tab by spaces"
    else:
        expected = f"YAML, but its parser says: {said}"
        remedy = "look at this line and the one before it: brackets, quotes, a colon in unquoted text, indentation"
    return ProblemsFound([Problem(f"{where}:{line}", "", shown, expected, remedy)])
