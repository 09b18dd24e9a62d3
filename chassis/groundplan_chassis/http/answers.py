"""Responses: status, headers, body."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from groundplan_chassis.http.errors import ApiError, error_body
from groundplan_chassis.http.ports import Verdict
from groundplan_chassis.response import Block, Header, written

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
    own: bytes
    """Its own headers, written."""
    body: bytes
    code: str | None = None
    """The code of an error response."""
    closes: bool = False
    """The connection ends after it."""


def changed(body: bytes, tag: bytes, token: bytes) -> Answer:
    """The item as a write has left it."""
    return Answer(200, _JSON_REVALIDATED, _tagged(tag) + _written(token), body)


def of_item(body: bytes, tag: bytes) -> Answer:
    return Answer(200, _JSON_REVALIDATED, _tagged(tag), body)


def created(body: bytes, tag: bytes, location: str, token: bytes) -> Answer:
    return Answer(
        201, _JSON_NOT_STORED, _tagged(tag) + written([(b"location", location.encode())]) + _written(token), body
    )


def unchanged(tag: bytes) -> Answer:
    return Answer(304, _BARE_REVALIDATED, _tagged(tag), b"")


def of_list(body: bytes) -> Answer:
    return Answer(200, _JSON_REVALIDATED, b"", body)


def nothing(token: bytes) -> Answer:
    return Answer(204, _BARE_NOT_STORED, _written(token), b"")


def of_all(request_id: str, verdict: Verdict | None) -> bytes:
    """The headers of every answer, written: `headers.request_id` knows which characters an id has, and the rest is
    numbers. ``verdict``: the rate limit's (S7), once it is known.

    As the IETF's draft has them: `r` requests are left, `t` seconds until more are there.
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (-10)
    """
    if verdict is None:
        return f"\r\nx-request-id: {request_id}".encode("ascii")
    policy = _policy(verdict.limit, verdict.window_seconds)
    found = f"\r\nx-request-id: {request_id}{policy}{verdict.remaining};t={verdict.reset_seconds}"
    if not verdict.allowed:
        found += f"\r\nretry-after: {verdict.retry_after}"
    return found.encode("ascii")


@lru_cache(maxsize=16)
def _policy(limit: int, seconds: int) -> str:
    """``limit`` requests in a window of so many seconds, and where the number of those that are left begins."""
    return f'\r\nratelimit-policy: "client";q={limit};w={seconds}\r\nratelimit: "client";r='


def _tagged(tag: bytes) -> bytes:
    return b"\r\netag: " + tag


def _written(token: bytes) -> bytes:
    return b"\r\nconsistency-token: " + token


def refused(error: ApiError) -> Answer:
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in error.headers.items()]
    own = [each for each in headers if each[0] != _CONNECTION]
    answer = Answer(error.status, _JSON_NOT_STORED, written(own), error_body(error), error.code)
    answer.closes = (_CONNECTION, b"close") in headers
    return answer
