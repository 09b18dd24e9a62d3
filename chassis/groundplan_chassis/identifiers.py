"""Row ids: UUIDs that begin with their time and contain the row's shard (D1, D3).

Layout of RFC 9562, version 7, most significant bit first:

    48 bits  milliseconds since 1970, so that rows of one time lie together in an index
     4 bits  version
     6 bits  shard number, the upper half of `rand_a`
     6 bits  random
     2 bits  variant
    62 bits  random

68 random bits a millisecond and shard: among 10,000 rows of one millisecond two are alike with a chance of 2 in 10¹³.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Final
from uuid import UUID

SHARD_BITS: Final = 6
MOST_SHARDS: Final = 1 << SHARD_BITS
"""Most shards of one service: the declaration's limit."""

_TIME_BITS: Final = 48
_LOW_BITS: Final = 6
_NODE_BITS: Final = 62
_VERSION_AT: Final = 76
_SHARD_AT: Final = 70
_LOW_AT: Final = 64
_VARIANT: Final = 0b10 << 62
_TIME: Final = 7
_DERIVED: Final = 8
"""Version of an id that is derived from one without a time: RFC 9562 leaves all its bits to the implementation."""


def new_id(shard: int = 0) -> UUID:
    """A unique id for a row of the given shard.

    Raises ValueError for a shard that is not among 0 to 63.
    """
    return _composed(_TIME, time.time_ns() // 1_000_000, shard, secrets.randbits(_LOW_BITS + _NODE_BITS))


def derived_id(event_id: UUID, label: str, shard: int) -> UUID:
    """The id of one effect of an event: equal for each delivery, so that the effect is the same row.

    ``label`` tells apart the effects that one event has, for example ``"payment"``. The time is the event's, where
    its id has one. Raises ValueError for a shard that is not among 0 to 63.
    """
    digest = hashlib.sha256(b"%b\0%b" % (event_id.bytes, label.encode())).digest()
    content = int.from_bytes(digest[:16], "big")
    if event_id.version == _TIME:
        return _composed(_TIME, event_id.int >> (128 - _TIME_BITS), shard, content)
    return _composed(_DERIVED, int.from_bytes(digest[16:22], "big"), shard, content)


def shard_of(identifier: UUID) -> int:
    """The shard, 0 to 63, whose row this is, whether or not a database has so many.

    An id of another making carries none: its row is on the first shard, where rows are that were there before.
    """
    if identifier.version not in (_TIME, _DERIVED):
        return 0
    return identifier.int >> _SHARD_AT & MOST_SHARDS - 1


def _composed(version: int, milliseconds: int, shard: int, content: int) -> UUID:
    if not 0 <= shard < MOST_SHARDS:
        raise ValueError(f"shard {shard} can't be: an id has room for 0 to {MOST_SHARDS - 1}")
    return UUID(
        int=(milliseconds & (1 << _TIME_BITS) - 1) << 80
        | version << _VERSION_AT
        | shard << _SHARD_AT
        | (content >> _NODE_BITS & (1 << _LOW_BITS) - 1) << _LOW_AT
        | _VARIANT
        | content & (1 << _NODE_BITS) - 1
    )
