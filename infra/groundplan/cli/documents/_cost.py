"""Costs as JSON: every line, and what it was computed from."""

from __future__ import annotations

from typing import Literal

from groundplan.capacity.comparison import Effort
from groundplan.cli.documents._document import Document, Part
from groundplan.pricing.band import Band
from groundplan.pricing.figures import Assumption
from groundplan.pricing.table import Confidence
from groundplan.problems import Problem


class CostLine(Part):
    """One thing that AWS bills of one resource, for a month."""

    tier: str
    resource: str
    type: str
    what: str
    rate: str
    """Its key in the price table."""
    grows: Literal["fixed", "load"]
    """Whether it is there at any load, or follows requests and events."""
    quantity: Band
    """In the rate's unit."""
    services: dict[str, float]
    """Parts by service; their sum is 1."""
    usd: Band | None
    """None: the region has no price for it."""
    confidence: Confidence | None
    usd_elsewhere: Band | None
    """By the reference region's list, where the stack's own has no price; in no total."""


class GrownCost(Part):
    """US dollars a month at so many times the load."""

    total: Band
    by_tier: dict[str, Band]


class UnpricedType(Part):
    """A resource type that AWS bills and the price table has no figure for."""

    type: str
    resources: int
    reason: str


class NotBilled(Part):
    """Resources of one type that AWS doesn't bill."""

    resources: int
    reason: str


class CostSaving(Part):
    """A change that costs less. Amounts are expected US dollars a month."""

    name: str
    change: str
    gives_up: str
    usd: float
    usd_unpriced_here: float
    """Beside it, of what has no price in the region, by the reference region's list."""
    effort: Effort
    total: Band


class StackCost(Part):
    """What a month of one stack costs."""

    region: str
    prices: str
    """The day of the price list."""
    currency: Literal["USD"] = "USD"
    month_hours: int
    requests: Band
    """Of the API, a month."""
    total: Band
    fixed: Band
    by_load: Band
    by_tier: dict[str, Band]
    by_service: dict[str, Band]
    grown: dict[str, GrownCost]
    """By times the load; planned anew for it."""
    lines: tuple[CostLine, ...]
    unpriced_types: tuple[UnpricedType, ...]
    not_billed: dict[str, NotBilled]
    """By type."""
    uncertain_share: float
    """Of the expected cost, how much has no price here or one from memory."""
    usd_per_active_user: float | None
    users_counted: bool
    """Whether the number of active users is known, and so in the total."""
    savings: tuple[CostSaving, ...]


class CostDocument(Document):
    """`groundplan cost --json`."""

    format: Literal["groundplan.cost/1"] = "groundplan.cost/1"
    system: str
    stacks: dict[str, StackCost]
    assumptions: tuple[Assumption, ...]
    """Figures that quantities rest on, beside the plan's."""
    left_out: tuple[Problem, ...]
    """Why stacks that can't be deployed yet are not among them."""
