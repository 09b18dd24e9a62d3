"""State and account brought together after a deployment that was killed, or a state that was lost."""

from groundplan.repair.plan import (
    Found,
    Repair,
    State,
    Step,
    pending,
    plan_repair,
    repaired,
    unclear,
)

__all__ = ["Found", "Repair", "State", "Step", "pending", "plan_repair", "repaired", "unclear"]
