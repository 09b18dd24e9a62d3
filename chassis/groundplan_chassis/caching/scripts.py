"""Lua scripts, which Valkey runs atomically."""

from __future__ import annotations

import hashlib
from typing import Final

from groundplan_chassis.caching.replies import Command


class Script:
    """Called by its digest; a server that doesn't know the digest gets the source."""

    __slots__ = ("call", "digest", "source")

    known: Final[dict[str, Script]] = {}
    """All scripts of this process, by digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self.call: Command = ("EVALSHA", self.digest, 1)
        """The words before the key and the arguments."""
        Script.known[self.digest] = self
