"""How fast an error budget burns, and from when on to alert (T4).

Multiwindow, multi-burn-rate alerting after Google's SRE workbook, chapter 5, "Alerting on SLOs"
(https://sre.google/workbook/alerting-on-slos/): the long window shows that the burn is significant, the short one that
it continues.
"""

from dataclasses import dataclass
from enum import Enum

BUDGET_HOURS = 720
"""Error budgets span thirty days."""
_HOUR = 3600


class Urgency(Enum):
    PAGE = "page"
    """The on-call engineer looks now."""
    TICKET = "ticket"
    """An engineer looks on the next working day."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn rate that spends ``budget_share`` of the budget within the long window."""

    name: str
    budget_share: float
    long_seconds: int
    short_seconds: int
    urgency: Urgency

    @property
    def factor(self) -> float:
        """The burn rate: at a factor of one the budget lasts exactly thirty days."""
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
    """Burn rates that are possible: at a target of 90 %, a factor of 14.4 would need more failures than requests."""
    return tuple(burn for burn in BURNS if burn.threshold(target_percent) < 1)
