"""Lua scripts, which Valkey runs atomically."""

from __future__ import annotations

import hashlib
from typing import Final


class Script:
    """Called by its digest; a server that doesn't know it yet is sent the source."""

    __slots__ = ("digest", "source")

    known: Final[dict[str, Script]] = {}
    """By digest, all of this process."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        Script.known[self.digest] = self
