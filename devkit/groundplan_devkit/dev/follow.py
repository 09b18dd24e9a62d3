"""Log output of all services on one screen: a coloured name before each line, JSON in readable form."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from groundplan_devkit.tail import Tail

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""ANSI foregrounds that can be told apart on light and dark screens; red is for errors."""
RED, FAINT = 31, 2
# Said by the name before the line, or of use to machines only.
_LEFT_OUT = {"message", "level", "service", "role", "time", "timestamp", "logger", "color_message"}
SHOWN_OF_A_KIND = 3
"""Lines that say the same of other values are shown so often …"""
KIND_SECONDS = 20.0
"""… and then counted, until a process has said nothing of the kind for so long."""
QUIET_SECONDS = 1.0
"""A pause in which a reader can take in a line between the logs' own."""
LONGEST_VALUE = 200
"""Characters of a field that are shown; the file has all."""
_LOUD = {"error", "critical", "fatal"}


@dataclass
class _Kind:
    """Warnings of one process with one message."""

    shown: int = 0
    counted: int = 0
    last: float = 0.0


@dataclass
class Follower:
    """Shows the lines that are appended to files."""

    width: int
    """Of the longest name."""
    output: TextIO = field(default_factory=lambda: sys.stdout)
    clock: Callable[[], float] = time.monotonic
    _read: dict[str, tuple[Tail, int]] = field(default_factory=dict)
    _kinds: dict[tuple[str, str], _Kind] = field(default_factory=dict)
    """By process and message, so that a hundred slow statements bury nothing."""
    _lines: int = 0
    """Shown since `scrolled_away` was true."""
    _last: float = 0.0

    def add(self, name: str, file: Path) -> None:
        """From what is in it now on."""
        self._read[name] = (Tail.from_here(file), COLOURS[len(self._read) % len(COLOURS)])

    def show(self) -> None:
        """Print what is new in all files."""
        for name, (tail, colour) in list(self._read.items()):
            for line in tail.lines():
                if self._counted(name, line):
                    continue
                for shown in readable(line):
                    self._print(name, colour, *shown)
            self._tell_counted(name, tail.path, colour)

    def scrolled_away(self) -> bool:
        """Whether what was printed before has left the screen, and the logs are quiet now; then counts anew."""
        if self._lines < shutil.get_terminal_size().lines or self.clock() - self._last < QUIET_SECONDS:
            return False
        self._lines = 0
        return True

    def _counted(self, name: str, line: str) -> bool:
        """Whether the line is one warning more of a kind that was shown often enough."""
        message = warning_of(line)
        if message is None:
            return False
        kind = self._kinds.setdefault((name, message), _Kind())
        kind.shown, kind.last = kind.shown + 1, self.clock()
        if kind.shown <= SHOWN_OF_A_KIND:
            return False
        kind.counted += 1
        return True

    def _tell_counted(self, name: str, file: Path, colour: int) -> None:
        for (whose, message), kind in list(self._kinds.items()):
            if whose == name and self.clock() - kind.last > KIND_SECONDS:
                del self._kinds[whose, message]
                if kind.counted:
                    said = f"warning {printable(message)} ({kind.counted} more of these: {file.name})"
                    self._print(name, colour, said, loud=False)

    def _print(self, name: str, colour: int, line: str, loud: bool) -> None:
        head = f"{name:{self.width}} │"
        if coloured(self.output):
            head = f"\033[{colour}m{head}\033[0m"
            line = f"\033[{RED}m{line}\033[0m" if loud else line
        print(head, line, file=self.output, flush=True)
        self._lines, self._last = self._lines + 1, self.clock()


def warning_of(line: str) -> str | None:
    """The message of a warning; None: the line is something else."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or str(entry.get("level", "")).lower() != "warning":
        return None
    return str(entry.get("message", ""))


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
