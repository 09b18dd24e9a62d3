"""The state of one request in the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from groundplan_chassis.access import ANONYMOUS, Caller
from groundplan_chassis.http.admission import Admission
from groundplan_chassis.http.ports import Verdict
from groundplan_chassis.http.routing import Endpoint
from groundplan_chassis.observe import correlation

if TYPE_CHECKING:
    from groundplan_chassis.context import Context

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

UNKNOWN_ROUTE: Final = "unknown"
"""The route in logs of an unknown path, which may contain anything."""


class Request(msgspec.Struct, eq=False):
    """The known facts of a request, filled in step by step."""

    context: Context
    scope: Scope
    receive: Receive
    headers: dict[bytes, bytes]
    """The ones that are read."""
    request_id: str
    admission: Admission
    method: str
    path: str
    endpoint: Endpoint | None = None
    item_id: UUID | None = None
    caller: Caller = ANONYMOUS
    own_only: bool = False
    verdict: Verdict | None = None
    address: str = ""
    """The client's."""
    answered: tuple[UUID, ...] = ()
    """The items that were read or written; for operations that are audited."""
    before: Token[str | None] | None = None
    """The correlation id around the request's, once logs have that."""
    held: int = 0
    """Bytes in memory that this request is counted with."""

    def correlate(self) -> None:
        """From here on logs have the request's id. Not from the start: what the cache answers logs nothing else."""
        if self.before is None:
            self.before = correlation.begin(self.request_id)

    async def hold(self, count: int) -> None:
        """Counts bytes until the response is sent; waits until there is room. Raises Unavailable."""
        await self.admission.bytes.take(count)
        self.held += count

    def hold_now(self, count: int) -> None:
        """As `hold`, without a wait."""
        self.admission.bytes.take_now(count)
        self.held += count

    def release(self) -> None:
        self.admission.bytes.give(self.held)
        self.held = 0

    @property
    def route(self) -> str:
        """The path's pattern, which has no ids in it."""
        return UNKNOWN_ROUTE if self.endpoint is None else self.endpoint.route

    @property
    def operation(self) -> str:
        """For logs: `GET /api/v1/orders/{id}`."""
        return UNKNOWN_ROUTE if self.endpoint is None else self.endpoint.name
