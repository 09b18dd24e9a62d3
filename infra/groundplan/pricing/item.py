"""One thing that AWS bills: of which resource, how much of it, and by which rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from groundplan.cloud.model import Resource
from groundplan.pricing.band import Band
from groundplan.pricing.usage import WHOLE, Usage

Grows = Literal["fixed", "load"]
"""Whether the amount is there at any load, or follows requests and events."""

TIERS = (
    "edge",
    "gateway",
    "identity",
    "network",
    "cluster",
    "databases",
    "cache",
    "events",
    "logs and metrics",
    "keys and secrets",
    "backups",
    "images",
)


@dataclass(frozen=True, slots=True)
class Item:
    """``quantity`` counts what the rate's unit counts, singly: requests, GiB, hours."""

    tier: str
    resource: str
    type: str
    what: str
    key: str
    quantity: Band
    grows: Grows = "fixed"
    region: str = ""
    """Of the price; empty: the stack's own."""
    shares: Mapping[str, float] | None = None
    """Parts by service; None: shared by all."""
    low_key: str = ""
    high_key: str = ""
    """Rates of the band's ends, where they are other ones."""

    @property
    def by_service(self) -> Mapping[str, float]:
        return self.shares if self.shares is not None else WHOLE

    @property
    def keys(self) -> tuple[str, str, str]:
        return self.low_key or self.key, self.key, self.high_key or self.key


Billed = Callable[[Resource, Usage], Iterator[Item]]
"""What a resource is billed for."""


def item(
    tier: str,
    resource: Resource,
    what: str,
    key: str,
    quantity: Band | float,
    *,
    grows: Grows = "fixed",
    region: str = "",
    shares: Mapping[str, float] | None = None,
    low_key: str = "",
    high_key: str = "",
) -> Item:
    band = quantity if isinstance(quantity, Band) else Band.exactly(quantity)
    return Item(tier, resource.name, resource.type, what, key, band, grows, region, shares, low_key, high_key)
