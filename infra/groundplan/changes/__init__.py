"""What a deployment does to what is deployed: for each resource, what changes, when, and what becomes of its data.

Two programs of one stack are compared by `classify`, the engine's own preview by `classify_preview`; both say the same
of the same change.
"""

from groundplan.changes.classification import classify, classify_preview
from groundplan.changes.model import ChangeSet, Interruption, Order, Part, ResourceChange, subjects
from groundplan.changes.recorded import recorded, recorded_after, window_passed
from groundplan.changes.sentence import changes_report, summary

__all__ = [
    "ChangeSet",
    "Interruption",
    "Order",
    "Part",
    "ResourceChange",
    "changes_report",
    "classify",
    "classify_preview",
    "recorded",
    "recorded_after",
    "subjects",
    "summary",
    "window_passed",
]
