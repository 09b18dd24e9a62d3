"""How fast an error budget burns, and when that is worth telling somebody (T4).

Multiwindow, multi-burn-rate alerting after Google's SRE workbook, chapter 5, "Alerting on SLOs"
(https://sre.google/workbook/alerting-on-slos/): a long window says that it matters, a short one that it still goes on.
"""

from dataclasses import dataclass
from enum import Enum

BUDGET_HOURS = 720
"""The budget is that of thirty days."""
_HOUR = 3600


class Urgency(Enum):
    PAGE = "page"
    """Somebody looks now."""
    TICKET = "ticket"
    """Somebody looks on the next working day."""


@dataclass(frozen=True, slots=True)
class Burn:
    """``budget_share`` of the whole budget spent within the long window."""

    name: str
    budget_share: float
    long_seconds: int
    short_seconds: int
    urgency: Urgency

    @property
    def factor(self) -> float:
        """How many times too fast: at a factor of one the budget lasts exactly its thirty days."""
        return self.budget_share * BUDGET_HOURS * _HOUR / self.long_seconds

    def threshold(self, target_percent: float) -> float:
        """The share of failed requests at which the budget burns that fast."""
        return self.factor * error_budget(target_percent)


BURNS = (
    Burn("1h", 0.02, _HOUR, 5 * 60, Urgency.PAGE),
    Burn("6h", 0.05, 6 * _HOUR, 30 * 60, Urgency.PAGE),
    Burn("1d", 0.10, 24 * _HOUR, 2 * _HOUR, Urgency.TICKET),
    Burn("3d", 0.10, 72 * _HOUR, 6 * _HOUR, Urgency.TICKET),
)
"""The workbook's table 5-8 (14.4, 6 and 1 times too fast) and, between them, 3 times for a day."""


def error_budget(target_percent: float) -> float:
    """The share of requests that may fail: 0.001 for 99.9 %."""
    return (100 - target_percent) / 100


def burns_for(target_percent: float) -> tuple[Burn, ...]:
    """Those that can be reached: at 90 %, failing 1.44 times as often as there are requests is not possible."""
    return tuple(burn for burn in BURNS if burn.threshold(target_percent) < 1)
