"""Request bodies: read within limits, decoded, and checked field by field, so that all errors are reported at once
(S6)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NoReturn

import msgspec

from groundplan_chassis.http.errors import (
    Detail,
    MalformedBody,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
    ValidationFailed,
)
from groundplan_chassis.http.values import MOST_VALUES, Refused, ValueType, value_type

MOST_BYTES: Final = 1024 * 1024
"""Largest body in bytes. API Gateway accepts 10 MB; no resource is that large."""
_NOT_HELD: Final = 64 * 1024
SLOWEST_SECONDS: Final = 20.0
"""Time for the whole body to arrive, so that a slow client does not occupy a connection."""
MOST_DETAILS: Final = 100
"""Most reported fields: as many as a resource may have."""
LONGEST_NAME: Final = 100
"""Most characters of an unknown field's name in an error message."""
_VALUE_BYTES: Final = 100
"""Memory of a decoded value beside its text."""

_MEDIA_TYPE: Final = re.compile(rb'application/json\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?;?', re.IGNORECASE)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def require_json(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Raises UnsupportedMediaType."""
    if content_type is None or _MEDIA_TYPE.fullmatch(content_type.strip()) is None:
        raise UnsupportedMediaType
    if content_encoding is not None and content_encoding.strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed bodies are not accepted")


async def read_body(
    receive: Receive, content_length: bytes | None, hold: Callable[[int], None] = lambda _: None
) -> bytes:
    """The whole body; ``hold`` is told of bytes beyond the first few.

    Raises PayloadTooLarge, RequestTimeout, or MalformedBody when the client left in the middle; and what ``hold``
    raises.
    """
    if content_length is not None and content_length.isdigit() and int(content_length[:20]) > MOST_BYTES:
        raise PayloadTooLarge(f"The body is larger than {MOST_BYTES} bytes")
    try:
        async with asyncio.timeout(SLOWEST_SECONDS):
            return await _read(receive, hold)
    except TimeoutError:
        raise RequestTimeout from None


async def _read(receive: Receive, hold: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedBody("The body ended before its time")
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise PayloadTooLarge(f"The body is larger than {MOST_BYTES} bytes")
        if size > _NOT_HELD and part:
            hold(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def memory_of(body: bytes) -> int:
    """About the bytes that the body's values take once it is decoded, beside its text."""
    return _VALUE_BYTES * min(MOST_VALUES, _count(body))


def _count(body: bytes) -> int:
    """The values in a body, empty lists and objects counted twice. Exact only where there may be too many: what is in
    texts counts as well, which is told apart at twenty times the cost."""
    most = _separators(body)
    if most <= MOST_VALUES:
        return most
    body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if body.count(b'"') > 4 * MOST_VALUES:
        # More texts than so many values and their names.
        return most
    return _separators(b"".join(body.split(b'"')[::2]))


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


class BodyType:
    """Decodes bodies into a Struct."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self._struct = struct
        self._fields: dict[str, tuple[str, ValueType]] = {}
        self._required: list[str] = []
        for field in msgspec.structs.fields(struct):
            self._fields[field.encode_name] = (field.name, value_type(field.type))
            if field.required:
                self._required.append(field.encode_name)

    def decode(self, body: bytes) -> msgspec.Struct:
        """Raises MalformedBody, or ValidationFailed with a detail for each field that is wrong."""
        content = _parse(body)
        if not isinstance(content, dict):
            raise ValidationFailed(details=[Detail("", "Expected a JSON object")])
        values: dict[str, Any] = {}
        details: list[Detail] = []
        for name, value in content.items():
            if len(details) >= MOST_DETAILS:
                break
            field = self._fields.get(name)
            if field is None:
                details.append(Detail(_printable(name), "Unknown field"))
                continue
            try:
                values[field[0]] = field[1].from_json(value)
            except Refused as refused:
                details.append(Detail(name + refused.path, refused.message))
        details.extend(Detail(name, "Required") for name in self._required if name not in content)
        if details:
            raise ValidationFailed(details=details[:MOST_DETAILS])
        try:
            return self._struct(**values)
        except ValueError as error:
            # A rule of the Struct's own, over several fields (`__post_init__`).
            raise ValidationFailed(details=[Detail("", str(error))]) from None


class _Repeated(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Which of two values counts differs between parsers: what one checked, another one would use.
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Repeated(name)
            seen.add(name)
    return found


def _refuse(constant: str) -> NoReturn:
    raise MalformedBody(f"{constant} is not JSON")


_decode: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse).decode


def _parse(body: bytes) -> object:
    if _count(body) > MOST_VALUES:
        raise ValidationFailed(details=[Detail("", f"Expected at most {MOST_VALUES} values, those in lists counted")])
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedBody("The body is not valid UTF-8") from None
    try:
        return _decode(text)
    except _Repeated as repeated:
        raise ValidationFailed(details=[Detail(_printable(repeated.name), "Given more than once")]) from None
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not valid JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply") from None
    except ValueError:
        # Python converts integers up to some thousand digits (sys.get_int_max_str_digits).
        raise MalformedBody("The body has a number that is too long") from None


def _printable(name: str) -> str:
    """Text of a client in a form that can be encoded, logged and read."""
    return name.encode("ascii", "backslashreplace").decode()[:LONGEST_NAME]
