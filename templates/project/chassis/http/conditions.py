"""Conditional requests: ETag, If-Match, If-None-Match (RFC 9110, section 13).

A tag is the item's version and a checksum of the answer's body: another release may answer the same version otherwise,
and what a client keeps must then be sent anew. A change insists on the version alone, which is what it could overwrite.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

from chassis.http.errors import BadRequest, Detail, PreconditionFailed

_TAG: Final = re.compile(rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_TAGS: Final = re.compile(rb'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*')
_VERSION: Final = re.compile(rb'"([1-9][0-9]{0,9})(?:-[0-9a-f]{8})?"')
_LARGEST_VERSION: Final = 2**31 - 1
"""Of an `integer` column."""
_MOST_VERSIONS: Final = 8
"""That one change may name: each is tried by itself."""
NO_VERSION: Final = 0
"""Which no item has: a change that insists on it is refused wherever there is an item."""


def etag(version: int, body: bytes) -> bytes:
    return b'"%d-%08x"' % (version, zlib.crc32(body))


def changeable(if_match: bytes | None, if_none_match: bytes | None) -> Sequence[int | None]:
    """The versions that a change may replace; None: any.

    Raises PreconditionFailed for tags that no item of ours ever has, BadRequest for what can't be kept to.
    """
    versions = _versions(if_match)
    if if_none_match is None:
        return versions
    if if_none_match.strip() != b"*":
        raise _invalid("If-None-Match", "Expected *, or If-Match instead")
    return (NO_VERSION,)


def _versions(value: bytes | None) -> Sequence[int | None]:
    if value is None or value.strip() == b"*":
        return (None,)
    if _TAGS.fullmatch(value) is None:
        raise _invalid("If-Match", 'Expected * or entity tags, for example "3-1a2b3c4d"')
    # Others' tags and weak ones never match here (RFC 9110, 13.1.1).
    found = {int(tag[1]) for each in _TAG.findall(value) if (tag := _VERSION.fullmatch(each))}
    versions = sorted(version for version in found if version <= _LARGEST_VERSION)
    if not versions:
        raise PreconditionFailed
    if len(versions) > _MOST_VERSIONS:
        raise _invalid("If-Match", f"Expected at most {_MOST_VERSIONS} versions")
    return versions


def _invalid(header: str, expected: str) -> BadRequest:
    return BadRequest(f"{header} is not valid", [Detail(header, expected)])


def none_match(value: bytes, tag: bytes) -> bool:
    """Whether the client has this representation already. What isn't a list of entity tags counts as absent."""
    if value == tag:
        return True
    if value.strip() == b"*":
        return True
    if _TAGS.fullmatch(value) is None:
        return False
    return any(each.removeprefix(b"W/") == tag for each in _TAG.findall(value))
