"""Replies of commands. An unavailable cache is a reply, not an error: callers go on without it."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

Argument = str | bytes | int
"""One word of a command."""
Command = tuple[Argument, ...]


class Away(Enum):
    """No answer: the server is away, too slow, or refuses. Whether a change was made is not known."""

    AWAY = "away"


AWAY: Final[Literal[Away.AWAY]] = Away.AWAY

Reply = bytes | int | list[object] | None | Literal[Away.AWAY]
"""None: there is no such value."""
