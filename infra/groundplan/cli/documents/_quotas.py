"""Quotas of an account as JSON, with what stacks use of them."""

from __future__ import annotations

from typing import Literal

from groundplan.cli.documents._document import Document, Part
from groundplan.problems import Problem


class QuotaUse(Part):
    """One quota, and what a stack uses of it."""

    key: str
    """Its name in a stack's `quotas`."""
    name: str
    """As AWS calls it."""
    service_code: str
    quota_code: str | None
    """None: AWS Support raises it, or no one does."""
    per: str
    unit: str
    adjustable: bool
    default: float
    """AWS's, in the stack's region."""
    limit: float
    """The account's, as configured or by default."""
    now: float
    grown: float
    ask_for: int | None
    """What to have it raised to; None where nothing is to do, or no one raises it."""
    remedy: str
    source: str


class SharedQuotaUse(Part):
    """One quota that several stacks of an account use, and what they use of it together."""

    stacks: tuple[str, ...]
    region: str
    """Empty where the quota is the whole account's, and the stacks lie in several regions."""
    use: QuotaUse


class QuotasDocument(Document):
    """`groundplan quotas --json`."""

    format: Literal["groundplan.quotas/1"] = "groundplan.quotas/1"
    system: str
    stacks: dict[str, tuple[QuotaUse, ...]]
    together: tuple[SharedQuotaUse, ...] = ()
    """Of stacks that name the same `account`, or none; empty where each has its own."""
    left_out: tuple[Problem, ...]
