"""Requests as bytes on a connection, segment by segment, and all that the server answers until it closes it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
"""A body that would be a request, were it taken for one."""
ACCEPTED = [
    # What `curl --http2` says.
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n",
    b"Connection: keep-alive, Upgrade\r\nUpgrade: foo\r\n",
    b"Upgrade: foo/2, h2c\r\nConnection: keep-alive\r\nConnection: UPGRADE\r\n",
    b"Connection: upgrade\r\n",
    b"Upgrade: h2c\r\n",
]
"""Headers that ask for another protocol."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def exchange(port: int, segments: Sequence[bytes], pause: float = 0.005) -> list[Answer]:
    """Each segment reaches the server by itself, as far as that can be arranged."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for segment in segments:
                connection.sendall(segment)
                time.sleep(pause)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                received += part
    return _answers(received)


def _answers(received: bytes) -> list[Answer]:
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status = int(lines[0].split()[1])
        length = int(headers.get("content-length", "0"))
        if status >= 200:
            found.append(Answer(status, headers, received[:length]))
        received = received[length:]
    return found
