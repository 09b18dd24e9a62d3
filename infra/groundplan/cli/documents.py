"""What commands print with `--json`. `docs/commands.md` shows the shapes; a changed meaning gets a new number.

A document's fields are those of the plan's own classes, so that nothing is said twice. Fields may be added within a
number: readers skip what they don't know.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from groundplan.capacity.comparison import Change, Comparison
from groundplan.capacity.model import Plan, Tier
from groundplan.following.changes import Change as DeclaredChange
from groundplan.following.contracts import ContractChange
from groundplan.installation.bootstrap import Refused
from groundplan.problems import Problem, ProblemsFound


class Document(BaseModel):
    """``format`` names the document and its number."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemsDocument(Document):
    """Printed in place of a command's own document when it refuses (status 1) or does not take its arguments (2)."""

    format: Literal["groundplan.problems/1"] = "groundplan.problems/1"
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, found: ProblemsFound | Refused) -> ProblemsDocument:
        if isinstance(found, ProblemsFound):
            return cls(problems=found.problems)
        return cls(problems=(Problem(found.where, "", found.value, found.expected, found.remedy),))


class DocumentChange(Document):
    """What a command changed in a file: the headings of the parts that differ."""

    path: str
    changed: tuple[str, ...]


class PlanDocument(Document):
    """`groundplan plan --json`."""

    format: Literal["groundplan.plan/1"] = "groundplan.plan/1"
    system: str
    stacks: dict[str, Plan]
    """By name, from cheap to safe."""
    left_out: tuple[Problem, ...]
    """Why stacks that can't be deployed yet are not among them."""
    document: DocumentChange


class ComparisonDocument(Document):
    """`groundplan compare --json`; also what `groundplan service … --json` says of sizes."""

    format: Literal["groundplan.compare/1"] = "groundplan.compare/1"
    stack: str
    changes: tuple[Change, ...]
    effort: str
    """The most that any of the changes takes."""
    bottleneck_before: Tier
    bottleneck_after: Tier
    declare: tuple[Problem, ...]
    """What the declaration must say before this can be deployed."""
    refused: tuple[Problem, ...]
    """Why the whole change can't be planned; the sizes are then those of the largest part of it that can."""

    @classmethod
    def of(cls, comparison: Comparison) -> ComparisonDocument:
        before, after = comparison.bottlenecks
        return cls(
            stack=comparison.after.environment,
            changes=comparison.changes,
            effort=comparison.effort,
            bottleneck_before=before,
            bottleneck_after=after,
            declare=comparison.declare,
            refused=tuple(comparison.refusal.problems.problems) if comparison.refusal else (),
        )


class ServiceDocument(Document):
    """`groundplan service add|remove|resize --json`."""

    format: Literal["groundplan.service/1"] = "groundplan.service/1"
    action: Literal["add", "remove", "resize"]
    service: str
    applied: bool
    """False with `--dry-run`: then nothing in the project has changed."""
    changed: tuple[str, ...]
    """Files that differ."""
    conflicted: tuple[str, ...]
    """Those of them in which edits and the change meet; the exit status is then 2."""
    diff: str
    """As `git diff` shows it; only with `--dry-run`."""
    comparison: ComparisonDocument | None
    """None as long as there are conflicts."""


class QuotaUse(BaseModel):
    """One quota, and what a stack uses of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class SharedQuotaUse(BaseModel):
    """One quota that several stacks of an account use, and what they use of it together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class FollowDocument(Document):
    """`groundplan follow --json`."""

    format: Literal["groundplan.follow/1"] = "groundplan.follow/1"
    applied: bool
    """False with `--dry-run`: then nothing in the project has changed."""
    changes: tuple[DeclaredChange, ...]
    """What the declaration has otherwise than the code, each with what it takes and whose programs it breaks."""
    changed: tuple[str, ...]
    """Files that differ."""
    conflicted: tuple[str, ...]
    """Those of them in which edits and the change meet; the exit status is then 2."""
    kept_away: tuple[str, ...]
    """Files that the owner deleted, and that a change would have been in."""
    migrations: tuple[str, ...]
    waiting: tuple[str, ...]
    """Migrations that wait for the second release."""
    diff: str
    """As `git diff` shows it; only with `--dry-run`."""


class ContractsDocument(Document):
    """`groundplan contracts --json`."""

    format: Literal["groundplan.contracts/1"] = "groundplan.contracts/1"
    against: str
    """The commit that is compared with."""
    changes: tuple[ContractChange, ...]


DOCUMENTS: tuple[type[Document], ...] = (
    PlanDocument,
    ComparisonDocument,
    ServiceDocument,
    QuotasDocument,
    FollowDocument,
    ContractsDocument,
    ProblemsDocument,
)


def print_document(document: Document) -> None:
    print(document.model_dump_json(indent=2))
