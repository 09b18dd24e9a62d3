"""A service as the template wrote it before the names of the cache's API changed: it uses `peek`."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

from chassis.tests.http.shop import ORDERS, Order, Orders
from groundplan_chassis.access import Access
from groundplan_chassis.caching import CachedResource
from groundplan_chassis.context import Context
from groundplan_chassis.documents import Document
from groundplan_chassis.http.operations import Call, Operation

order_cache = CachedResource("order", Order, invalidation="expiry", seconds=60)


def peek(context: Context, identifier: UUID) -> Awaitable[Document | None]:
    """Reads the cache only."""
    return order_cache(context).peek(identifier)


def operations(orders: Orders) -> list[Operation]:
    async def get_order(call: Call) -> Document | None:
        return await order_cache(call.context).get(call.id, lambda: orders.get(call))

    return [
        Operation(kind="get", resource=ORDERS, handler=get_order, access=Access.of("admin"), peek=peek),
        Operation(kind="create", resource=ORDERS, handler=orders.create, access=Access.of("admin")),
    ]
