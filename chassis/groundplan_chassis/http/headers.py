"""Request headers: only those that the API reads, each at most once, and validated."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from groundplan_chassis.fields import UUID_PATTERN
from groundplan_chassis.http.errors import BadRequest, Detail, Unauthorized

AUTHORIZATION: Final = b"authorization"
REQUEST_ID: Final = b"x-request-id"
VIEWER: Final = b"x-viewer-ip"
"""The client's address as the edge has seen it, see `groundplan_components.shared.api_contract`."""
FORWARDED: Final = b"x-forwarded-for"
IF_MATCH: Final = b"if-match"
IF_NONE_MATCH: Final = b"if-none-match"
IDEMPOTENCY_KEY: Final = b"idempotency-key"
CONSISTENCY_TOKEN: Final = b"consistency-token"
CONTENT_TYPE: Final = b"content-type"
CONTENT_LENGTH: Final = b"content-length"
CONTENT_ENCODING: Final = b"content-encoding"
TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"

_READ: Final = frozenset(
    {
        AUTHORIZATION,
        REQUEST_ID,
        VIEWER,
        FORWARDED,
        IF_MATCH,
        IF_NONE_MATCH,
        IDEMPOTENCY_KEY,
        CONSISTENCY_TOKEN,
        CONTENT_TYPE,
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        TRACEPARENT,
        TRACESTATE,
    }
)
_LISTS: Final = frozenset({FORWARDED, IF_MATCH, IF_NONE_MATCH, TRACESTATE})
"""Headers whose lines are parts of one list (RFC 9110, 5.3). A second line of any other header is refused: proxy and
service could read different ones."""

# What a log line and a header can hold, and no more than API Gateway's own ids take (36 characters), twice over.
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._=+/-]{1,72}")
_UUID: Final = re.compile(UUID_PATTERN)
# An id has to be unique, not unguessable: the process's part is random, and so is where it begins to count. The form is
# that of a UUID of version 4.
_START: Final = uuid4()
_PREFIX: Final = str(_START)[:24]
_count: Final = itertools.count(_START.node)
_LONGEST_TOKEN: Final = 8192
"""Largest bearer token in bytes; Cognito's access tokens have one to two thousand."""


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], bytes | None]:
    """The headers that are read, by name in lower case, and the name of a repeated one, if any."""
    found: dict[bytes, bytes] = {}
    repeated = None
    for name, value in headers:
        if name in _READ:
            if name not in found:
                found[name] = value
            elif name in _LISTS:
                found[name] += b"," + value
            else:
                repeated = name
    return found, repeated


def refuse_repeated(name: bytes) -> BadRequest:
    return BadRequest("A header is not valid", [Detail(name.decode("ascii"), "Given more than once")])


def request_id(value: bytes | None) -> str:
    """The gateway's request id, or a new one without a valid one."""
    if value is not None and _REQUEST_ID.fullmatch(value):
        return value.decode("ascii")
    return _PREFIX + (next(_count) & 0xFFFF_FFFF_FFFF).to_bytes(6).hex()


def bearer_token(value: bytes) -> str:
    """Raises Unauthorized."""
    if len(value) > _LONGEST_TOKEN or value[:7].lower() != b"bearer ":
        raise Unauthorized("Expected `Authorization: Bearer <access token>`")
    try:
        return value[7:].strip().decode("ascii")
    except UnicodeDecodeError:
        raise Unauthorized("The token is not valid") from None


def idempotency_key(value: bytes | None) -> UUID | None:
    """Raises BadRequest."""
    if value is None:
        return None
    # Latin-1 takes any bytes; the pattern then only ASCII.
    text = value.decode("latin-1").strip()
    if _UUID.fullmatch(text) is None:
        raise BadRequest("A header is not valid", [Detail("Idempotency-Key", "Expected a UUID with its hyphens")])
    return UUID(text)


DELETED: Final = 0
"""The version in the token of a deletion."""
_TOKEN: Final = re.compile(rb"(?P<id>[0-9a-f-]{36})\.(?P<version>[0-9]{1,10})\.(?P<seconds>[0-9]{1,11})")


@dataclass(frozen=True, slots=True)
class ConsistencyToken:
    """What a write led to: a read that is given it answers with that version or a later one."""

    id: UUID
    version: int
    """DELETED: the item is gone."""
    seconds: int
    """When it was written, since the epoch."""

    def encode(self) -> bytes:
        return b"%b.%d.%d" % (str(self.id).encode(), self.version, self.seconds)


def consistency_token(value: bytes | None) -> ConsistencyToken | None:
    """Raises BadRequest for one that no write gave."""
    if value is None:
        return None
    found = _TOKEN.fullmatch(value.strip())
    if found is None or _UUID.fullmatch(found["id"].decode()) is None:
        raise BadRequest(details=[Detail("Consistency-Token", "Expected what an answer to a write had")])
    return ConsistencyToken(UUID(found["id"].decode()), int(found["version"]), int(found["seconds"]))
