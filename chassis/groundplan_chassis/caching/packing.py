"""Commands as bytes, where only the key differs from one to the next.

hiredis packs any command; that takes 1 to 1.5 µs, twice for each request that the cache answers. A command whose other
words are known beforehand is put together in 0.3 µs (docs/adr/0023-http-protocol.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import hiredis

from groundplan_chassis.caching.replies import Command

# Its own annotation takes commands of one word only.
pack: Final = cast(Callable[[Command], bytes], hiredis.pack_command)
"""Any command as bytes."""
_LENGTHS: Final = tuple(b"%d\r\n" % size for size in range(256))
"""Of keys, as they are sent."""


class Prepared:
    """A command with one key: ``before`` and ``after`` are the words around it."""

    __slots__ = ("_after", "_before", "after", "before")

    def __init__(self, before: Command, after: Command) -> None:
        self.before = before
        self.after = after
        count = b"*%d\r\n" % (len(before) + 1 + len(after))
        self._before = count + _words(before) + b"$"
        self._after = b"\r\n" + _words(after)

    def command(self, key: bytes) -> Command:
        """Word by word."""
        return (*self.before, key, *self.after)

    def packed(self, key: bytes) -> bytes:
        """What `pack` makes of the same command."""
        size = len(key)
        length = _LENGTHS[size] if size < len(_LENGTHS) else b"%d\r\n" % size
        return b"".join((self._before, length, key, self._after))


def _words(command: Command) -> bytes:
    """As they follow the line with their number."""
    return pack(command).partition(b"\r\n")[2] if command else b""
