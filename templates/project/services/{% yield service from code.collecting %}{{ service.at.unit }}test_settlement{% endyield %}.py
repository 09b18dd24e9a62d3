"""Orders and their money over every interleaving: of cancellations, deliveries, deadlines and tries that are lost.

Exhaustive: from a placed order on, every state that the two services and the acquirer can come to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from payment_service.domain.payment import PaymentStatus
from payment_service.domain.settlement import Step, when_cancelled, when_placed


class World(NamedTuple):
    order: str
    payment: PaymentStatus | None
    held: bool
    """The acquirer has the money."""
    waiting: frozenset[str]
    """Events that have not been handled: any of them may come next."""
    refuses: bool
    """What the acquirer says of this payment, every time."""


def after(world: World) -> Iterator[World]:
    """Everything that can happen next. An event that is delivered twice is handled once: the inbox sees to that."""
    # By the customer, by the support, or because no payment came in time.
    if world.order in ("placed", "paid"):
        yield world._replace(order="cancelled", waiting=world.waiting | {"order.cancelled"})
    for event in world.waiting:
        rest = world.waiting - {event}
        if event == "payment.settled":
            yield world._replace(order="paid" if world.order == "placed" else world.order, waiting=rest)
        elif event == "payment.refused":
            ends = world.order == "placed"
            told = rest | {"order.cancelled"} if ends else rest
            yield world._replace(order="cancelled" if ends else world.order, waiting=told)
        else:
            step = when_placed(world.payment) if event == "order.placed" else when_cancelled(world.payment)
            done = acted(world, step)
            # The try may be lost after what the acquirer did: the event then comes again.
            yield world._replace(held=done.held)
            yield done._replace(waiting=rest | (done.waiting - world.waiting))


def acted(world: World, step: Step) -> World:
    match step:
        case Step.COLLECT if world.refuses:
            return world._replace(payment=PaymentStatus.REFUSED, waiting=world.waiting | {"payment.refused"})
        case Step.COLLECT:
            return world._replace(payment=PaymentStatus.SETTLED, held=True, waiting=world.waiting | {"payment.settled"})
        case Step.REFUND:
            return world._replace(payment=PaymentStatus.REFUNDED, held=False)
        case Step.CANCEL:
            return world._replace(payment=PaymentStatus.CANCELLED, held=False)
        case Step.GIVE_BACK:
            return world._replace(held=False)
        case Step.NOTHING:
            return world


def test_no_money_stays_for_a_cancelled_order_and_none_is_missing_for_a_paid_one() -> None:
    seen: set[World] = set()
    waiting = [World("placed", None, False, frozenset({"order.placed"}), refuses) for refuses in (True, False)]
    ends = []
    while waiting:
        world = waiting.pop()
        if world in seen:
            continue
        seen.add(world)
        waiting += after(world)
        if not world.waiting:
            ends.append(world)
    assert len(seen) > 20
    assert {world.order for world in ends} == {"paid", "cancelled"}
    for world in ends:
        assert world.held is (world.order == "paid"), world
        assert (world.payment is PaymentStatus.SETTLED) is world.held, world
