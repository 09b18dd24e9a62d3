"""The local acquirer keeps its port's contract."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from payment_service.adapters.local_acquirer import LocalAcquirer


async def test_it_refuses_what_is_above_its_limit() -> None:
    acquirer = LocalAcquirer(limit=Decimal(100))
    assert await acquirer.collect(UUID(int=1), Decimal("100.00"), "EUR")
    assert not await acquirer.collect(UUID(int=2), Decimal("100.01"), "EUR")


async def test_the_same_key_has_the_same_answer() -> None:
    acquirer = LocalAcquirer(limit=Decimal(100))
    answers = [await acquirer.collect(UUID(int=1), Decimal(99), "EUR") for _ in range(3)]
    assert answers == [True, True, True]
