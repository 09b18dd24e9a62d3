"""Conditional requests by version: ETag, If-Match, If-None-Match (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from groundplan_chassis.http.errors import BadRequest, Detail, PreconditionFailed

_TAG: Final = re.compile(rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_TAGS: Final = re.compile(rb'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*')
_VERSION: Final = re.compile(rb'"([1-9][0-9]{0,9})"')
_LARGEST_VERSION: Final = 2**31 - 1
"""Of an `integer` column."""


def etag(version: int) -> bytes:
    return b'"%d"' % version


def if_match(value: bytes | None) -> int | None:
    """The version that a change insists on; None: any.

    Raises PreconditionFailed for a tag that no item of ours ever has, BadRequest for what isn't one entity tag.
    """
    if value is None or value.strip() == b"*":
        return None
    value = value.strip()
    found = _VERSION.fullmatch(value)
    if found is not None and int(found[1]) <= _LARGEST_VERSION:
        return int(found[1])
    if _TAG.fullmatch(value) is None:
        raise BadRequest("If-Match is not valid", [Detail("If-Match", 'Expected one entity tag, for example "3"')])
    # Another's tag, or a weak one, which never matches here (RFC 9110, 13.1.1).
    raise PreconditionFailed


def none_match(value: bytes, tag: bytes) -> bool:
    """Whether the client has this version already. What isn't a list of entity tags counts as absent."""
    if value == tag:
        return True
    if value.strip() == b"*":
        return True
    if _TAGS.fullmatch(value) is None:
        return False
    return any(each.removeprefix(b"W/") == tag for each in _TAG.findall(value))
