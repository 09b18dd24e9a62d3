"""The sample's orders and their money over every interleaving (h10): cancellations, deliveries, deadlines, lost tries.

Exhaustive: from a placed order on, every state that the two services and the acquirer can come to.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class World(NamedTuple):
    order: str
    payment: str | None
    held: bool
    """The acquirer has the money."""
    waiting: frozenset[str]
    """Events that have not been handled: any of them may come next."""
    refuses: bool
    """What the acquirer says of this payment, every time."""


class Sample:
    """What the generated payment service does, by its own pure functions."""

    def __init__(self, package: Path, patch: pytest.MonkeyPatch) -> None:
        patch.syspath_prepend(str(package))
        self.rules: Any = importlib.import_module("payment_service.domain.settlement")
        self.status: Any = importlib.import_module("payment_service.domain.payment").PaymentStatus

    def after(self, world: World) -> Iterator[World]:
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
                done = self.handled(world, event)
                # The try may be lost after what the acquirer did: the event then comes again.
                yield world._replace(held=done.held)
                yield done._replace(waiting=rest | (done.waiting - world.waiting))

    def handled(self, world: World, event: str) -> World:
        decide = self.rules.when_placed if event == "order.placed" else self.rules.when_cancelled
        step = decide(None if world.payment is None else self.status(world.payment)).name
        match step:
            case "COLLECT" if world.refuses:
                return world._replace(payment="refused", waiting=world.waiting | {"payment.refused"})
            case "COLLECT":
                return world._replace(payment="settled", held=True, waiting=world.waiting | {"payment.settled"})
            case "REFUND":
                return world._replace(payment="refunded", held=False)
            case "CANCEL":
                return world._replace(payment="cancelled", held=False)
            case "GIVE_BACK":
                return world._replace(held=False)
        assert step == "NOTHING"
        return world


def test_no_money_stays_for_a_cancelled_order_and_none_is_missing_for_a_paid_one(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = Sample(shop / "services" / "payment", monkeypatch)
    seen: set[World] = set()
    waiting = [World("placed", None, False, frozenset({"order.placed"}), refuses) for refuses in (True, False)]
    while waiting:
        world = waiting.pop()
        if world not in seen:
            seen.add(world)
            waiting += sample.after(world)
    ends = [world for world in seen if not world.waiting]
    assert len(seen) > 20
    assert {world.order for world in ends} == {"paid", "cancelled"}
    for world in ends:
        assert world.held is (world.order == "paid"), world
        assert (world.payment == "settled") is world.held, world
