"""Log lines as a test reads them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundplan_chassis.observe import logs

Line = dict[str, Any]


def parsed(data: bytes) -> list[Line]:
    """Every line is a JSON object, and there is nothing but lines."""
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


class Written:
    """The file that takes the place of standard output."""

    def __init__(self, path: Path, handler: logs.LineHandler) -> None:
        self.path = path
        self.handler = handler

    def raw(self) -> bytes:
        assert self.handler.sink.flush()
        return self.path.read_bytes()

    def lines(self) -> list[Line]:
        return parsed(self.raw())


@contextmanager
def configured(folder: Path, personal: Iterable[str] = (), level: str | None = "debug") -> Iterator[Written]:
    """The whole of `logs.configure`, undone at the end."""
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    path = folder / "stdout"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    # Only what pytest put there must outlive this.
    root.handlers.clear()
    handler = logs.configure("order", "api", personal, level, descriptor)
    try:
        yield Written(path, handler)
    finally:
        handler.close()
        os.close(descriptor)
        root.handlers[:] = handlers
        root.setLevel(before)
        logging.captureWarnings(False)
        logs.restore_hooks()
