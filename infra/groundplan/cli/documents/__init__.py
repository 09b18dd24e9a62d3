"""What commands print with `--json`. `docs/commands.md` shows the shapes; a changed meaning gets a new number.

A document's fields are those of the plan's own classes, so that nothing is said twice. Fields may be added within a
number: readers skip what they don't know.
"""

from __future__ import annotations

from groundplan.cli.documents._check import (
    CheckDocument,
    ControlEvidence,
    ControlFinding,
    ControlVerdict,
    StackVerdicts,
)
from groundplan.cli.documents._code import ContractsDocument, FollowDocument
from groundplan.cli.documents._cost import (
    CostDocument,
    CostLine,
    CostSaving,
    GrownCost,
    NotBilled,
    StackCost,
    UnpricedType,
)
from groundplan.cli.documents._document import Document, print_document
from groundplan.cli.documents._problems import ProblemsDocument
from groundplan.cli.documents._quotas import QuotasDocument, QuotaUse, SharedQuotaUse
from groundplan.cli.documents._sizes import ComparisonDocument, DocumentChange, PlanDocument, ServiceDocument

DOCUMENTS: tuple[type[Document], ...] = (
    PlanDocument,
    ComparisonDocument,
    CostDocument,
    QuotasDocument,
    CheckDocument,
    ServiceDocument,
    FollowDocument,
    ContractsDocument,
    ProblemsDocument,
)

__all__ = [
    "DOCUMENTS",
    "CheckDocument",
    "ComparisonDocument",
    "ContractsDocument",
    "ControlEvidence",
    "ControlFinding",
    "ControlVerdict",
    "CostDocument",
    "CostLine",
    "CostSaving",
    "Document",
    "DocumentChange",
    "FollowDocument",
    "GrownCost",
    "NotBilled",
    "PlanDocument",
    "ProblemsDocument",
    "QuotaUse",
    "QuotasDocument",
    "ServiceDocument",
    "SharedQuotaUse",
    "StackCost",
    "StackVerdicts",
    "UnpricedType",
    "print_document",
]
