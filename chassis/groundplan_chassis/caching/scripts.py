"""Lua scripts, which Valkey runs atomically."""

from __future__ import annotations

import hashlib
from typing import Final


class Script:
    """Called by its digest; a server that doesn't know the digest gets the source."""

    __slots__ = ("digest", "source")

    known: Final[dict[str, Script]] = {}
    """All scripts of this process, by digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        Script.known[self.digest] = self
