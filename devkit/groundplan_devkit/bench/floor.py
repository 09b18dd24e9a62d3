"""The floor that services are measured against: a bare ASGI handler that does one cache round trip.

No routing, token, role, rate limit, validation or log line; the cache's client is the chassis' own, so that
the ratio tells what the chassis costs and not which client was chosen. Run by uvicorn exactly as a service is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Reader(Protocol):
    def get(self, key: str) -> Awaitable[bytes | None]: ...


def floor(reader: Reader, key: str) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """An ASGI application that answers every request with the bytes at ``key``; 404 without them."""

    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await reader.get(key)
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

    return application
