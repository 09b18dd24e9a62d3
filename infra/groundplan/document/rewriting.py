"""Putting new content between a document's markers, and leaving every other byte as it is."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from groundplan.problems import Problem, ProblemsFound

# A marker stands alone on its line: one that a sentence quotes is text.
_MARKER = re.compile(r"^<!-- (/?)plan:([a-z-]+) -->[ \t]*(?=\r?$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A document with new content, and the names of the blocks that differ from before."""

    text: str
    changed: tuple[str, ...]


def rewrite(
    text: str, contents: Mapping[str, str], where: str = "ARCHITECTURE.md", kept: Collection[str] = ()
) -> Rewritten:
    """The document with each block's content replaced, but for those that are ``kept``; line ends stay those of the
    block's own marker.

    Raises ProblemsFound, naming lines, for markers that are missing, doubled, unclosed, crossed or of no known name.
    """
    spans = _spans(text, [*contents, *kept], where)
    changed = []
    pieces = []
    position = 0
    for name, (start, end) in sorted(spans.items(), key=lambda span: span[1]):
        if name in kept:
            continue
        line_end = "\r\n" if text.startswith("\r\n", start) else "\n"
        new = line_end + contents[name].replace("\n", line_end) + line_end
        if text[start:end] != new:
            changed.append(name)
        pieces += [text[position:start], new]
        position = end
    return Rewritten("".join([*pieces, text[position:]]), tuple(name for name in contents if name in changed))


def _spans(text: str, names: Collection[str], where: str) -> dict[str, tuple[int, int]]:
    """By block, the text from after its opening marker to before its closing one."""
    problems: list[Problem] = []
    spans: dict[str, tuple[int, int]] = {}
    opened: tuple[str, int, int] | None = None
    for marker in _MARKER.finditer(text):
        line = text.count("\n", 0, marker.start()) + 1
        closing, name = bool(marker[1]), marker[2]

        def problem(expected: str, remedy: str, line: int = line, marker: re.Match[str] = marker) -> None:
            problems.append(Problem(f"{where}:{line}", marker[0].strip(), "", expected, remedy))

        if name not in names:
            problem(f"one of {', '.join(names)}", "correct the name, or remove the line")
        elif not closing and opened:
            problem(
                f"<!-- /plan:{opened[0]} --> first: that block is open since line {opened[2]}",
                "close that block before this one begins",
            )
            opened = (name, marker.end(), line)
        elif not closing and name in spans:
            problem("each block once", "remove this block, or the other one")
            opened = (name, marker.end(), line)
        elif not closing:
            opened = (name, marker.end(), line)
        elif opened is None or opened[0] != name:
            problem(f"<!-- plan:{name} --> on a line before it", "add the opening line, or remove this one")
            opened = None
        else:
            spans[name] = (opened[1], marker.start())
            opened = None
    if opened:
        problems.append(
            Problem(
                f"{where}:{opened[2]}",
                f"<!-- plan:{opened[0]} -->",
                "",
                f"<!-- /plan:{opened[0]} --> on a line after it",
                "add the closing line where the generated part ends",
            )
        )
    mentioned = {problem.path for problem in problems}
    for name in names:
        if name not in spans and not any(f"plan:{name} " in path for path in mentioned):
            problems.append(
                Problem(
                    where,
                    f"<!-- plan:{name} -->",
                    "missing",
                    "every generated block, on lines of its own",
                    f"add the lines <!-- plan:{name} --> and <!-- /plan:{name} --> where it shall stand",
                )
            )
    if problems:
        raise ProblemsFound(problems)
    return spans


def read_text(path: Path) -> str:
    """The file as it is, line ends included. Raises ProblemsFound when there is none or it isn't UTF-8."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ProblemsFound(
            [
                Problem(
                    path.name,
                    "",
                    "",
                    "the architecture document",
                    "bring it back from git, or copy it from the template",
                )
            ]
        ) from None
    except UnicodeDecodeError as error:
        raise ProblemsFound(
            [Problem(path.name, f"byte {error.start}", "", "UTF-8 text", "save the file as UTF-8")]
        ) from None


def write_text(path: Path, text: str) -> None:
    """Writes the file whole or not at all, and keeps its permissions."""
    mode = path.stat().st_mode if path.exists() else 0o644
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
