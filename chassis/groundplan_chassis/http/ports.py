"""The API's ports: tokens, rate limit, the client's address."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from groundplan_chassis.access import Caller


class Verdict(Protocol):
    """The rate limit's verdict on one request (S7)."""

    @property
    def allowed(self) -> bool: ...

    @property
    def limit(self) -> int:
        """Requests that a full bucket holds."""

    @property
    def window_seconds(self) -> int:
        """The window in which this number of requests is allowed."""

    @property
    def remaining(self) -> int:
        """Requests that are left in it."""

    @property
    def reset_seconds(self) -> int:
        """Seconds until the bucket holds more."""

    @property
    def retry_after(self) -> int:
        """Seconds until a request will be allowed."""


class Limiter(Protocol):
    def take(self, key: str) -> Awaitable[Verdict]:
        """Sends the command when it is called, not when it is awaited, together with other commands of the same
        tick."""


class Tokens(Protocol):
    def remembered(self, token: str) -> Caller | None:
        """The caller of a token that was verified before and is still valid; None: verify it."""

    async def verify(self, token: str) -> Caller:
        """Raises Unauthorized."""


class ClientAddresses(Protocol):
    def of(self, viewer: bytes | None, forwarded: bytes | None, peer: str | None) -> str:
        """The client's address, from the headers `x-viewer-ip` and `x-forwarded-for` where they can be trusted."""
