"""The port to the payment acquirer."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol
from uuid import UUID


class Acquirer(Protocol):
    async def collect(self, key: UUID, amount: Decimal, currency: str) -> bool:
        """Whether the money was collected; False: refused for good.

        Called again with the same ``key`` it gives the same answer and collects nothing more, because an event may be
        delivered more than once. Raises an exception where the answer is not known: the event then comes again.
        """
        ...

    async def refund(self, key: UUID) -> None:
        """Gives back what was collected with the key; does nothing where nothing was, or where it was given back.

        Raises an exception where it is not known whether it did: the event then comes again.
        """
        ...
