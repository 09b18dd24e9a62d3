"""The floors that services are measured against: bare ASGI handlers with one round trip.

No routing, token, role, rate limit, validation or log line. The cache's client is the chassis' own, so that the ratio
tells what the chassis costs and not which client was chosen; the database's is asyncpg's pool by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Reader(Protocol):
    def get(self, key: str) -> Awaitable[bytes | None]: ...


class Rows(Protocol):
    async def fetchrow(self, query: str, *arguments: object) -> Any | None: ...  # noqa: ANN401  a driver's record


def cached(reader: Reader, key: str) -> App:
    """An ASGI application that answers every request with the bytes at ``key``; 404 without them."""

    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _answer(send, await reader.get(key))

    return application


def indexed(rows: Rows, statement: str, identifier: object, body: bytes) -> App:
    """An ASGI application that reads one row for every request, and answers ``body``; 404 without a row."""

    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _answer(send, body if await rows.fetchrow(statement, identifier) is not None else None)

    return application


async def _answer(send: Send, body: bytes | None) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 404 if body is None else 200,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body or b"")).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body or b""})
