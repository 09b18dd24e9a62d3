"""A stand-in for an acquirer, for local use and tests."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID


class LocalAcquirer:
    """Collects amounts up to its limit. The same request always has the same answer, so it keeps no state."""

    def __init__(self, limit: Decimal) -> None:
        """``limit``: the largest amount, in any currency."""
        self._limit = limit

    async def collect(self, key: UUID, amount: Decimal, currency: str) -> bool:  # noqa: ARG002 - the port's signature
        return amount <= self._limit

    async def refund(self, key: UUID) -> None:
        """There is no money to give back."""
