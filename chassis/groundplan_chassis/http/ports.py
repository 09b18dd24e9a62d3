"""The API's ports: tokens, rate limit, the client's address."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from groundplan_chassis.access import Caller


class Verdict(Protocol):
    """Of the rate limit (S7), on one request."""

    @property
    def allowed(self) -> bool: ...

    @property
    def limit(self) -> int:
        """Requests that a full bucket holds."""

    @property
    def window_seconds(self) -> int:
        """Within which so many are allowed."""

    @property
    def remaining(self) -> int:
        """Requests that are left in it."""

    @property
    def reset_seconds(self) -> int:
        """Until there is more in it."""

    @property
    def retry_after(self) -> int:
        """Seconds until a request will be allowed."""


class Limiter(Protocol):
    def take(self, key: str) -> Awaitable[Verdict]:
        """Asks when called, not when awaited: what else is asked in the same tick leaves together with it."""


class Tokens(Protocol):
    def remembered(self, token: str) -> Caller | None:
        """Who a token that was verified before speaks for, while it is good; None: verify it."""

    async def verify(self, token: str) -> Caller:
        """Raises Unauthorized."""


class ClientAddresses(Protocol):
    def of(self, viewer: bytes | None, forwarded: bytes | None, peer: str | None) -> str:
        """The client's address, by the headers `x-viewer-ip` and `x-forwarded-for` where they can be trusted."""
