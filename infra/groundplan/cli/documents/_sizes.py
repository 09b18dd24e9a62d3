"""Sizes as JSON: of a plan, of a comparison, and of a service that comes, goes or changes."""

from __future__ import annotations

from typing import Literal

from groundplan.capacity.comparison import Change, Comparison
from groundplan.capacity.model import Plan, Tier
from groundplan.cli.documents._document import Document, Part
from groundplan.problems import Problem


class DocumentChange(Part):
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
