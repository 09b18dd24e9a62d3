"""Log output of all services on one screen: a coloured name before each line, JSON in readable form."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""ANSI foregrounds that can be told apart on light and dark screens; red is for errors."""
RED, FAINT = 31, 2
# Said by the name before the line, or of use to machines only.
_LEFT_OUT = {"message", "level", "service", "role", "time", "timestamp", "logger", "color_message"}
LONGEST_VALUE = 200
"""Characters of a field that are shown; the file has all."""
_LOUD = {"error", "critical", "fatal"}


@dataclass
class Follower:
    """Shows the lines that are appended to files."""

    width: int
    """Of the longest name."""
    output: TextIO = field(default_factory=lambda: sys.stdout)
    _read: dict[str, tuple[Path, int, str, int]] = field(default_factory=dict)

    def add(self, name: str, file: Path) -> None:
        """From what is in it now on."""
        size = file.stat().st_size if file.exists() else 0
        self._read[name] = (file, size, "", COLOURS[len(self._read) % len(COLOURS)])

    def show(self) -> None:
        """Print what is new in all files."""
        for name, (file, position, rest, colour) in list(self._read.items()):
            if not file.exists():
                continue
            with file.open("rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                if size < position:
                    position, rest = 0, ""
                opened.seek(position)
                text = rest + opened.read(size - position).decode(errors="replace")
            *lines, rest = text.split("\n")
            self._read[name] = (file, size, rest, colour)
            for line in lines:
                for shown in readable(line):
                    self._print(name, colour, *shown)

    def _print(self, name: str, colour: int, line: str, loud: bool) -> None:
        head = f"{name:{self.width}} │"
        if coloured(self.output):
            head = f"\033[{colour}m{head}\033[0m"
            line = f"\033[{RED}m{line}\033[0m" if loud else line
        print(head, line, file=self.output, flush=True)


def coloured(output: TextIO) -> bool:
    """On a terminal, unless the user wants none (https://no-color.org)."""
    return output.isatty() and not os.environ.get("NO_COLOR")


def readable(line: str) -> Iterator[tuple[str, bool]]:
    """A log line as a person reads it, and whether it tells of an error; metrics are left out."""
    if not line.strip():
        return
    try:
        entry = json.loads(line)
    except ValueError:
        yield printable(line), False
        return
    if not isinstance(entry, dict):
        yield printable(line), False
    elif "_aws" not in entry:
        level = str(entry.get("level", "")).lower()
        fields = " ".join(
            f"{key}={shortened(value if isinstance(value, str) else json.dumps(value))}"
            for key, value in entry.items()
            if key not in _LEFT_OUT and value not in (None, "")
        )
        said = str(entry.get("message", ""))
        for number, part in enumerate(f"{level:7} {said} {fields}".rstrip().splitlines()):
            yield printable(part if number == 0 else f"        {part}"), level in _LOUD


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def printable(text: str) -> str:
    """Without control characters: a log can't move the cursor."""
    return "".join(character if character.isprintable() or character == "\t" else "·" for character in text)
