"""Responses: status, headers, body."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from groundplan_chassis.http.errors import ApiError, error_body
from groundplan_chassis.http.ports import Verdict
from groundplan_chassis.response import Block, Header

_CONNECTION: Final = b"connection"
_JSON: Final = (b"content-type", b"application/json")
_SECURITY: Final[tuple[Header, ...]] = (
    # Nothing of an API is to be guessed at, framed or run by a browser.
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_NOT_STORED: Final = (b"cache-control", b"no-store")
# A browser may keep what its user has seen, and has to ask every time whether it is still true (ETag).
_REVALIDATED: Final = (b"cache-control", b"private, no-cache")

_JSON_NOT_STORED: Final = Block(_JSON, *_SECURITY, _NOT_STORED)
_JSON_REVALIDATED: Final = Block(_JSON, *_SECURITY, _REVALIDATED)
_BARE_NOT_STORED: Final = Block(*_SECURITY, _NOT_STORED)
_BARE_REVALIDATED: Final = Block(*_SECURITY, _REVALIDATED)


class Answer(msgspec.Struct, eq=False):
    """One response; what all responses have is added when it is sent."""

    status: int
    block: Block
    """Headers that it has in common with others of its kind."""
    headers: list[Header]
    """Its own."""
    body: bytes
    code: str | None = None
    """The code of an error response."""
    closes: bool = False
    """The connection ends after it."""


def changed(body: bytes, tag: bytes, token: bytes) -> Answer:
    """The item as a write has left it."""
    answer = of_item(200, body, tag)
    answer.headers.append((b"consistency-token", token))
    return answer


def of_item(status: int, body: bytes, tag: bytes) -> Answer:
    return Answer(status, _JSON_REVALIDATED, [(b"etag", tag)], body)


def created(body: bytes, tag: bytes, location: str, token: bytes) -> Answer:
    own = [(b"etag", tag), (b"location", location.encode()), (b"consistency-token", token)]
    return Answer(201, _JSON_NOT_STORED, own, body)


def unchanged(tag: bytes) -> Answer:
    return Answer(304, _BARE_REVALIDATED, [(b"etag", tag)], b"")


def of_list(body: bytes) -> Answer:
    return Answer(200, _JSON_REVALIDATED, [], body)


def nothing(token: bytes) -> Answer:
    return Answer(204, _BARE_NOT_STORED, [(b"consistency-token", token)], b"")


def rate_limit(verdict: Verdict) -> list[Header]:
    """`RateLimit-Policy` and `RateLimit` as the IETF's draft has them, and `Retry-After` with a refusal (S7).

    `q` requests in a window of `w` seconds, `r` of them left, `t` seconds until more are there.
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (-10)
    """
    found = [
        (b"ratelimit-policy", _policy(verdict.limit, verdict.window_seconds)),
        (b"ratelimit", b'"client";r=%d;t=%d' % (verdict.remaining, verdict.reset_seconds)),
    ]
    if not verdict.allowed:
        found.append((b"retry-after", b"%d" % verdict.retry_after))
    return found


@lru_cache(maxsize=16)
def _policy(limit: int, seconds: int) -> bytes:
    return b'"client";q=%d;w=%d' % (limit, seconds)


def refused(error: ApiError) -> Answer:
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in error.headers.items()]
    own = [each for each in headers if each[0] != _CONNECTION]
    answer = Answer(error.status, _JSON_NOT_STORED, own, error_body(error), error.code)
    answer.closes = (_CONNECTION, b"close") in headers
    return answer
