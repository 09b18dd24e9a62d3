"""The head of a response as bytes, checked: nothing in a header's value ends the header."""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Sequence
from typing import Final

Header = tuple[bytes, bytes]

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {0x09})
_MOST_NAMES: Final = 256
"""Names of headers are the program's own; beyond so many, none is remembered."""
_WITHOUT_BODY: Final = frozenset({204, 304})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})


def _line(status: int) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b" % (status, phrase.encode())


_STATUS_LINES: Final = {status: _line(status) for status in range(200, 600)}
_END: Final = b"\r\n\r\n"
_LAST_END: Final = b"\r\nconnection: close\r\n\r\n"
_known: dict[bytes, bytes] = {}
"""Names that were found valid and say nothing about framing: as they are written, with the end of the line before."""


class Defaults:
    """The headers of every response. The server gives a new list each second, with the date."""

    __slots__ = ("_of", "count", "written")

    def __init__(self) -> None:
        self._of: Sequence[Header] | None = None
        self.written = b""
        self.count = 0

    def take(self, headers: Sequence[Header]) -> None:
        if headers is not self._of:
            self._of = headers
            self.count = len(headers)
            self.written = b"".join(b"\r\n%b: %b" % each for each in headers)


class Block:
    """Headers that many responses have in common, checked and written once. None of them says how a body is framed.

    Raises ValueError for a header that is none.
    """

    __slots__ = ("headers", "written")

    def __init__(self, *headers: Header) -> None:
        self.headers = headers
        self.written = written(headers)


def written(headers: Sequence[Header]) -> bytes:
    """Headers as they are sent, each after the end of the line before.

    Raises ValueError for a header that is none, and for one that says how a body is framed.
    """
    content = b"".join([(_known.get(name) or _remembered(name)) + value for name, value in headers])
    _require_lines(content, len(headers))
    return content


def read(written: bytes) -> list[Header]:
    """The headers again of which `written` made bytes."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in written.split(b"\r\n")[1:])]


def whole(status: int, block: Block, own: bytes, body: bytes, defaults: Defaults, *, closes: bool) -> bytes:
    """A response whose body is there: head and body as bytes, framed by its length.

    ``own``: its own headers, as `written` makes them; ``closes``: the connection ends after it.
    """
    line = _STATUS_LINES.get(status) or _line(status)
    end = _LAST_END if closes else _END
    if status in _WITHOUT_BODY:
        return b"".join((line, defaults.written, block.written, own, end))
    length = b"\r\ncontent-length: %d" % len(body)
    return b"".join((line, defaults.written, block.written, own, length, end, body))


class Head:
    """The head of one response, and how its body is framed."""

    __slots__ = ("chunked", "closes", "content", "left")

    def __init__(
        self, status: int, headers: Iterable[Header], defaults: Defaults, *, has_body: bool, old: bool, closes: bool
    ) -> None:
        """``has_body``: False for HEAD; ``old``: for a client of HTTP/1.0, which knows no chunks, and whose
        connection always ends after the response; ``closes``: the connection ends after this response, also where the
        headers do not say so.

        Raises ValueError for a header that is none.
        """
        self.left: int | None = None
        """Bytes of the body that are still to come; None: any number."""
        self.chunked = False
        self.closes = closes
        says_close = False
        parts = [_STATUS_LINES.get(status) or _line(status), defaults.written]
        lines = 2 + defaults.count
        for name, value in headers:
            lines += 1
            written = _known.get(name)
            if written is None:
                lower = name.lower()
                written = _checked(lower) if lower in _FRAMING else _remembered(name)
                if lower == b"content-length":
                    if not self.chunked:
                        self.left = int(value)
                elif lower == b"transfer-encoding":
                    if value.lower() == b"chunked":
                        self.left, self.chunked = None, True
                elif lower == b"connection" and b"close" in (each.strip() for each in value.lower().split(b",")):
                    self.closes = says_close = True
            parts.append(written)
            parts.append(value)
        if self.closes and not says_close:
            parts.append(b"\r\nconnection: close")
            lines += 1
        if not has_body or (self.left is None and status in _WITHOUT_BODY):
            self.left, self.chunked = 0, False
        elif self.left is None and not self.chunked and not old:
            self.chunked = True
            parts.append(b"\r\ntransfer-encoding: chunked")
            lines += 1
        parts.append(b"\r\n\r\n")
        self.content = b"".join(parts)
        _require_lines(self.content, lines)


def _require_lines(content: bytes, lines: int) -> None:
    """Raises ValueError unless each line has one end, and no other character is a control."""
    if len(content.translate(None, _CONTROLS)) != len(content) - 2 * lines:
        raise ValueError("A response's header has a control character in its value")


def _remembered(name: bytes) -> bytes:
    """As `_checked`, of a name that says nothing about framing: of one that does, the response has to know."""
    lower = name.lower()
    if lower in _FRAMING:
        raise ValueError(f"the header {name!r} is not for a response whose body is there")
    written = _checked(lower)
    if lower == name and len(_known) < _MOST_NAMES:
        _known[name] = written
    return written


def _checked(name: bytes) -> bytes:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a header")
    return b"\r\n%b: " % name
