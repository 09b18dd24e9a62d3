"""What a payment does when an order is placed, and when it is cancelled: in either order, and however often it is told."""

from __future__ import annotations

from enum import StrEnum

from payment_service.domain.payment import PaymentStatus


class Step(StrEnum):
    COLLECT = "collect"
    """Ask the acquirer for the money, and record its answer."""
    GIVE_BACK = "give back"
    """Collected by a try whose record was lost, for an order that was cancelled since."""
    REFUND = "refund"
    """Give the money back, and record that."""
    CANCEL = "cancel"
    """As `GIVE_BACK`; and record that nothing is to be collected any more."""
    NOTHING = "nothing"


def when_placed(status: PaymentStatus | None) -> Step:
    """``status``: of the order's payment; None: there is none."""
    if status is None:
        return Step.COLLECT
    return Step.GIVE_BACK if status is PaymentStatus.CANCELLED else Step.NOTHING


def when_cancelled(status: PaymentStatus | None) -> Step:
    if status is None:
        return Step.CANCEL
    return Step.REFUND if status is PaymentStatus.SETTLED else Step.NOTHING
