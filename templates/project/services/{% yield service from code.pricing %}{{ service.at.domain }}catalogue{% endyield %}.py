"""The port to the catalogue of what is sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol


class Catalogue(Protocol):
    async def price(self, article: str, currency: str) -> Decimal | None:
        """What one of it costs; None: it is not sold in this currency."""
        ...
