"""State and account brought together after a deployment that was killed, or a state that was lost."""

from groundplan.repair.plan import (
    Action,
    Found,
    Repair,
    State,
    Step,
    pending,
    plan_repair,
    repaired,
    unclear,
)
from groundplan.repair.unanswered import unanswered

__all__ = ["Action", "Found", "Repair", "State", "Step", "pending", "plan_repair", "repaired", "unanswered", "unclear"]
