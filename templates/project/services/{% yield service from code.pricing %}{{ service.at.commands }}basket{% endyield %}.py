"""An order's lines while it is open: prices are the catalogue's, and its total is that of its lines."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.http.errors import Conflict, Detail, ValidationFailed
from groundplan_chassis.http.operations import Call

from order_service.adapters import orders as table
from order_service.adapters.local_catalogue import LocalCatalogue
from order_service.domain.catalogue import Catalogue
from order_service.domain.order import AUTHORITY, Order, OrderFields, OrderStatus

# The only place that chooses the catalogue: use your adapter here.
CATALOGUE: Catalogue = LocalCatalogue()


async def open_order(transaction: Transaction, call: Call, order_id: UUID) -> Order:
    """Locks the order until the transaction ends: no other line changes its total meanwhile.

    Raises ValidationFailed unless it is the caller's, and Conflict unless it is open.
    """
    order = await table.lock(transaction, order_id)
    if order is None or order.customer_id != call.caller.subject:
        raise ValidationFailed(details=[Detail("order_id", "Refers to an item that does not exist")])
    if order.status is not OrderStatus.OPEN:
        raise Conflict("The order is no longer open")
    return order


async def price(order: Order, article: str) -> Decimal:
    """Raises ValidationFailed for what is not sold."""
    found = await CATALOGUE.price(article, order.currency)
    if found is None:
        raise ValidationFailed(details=[Detail("article", f"Is not sold in {order.currency}")])
    return found


async def add_to_total(transaction: Transaction, call: Call, order: Order, difference: Decimal) -> None:
    after = await table.update(transaction, order.id, AUTHORITY.kept(order, total=order.total + difference))
    await table.record(transaction, order, after, actor=call.caller.subject, correlation_id=call.request_id)


def require_lines(before: Order, then: OrderFields) -> None:
    """Raises ValidationFailed where an order is placed with nothing in it."""
    if before.status is OrderStatus.OPEN and then.status is OrderStatus.PLACED and not before.total:
        raise ValidationFailed(details=[Detail("status", "An order without lines can't be placed")])
