"""The state of one request in the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

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


class Request:
    """The known facts of a request, filled in step by step."""

    __slots__ = (
        "address",
        "admission",
        "answered",
        "before",
        "caller",
        "context",
        "endpoint",
        "headers",
        "held",
        "item_id",
        "method",
        "own_only",
        "path",
        "receive",
        "request_id",
        "scope",
        "verdict",
    )

    def __init__(
        self,
        context: Context,
        scope: Scope,
        receive: Receive,
        found: dict[bytes, bytes],
        request_id: str,
        admission: Admission,
    ) -> None:
        self.context = context
        self.admission = admission
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.receive = receive
        self.headers = found
        self.request_id = request_id
        self.endpoint: Endpoint | None = None
        self.item_id: UUID | None = None
        self.caller: Caller = ANONYMOUS
        self.own_only = False
        self.verdict: Verdict | None = None
        self.address = ""
        """The client's."""
        self.answered: tuple[UUID, ...] = ()
        """The items that were read or written; for operations that are audited."""
        self.before: Token[str | None] | None = None
        """The correlation id around the request's, once logs have that."""
        self.held = 0
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
        return UNKNOWN_ROUTE if self.endpoint is None else f"{self.endpoint.method} {self.endpoint.route}"
