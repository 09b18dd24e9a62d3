"""A program in a pseudo-terminal, and what a person sees of it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from wcwidth import wcwidth

ROWS = 40
PATIENCE_SECONDS = 120.0
"""The test fails after this long without what it waits for: a busy machine is slow."""
_SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|[^\[])")


class Screen:
    """As much of a VT100 as prompt_toolkit needs; lines are cut at the width, as it asks for."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.row = self.column = 0
        self._cells = [[" "] * columns for _ in range(ROWS)]

    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self._cells).rstrip()

    def feed(self, text: str) -> str:
        """Shows ``text``; returns the start of a sequence whose end has yet to come."""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is None:
                    return text[at:]
                if found[2]:
                    self._control(found[1], found[2])
                at = found.end()
            else:
                self._put(text[at])
                at += 1
        return ""

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == ROWS:
                self._cells = [*self._cells[1:], [" "] * self.columns]
                self.row = ROWS - 1
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif (width := wcwidth(character)) > 0:
            self.column = min(self.column, self.columns - width)
            self._cells[self.row][self.column : self.column + width] = [character, *[""] * (width - 1)]
            self.column += width

    def _control(self, parameters: str, final: str) -> None:
        number = int(parameters) if parameters.isdigit() else 0
        if final == "A":
            self.row = max(0, self.row - max(1, number))
        elif final == "B":
            self.row = min(ROWS - 1, self.row + max(1, number))
        elif final == "C":
            self.column = min(self.columns - 1, self.column + max(1, number))
        elif final == "D":
            self.column = max(0, self.column - max(1, number))
        elif final == "J" and number == 0:
            self._cells[self.row][self.column :] = [" "] * (self.columns - self.column)
            self._cells[self.row + 1 :] = [[" "] * self.columns for _ in range(ROWS - self.row - 1)]
        elif final == "K" and number == 2:
            self._cells[self.row] = [" "] * self.columns
        elif final == "K" and number == 0:
            self._cells[self.row][self.column :] = [" "] * (self.columns - self.column)


class Terminal:
    """Runs a command; `type` and `see` are what its user does."""

    def __init__(self, command: Sequence[str], *, columns: int, environment: Mapping[str, str]) -> None:
        self.screen = Screen(columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._file, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self._process = subprocess.Popen(
            list(command),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def see(self, *texts: str) -> str:
        """Waits until the screen shows all of ``texts``; returns all that it shows."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not all(text in self.screen.text() for text in texts):
            assert time.monotonic() < until, f"not shown: {texts}\n{self.screen.text()}"
            assert self._read() or all(text in self.screen.text() for text in texts), self.screen.text()
        return self.screen.text()

    def end(self) -> int:
        """Waits until the command has ended; its exit status."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._read():
            assert time.monotonic() < until, self.screen.text()
        return self._process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._file)

    def _read(self) -> bool:
        if not select.select([self._file], [], [], 1)[0]:
            return True
        try:
            read = os.read(self._file, 65536)
        except OSError:
            return False
        text = self._decoder.decode(read)
        # The program asks where the cursor is, to know how much room there is.
        for _ in range(text.count("\x1b[6n")):
            self.type(f"\x1b[{self.screen.row + 1};{self.screen.column + 1}R")
        self._rest = self.screen.feed(self._rest + text)
        return bool(read)
