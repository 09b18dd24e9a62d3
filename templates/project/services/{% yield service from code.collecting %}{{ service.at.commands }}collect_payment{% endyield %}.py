"""Collects the money for a placed order, gives it back for a cancelled one, and records the outcome."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.events.event import Event
from groundplan_chassis.identifiers import derived_id

from payment_service.adapters import payments as table
from payment_service.adapters.local_acquirer import LocalAcquirer
from payment_service.domain.acquirer import Acquirer
from payment_service.domain.payment import AUTHORITY, Payment, PaymentFields, PaymentStatus
from payment_service.domain.settlement import Step, when_cancelled, when_placed

# The only place that chooses the acquirer: use your adapter here.
ACQUIRER: Acquirer = LocalAcquirer(limit=Decimal(10_000))


class OrderEvent(Struct, frozen=True):
    """The fields of an order's events that are used."""

    customer_id: str
    total: Decimal
    currency: str


class Bill(Struct, frozen=True):
    """What an order's events say of its payment."""

    payment_id: UUID
    """The same in each event of the order, and in each delivery: it is also the acquirer's idempotency key."""
    fields: PaymentFields
    actor: str
    correlation_id: str


def bill_of(event: Event, shard: int) -> Bill:
    order = event.payload_as(OrderEvent)
    fields = PaymentFields(
        order_id=event.aggregate_id,
        customer_id=order.customer_id,
        amount=order.total,
        currency=order.currency,
        status=PaymentStatus.PENDING,
    )
    payment_id = derived_id(event.aggregate_id, "payment", shard)
    return Bill(payment_id, fields, event.actor or "", event.correlation_id or "")


async def collect_payment(transaction: Transaction, bill: Bill) -> None:
    before = await _payment(transaction, bill)
    match when_placed(before.status if before else None):
        case Step.COLLECT:
            collected = await ACQUIRER.collect(bill.payment_id, bill.fields.amount, bill.fields.currency)
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
    fields = replace(bill.fields, status=status)
    payment = await table.insert(transaction, bill.payment_id, fields)
    await table.record(transaction, None, payment, actor=bill.actor, correlation_id=bill.correlation_id)
