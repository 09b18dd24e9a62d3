"""Opaque cursors: positions in a sorted list at which the next page begins.

A cursor holds nothing that the client hasn't been shown, the last item's values, and its values are checked as any
parameter's are: a checksum is enough, which tells a damaged cursor, and one of another list, from a good one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from groundplan_chassis.http.values import Refused, ValueType

_CHECKSUM_BYTES: Final = 9
"""Bytes of the checksum; a multiple of three, so that base64 needs no padding between it and the values."""


def encode(values: Sequence[object], list_identity: bytes) -> str:
    """``list_identity``: path, order and filters, which must be equal from page to page."""
    content = msgspec.json.encode(values)
    return base64.urlsafe_b64encode(_checksum(content, list_identity) + content).rstrip(b"=").decode()


def decode(cursor: str, list_identity: bytes, types: Sequence[ValueType]) -> tuple[Any, ...]:
    """The typed values. Raises Refused for a cursor that `encode` did not make for this list."""
    try:
        data = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = data[_CHECKSUM_BYTES:]
        if _checksum(content, list_identity) != data[:_CHECKSUM_BYTES]:
            raise Refused(_EXPECTED)
        values = msgspec.json.decode(content, type=list[Any])
        if len(values) != len(types):
            raise Refused(_EXPECTED)
        return tuple(kind.from_json(value) for kind, value in zip(types, values, strict=True))
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        raise Refused(_EXPECTED) from None


_EXPECTED: Final = "Expected a cursor that this list gave, with the same sort and filters"


def _checksum(content: bytes, list_identity: bytes) -> bytes:
    key = hashlib.blake2b(list_identity, digest_size=32).digest()
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, key=key).digest()
