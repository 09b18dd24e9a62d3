"""Collects the money for an order, and records the outcome."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from groundplan_chassis.database.transaction import Transaction

from payment_service.adapters import payments as table
from payment_service.domain.acquirer import Acquirer
from payment_service.domain.payment import PaymentBody, PaymentStatus


async def collect_payment(
    transaction: Transaction,
    acquirer: Acquirer,
    payment_id: UUID,
    *,
    order_id: UUID,
    customer_id: str,
    amount: Decimal,
    currency: str,
    actor: str,
    correlation_id: str,
) -> None:
    """``payment_id`` must be the same in each attempt: it is also the acquirer's idempotency key."""
    collected = await acquirer.collect(payment_id, amount, currency)
    body = PaymentBody(
        order_id=order_id,
        customer_id=customer_id,
        amount=amount,
        currency=currency,
        status=PaymentStatus.SETTLED if collected else PaymentStatus.REFUSED,
    )
    payment = await table.insert(transaction, payment_id, body)
    await table.record(transaction, None, payment, actor=actor, correlation_id=correlation_id)
