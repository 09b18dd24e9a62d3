"""What is appended to a file, line by line, from any writer and however often it begins anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Tail:
    """Reads on from where it was; a file that was cut off is read from its beginning."""

    path: Path
    position: int = 0
    """Bytes that were read."""
    _rest: bytes = b""

    @classmethod
    def from_here(cls, path: Path) -> Tail:
        """Of what is in the file already, nothing."""
        return cls(path, path.stat().st_size if path.exists() else 0)

    def lines(self) -> Iterator[str]:
        """Whole lines that were not read yet, without their ends; none while there is no file."""
        try:
            with self.path.open("rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                if size < self.position:
                    self.position, self._rest = 0, b""
                opened.seek(self.position)
                content = self._rest + opened.read(size - self.position)
                self.position = size
        except FileNotFoundError:
            return
        *lines, self._rest = content.split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
