"""A small service for the tests: one resource with a field of every type, kept in memory."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import httpx
import msgspec

from groundplan_chassis.access import Access, Caller
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.fields import Timestamp, number
from groundplan_chassis.health import Health
from groundplan_chassis.http.app import App, create_app
from groundplan_chassis.http.errors import NotFound, PreconditionFailed, Unauthorized
from groundplan_chassis.http.operations import Call, Operation, ResourceApi, Sort
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.redaction import Redaction
from groundplan_chassis.observe.requests import RequestLog
from groundplan_chassis.service import Service

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)


class Status(StrEnum):
    PLACED = "placed"
    PAID = "paid"


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: Annotated[Status, msgspec.Meta(description="How far the order is")]
    total: Annotated[Decimal, msgspec.Meta(extra={"scale": 2, "minimum": 0, "maximum": 1_000_000})]
    customer_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    weight: Annotated[Decimal, number(scale=3)] | None = None
    big: int | None = None
    gift: bool | None = None
    due: date | None = None
    placed_at: Timestamp | None = None
    article: UUID | None = None
    channel: Literal["web", "shop"] | None = None
    extras: dict[str, Any] | None = None


class Order(msgspec.Struct, frozen=True):
    id: UUID
    status: Annotated[Status, msgspec.Meta(description="How far the order is")]
    total: Annotated[Decimal, msgspec.Meta(extra={"scale": 2, "minimum": 0, "maximum": 1_000_000})]
    customer_id: Annotated[str, msgspec.Meta(max_length=64)]
    created_at: Timestamp
    updated_at: Timestamp
    version: int
    note: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    weight: Annotated[Decimal, number(scale=3)] | None = None
    big: int | None = None
    gift: bool | None = None
    due: date | None = None
    placed_at: Timestamp | None = None
    article: UUID | None = None
    channel: Literal["web", "shop"] | None = None
    extras: dict[str, Any] | None = None


ORDERS = ResourceApi(
    name="order",
    path="/api/v1/orders",
    body=OrderBody,
    item=Order,
    owner="customer_id",
    description="What a customer wants to buy",
)


def document(order: Order) -> Document:
    return Document(order.id, order.version, order.customer_id, order.updated_at, msgspec.json.encode(order))


class Orders:
    """Rows in memory, and handlers over them."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Order] = {}
        self.calls: list[Call] = []
        self._ids = itertools.count(1)

    def add(self, **values: Any) -> Order:
        number_ = next(self._ids)
        given: dict[str, Any] = {
            "id": UUID(int=(7 << 76) + (2 << 62) + number_),
            "status": Status.PLACED,
            "total": Decimal("12.50"),
            "customer_id": "anna",
            "created_at": NOW.replace(minute=number_ % 60, hour=number_ // 60 % 24),
            "updated_at": NOW,
            "version": 1,
        }
        order = Order(**(given | values))
        self.rows[order.id] = order
        return order

    async def list(self, call: Call) -> Page:
        self.calls.append(call)
        query = call.query
        found = [
            row
            for row in self.rows.values()
            if all(getattr(row, name) == value for name, value in query.filters.items())
            and (query.owner is None or row.customer_id == query.owner)
        ]
        for sort in reversed(query.sort):
            found.sort(key=lambda row, by=sort: _sortable(getattr(row, by.field)), reverse=sort.descending)  # type: ignore[misc]
        total = len(found)
        if query.after is not None:
            at = [index for index, row in enumerate(found) if position(row, query.sort) == query.after]
            found = found[at[0] + 1 :] if at else []
        part = found[query.offset : query.offset + query.limit]
        more = len(found) > query.offset + len(part)
        return Page(
            [document(row) for row in part],
            total if query.after is None else None,
            next_after=position(part[-1], query.sort) if more and part else None,
        )

    async def get(self, call: Call) -> Document | None:
        self.calls.append(call)
        row = self.rows.get(call.id)
        return None if row is None else document(row)

    async def create(self, call: Call) -> Document:
        self.calls.append(call)
        return document(self.add(**msgspec.structs.asdict(call.body)))

    async def update(self, call: Call) -> Document:
        self.calls.append(call)
        row = self._row(call)
        given = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not None}
        changed = msgspec.structs.replace(row, version=row.version + 1, **given)
        self.rows[row.id] = changed
        return document(changed)

    async def delete(self, call: Call) -> None:
        self.calls.append(call)
        del self.rows[self._row(call).id]

    def _row(self, call: Call) -> Order:
        row = self.rows.get(call.id)
        if row is None:
            raise NotFound
        call.require_own(row.customer_id)
        if call.if_match is not None and call.if_match != row.version:
            raise PreconditionFailed
        return row


def position(row: Order, sort: tuple[Sort, ...]) -> tuple[object, ...]:
    return tuple(getattr(row, each.field) for each in sort)


def _sortable(value: Any) -> Any:
    return (value is None, "" if value is None else value)


@dataclass
class Verdict:
    allowed: bool = True
    limit: int = 100
    window_seconds: int = 60
    remaining: int = 99
    reset_seconds: int = 1
    retry_after: int = 0


class Limiter:
    """Answers what the test says, and remembers who asked."""

    def __init__(self) -> None:
        self.verdict = Verdict()
        self.keys: list[str] = []

    async def take(self, key: str) -> Verdict:
        self.keys.append(key)
        return self.verdict


class Tokens:
    """Tokens are the caller's name; those that begin with `new-` aren't remembered."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.verified: list[str] = []

    def remembered(self, token: str) -> Caller | None:
        return None if token.startswith("new-") else self.callers.get(token)

    async def verify(self, token: str) -> Caller:
        self.verified.append(token)
        if token not in self.callers:
            raise Unauthorized("The token is not valid")
        return self.callers[token]


class Addresses:
    def of(self, viewer: bytes | None, forwarded: bytes | None, peer: str | None) -> str:
        return (viewer or forwarded or (peer or "").encode()).decode("latin-1")


@dataclass
class Settings:
    system: str = "shop"


@dataclass
class Stage:
    """The service, its surroundings, and a client."""

    orders: Orders = field(default_factory=Orders)
    limiter: Limiter = field(default_factory=Limiter)
    tokens: Tokens = field(default_factory=Tokens)
    health: Health = field(default_factory=Health)
    lines: list[bytes] = field(default_factory=list)
    cached: dict[UUID, Document] = field(default_factory=dict)
    role: str = "api"
    cache: Any = None
    operations: Sequence[Operation] = ()
    metrics: Metrics = field(init=False)
    app: App = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        both = frozenset({"shop/read", "shop/write"})
        for name, roles in {"anna": {"customer"}, "ben": {"customer"}, "eve": set[str](), "ada": {"admin"}}.items():
            self.tokens.callers[name] = Caller(name, frozenset(roles), both, "web", 2_000_000_000)
        self.tokens.callers["new-anna"] = self.tokens.callers["anna"]
        self.tokens.callers["reader"] = Caller(
            "ada", frozenset({"admin"}), frozenset({"shop/read"}), "web", 2_000_000_000
        )
        self.tokens.callers["scopeless"] = Caller("ada", frozenset({"admin"}), frozenset(), "web", 2_000_000_000)
        metrics = self.metrics = Metrics("shop/services", "order", self.lines.append)
        self.app = create_app(
            self.service(),
            self.role,
            cast(
                Any,
                Surroundings(
                    Settings(),
                    metrics,
                    RequestLog("order", self.role, metrics, Redaction(), self.lines.append),
                    self.health,
                    self.tokens,
                    self.limiter,
                    Addresses(),
                    self.cache,
                ),
            ),
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://shop", headers={"authorization": "Bearer ada"}
        )

    def service(self) -> Service:
        orders = self.orders
        return Service(
            name="order",
            package="order_service",
            title="Orders",
            description="Orders from basket to delivery",
            operations=self.operations
            or [
                Operation(kind="list", resource=ORDERS, handler=orders.list, access=Access.of("customer:own", "admin")),
                Operation(
                    kind="get",
                    resource=ORDERS,
                    handler=orders.get,
                    access=Access.of("customer:own", "admin"),
                    lookup=self.look_up,
                ),
                Operation(
                    kind="create", resource=ORDERS, handler=orders.create, access=Access.of("customer:own", "admin")
                ),
                Operation(
                    kind="update", resource=ORDERS, handler=orders.update, access=Access.of("customer:own", "admin")
                ),
                Operation(kind="delete", resource=ORDERS, handler=orders.delete, access=Access.of("admin")),
                Operation(
                    kind="list",
                    resource=replace(ORDERS, name="offer", path="/api/v1/offers"),
                    handler=orders.list,
                    access=Access.of("anyone"),
                ),
            ],
        )

    def look_up(self, _context: object, item_id: UUID) -> Awaitable[Document | None]:
        async def look() -> Document | None:
            return self.cached.get(item_id)

        return look()


@dataclass
class Surroundings:
    """As much of a context as the API looks at."""

    settings: Settings
    metrics: Metrics
    requests: RequestLog
    health: Health
    tokens: Tokens
    limiter: Limiter
    client_address: Addresses
    cache: Any


def as_(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}
