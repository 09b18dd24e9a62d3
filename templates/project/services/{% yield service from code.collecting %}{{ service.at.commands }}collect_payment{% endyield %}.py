"""Collects the money for a placed order, gives it back for a cancelled one, and records the outcome."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from groundplan_chassis.database.transaction import Transaction

from payment_service.adapters import payments as table
from payment_service.adapters.local_acquirer import LocalAcquirer
from payment_service.domain.acquirer import Acquirer
from payment_service.domain.payment import AUTHORITY, Payment, PaymentFields, PaymentStatus
from payment_service.domain.settlement import Step, when_cancelled, when_placed

# The only place that chooses the acquirer: use your adapter here.
ACQUIRER: Acquirer = LocalAcquirer(limit=Decimal(10_000))


class Bill(Struct, frozen=True, kw_only=True):
    """What an order's events say of its payment."""

    payment_id: UUID
    """The same in each event of the order, and in each delivery: it is also the acquirer's idempotency key."""
    order_id: UUID
    customer_id: str
    amount: Decimal
    currency: str
    actor: str
    correlation_id: str


async def collect_payment(transaction: Transaction, bill: Bill) -> None:
    before = await _payment(transaction, bill)
    match when_placed(before.status if before else None):
        case Step.COLLECT:
            collected = await ACQUIRER.collect(bill.payment_id, bill.amount, bill.currency)
            await _insert(transaction, bill, PaymentStatus.SETTLED if collected else PaymentStatus.REFUSED)
        case Step.GIVE_BACK:
            await ACQUIRER.refund(bill.payment_id)


async def cancel_payment(transaction: Transaction, bill: Bill) -> None:
    before = await _payment(transaction, bill)
    match when_cancelled(before.status if before else None):
        case Step.CANCEL:
            await ACQUIRER.refund(bill.payment_id)
            await _insert(transaction, bill, PaymentStatus.CANCELLED)
        case Step.REFUND:
            assert before is not None
            await ACQUIRER.refund(bill.payment_id)
            refunded = AUTHORITY.kept(before, status=PaymentStatus.REFUNDED)
            after = await table.update(transaction, bill.payment_id, refunded)
            await table.record(transaction, before, after, actor=bill.actor, correlation_id=bill.correlation_id)


async def _payment(transaction: Transaction, bill: Bill) -> Payment | None:
    """The order's payment. Another event of the order waits until this one is handled, also while there is none."""
    await transaction.serialise(bill.payment_id)
    return await table.lock(transaction, bill.payment_id)


async def _insert(transaction: Transaction, bill: Bill, status: PaymentStatus) -> None:
    fields = PaymentFields(
        order_id=bill.order_id,
        customer_id=bill.customer_id,
        amount=bill.amount,
        currency=bill.currency,
        status=status,
    )
    payment = await table.insert(transaction, bill.payment_id, fields)
    await table.record(transaction, None, payment, actor=bill.actor, correlation_id=bill.correlation_id)
