"""A transport whose writes of one tick of the event loop leave together.

Uvicorn writes an answer's head and its body apart, and each write is a system call and a packet. With one write a GET
from the cache reached 0.52 of the floor of `make bench-services` on 2026-11-26, with two 0.42.
"""

from __future__ import annotations

import asyncio
from typing import Any


class JoinedWrites:
    """Stands for a transport: what it writes is written once the tick is over, all else at once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """What was written before leaves first."""
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        """What was written before leaves first; the client may still send."""
        self._flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """What was not sent yet is not sent any more."""
        self._parts.clear()
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a transport has
        return getattr(self._transport, name)

    def _flush(self) -> None:
        parts = self._parts
        if parts:
            self._parts = []
            if not self._transport.is_closing():
                self._transport.write(b"".join(parts))
