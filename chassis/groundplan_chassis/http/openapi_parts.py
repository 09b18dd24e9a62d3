"""Common parts of all OpenAPI documents: parameters, headers, the error envelope."""

from __future__ import annotations

from typing import Any, Final

from groundplan_chassis.http.queries import DEEPEST_ROW, DEFAULT_LIMIT, LARGEST_LIMIT

Document = dict[str, Any]

_ETAG: Final = '"3-1a2b3c4d"'


def _header(description: str, example: str | None = None, **schema: str) -> Document:
    """``schema``: `type`, which is string by default, and more of JSON Schema."""
    header: Document = {"description": description, "schema": {"type": "string", **schema}}
    return header if example is None else {**header, "example": example}


ERROR_SCHEMA: Final[Document] = {
    "type": "object",
    "description": "Why a request was refused",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "For programs; stays the same"},
                "message": {"type": "string", "description": "For people; may change"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "field": {
                                "type": "string",
                                "description": "Of the body, or a parameter; empty: the whole",
                            },
                            "message": {"type": "string"},
                        },
                        "required": ["field", "message"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["code", "message", "details"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}
META_SCHEMA: Final[Document] = {
    "type": "object",
    "properties": {
        "page": {"type": "integer", "minimum": 1, "description": "Absent where the page was asked for by cursor"},
        "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT},
        "total": {
            "type": "integer",
            "minimum": 0,
            "description": "Items that match; may be absent where the page was asked for by cursor",
        },
        "total_is_exact": {"type": "boolean", "description": "False: there are at least `total`"},
    },
    "required": ["limit"],
    "additionalProperties": False,
}
PARAMETERS: Final[Document] = {
    "Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
    "Page": {
        "name": "page",
        "in": "query",
        "description": f"From 1. `page` x `limit` is at most {DEEPEST_ROW}; from there on follow `links.next`.",
        "schema": {"type": "integer", "minimum": 1, "maximum": DEEPEST_ROW, "default": 1},
    },
    "Limit": {
        "name": "limit",
        "in": "query",
        "description": "Most items of a page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    },
    "Cursor": {
        "name": "cursor",
        "in": "query",
        "description": "From `links.next`: where the page begins. Instead of `page`; with the same `sort` and filters.",
        "schema": {"type": "string", "minLength": 1},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the item still has the version of one of these ETags; else 412. Absent: any version.",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Only if the item no longer has one of these ETags; else 304.",
        "schema": {"type": "string"},
        "example": _ETAG,
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A request that is sent again with the same key gets the first answer and creates nothing more. "
        "While the first one is under way it gets 409, with `Retry-After`; with another body it gets 422.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "ConsistencyToken": {
        "name": "Consistency-Token",
        "in": "header",
        "description": "From the answer to a write of this item: the answer has that version or a later one, or 404 "
        "after its deletion. Without it a read right after a write may give the version before, or 404 for what is "
        "new, for about half a second. 503, with `Retry-After`, where it takes longer than two seconds; and for a "
        "minute after a write whose item someone else has deleted since.",
        "schema": {"type": "string"},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Ties log lines, events and answer together. The gateway writes it; absent: a new one.",
        "schema": {"type": "string"},
    },
}
HEADERS: Final[Document] = {
    "ETag": _header("Version and checksum of the item's representation", example=_ETAG),
    "Consistency-Token": _header("Send it with a GET of this item, to read what was written"),
    "Location": _header("The item's path", format="uri-reference"),
    "RateLimit-Policy": _header("`q`: requests that are allowed in `w` seconds", example='"client";q=100;w=60'),
    "RateLimit": _header("`r`: requests that are left; `t`: seconds until more are there", example='"client";r=99;t=1'),
    "Retry-After": _header("Seconds to wait", type="integer"),
    "WWW-Authenticate": _header("How to prove who one is"),
    "X-Request-Id": _header("The request's id"),
}
ENDING: Final[Document] = {
    "Deprecation": _header(
        "Since when its use is discouraged (RFC 9745), as `@` and seconds since 1970", example="@1764547200"
    ),
    "Sunset": _header("From when on it may be gone (RFC 8594)", example="Tue, 01 Jun 2027 00:00:00 GMT"),
    "Link": _header("Where it says what to use instead"),
}
"""Headers of what is deprecated."""
