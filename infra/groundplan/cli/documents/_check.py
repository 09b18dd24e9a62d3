"""Verdicts of controls as JSON, with what else keeps a project from its deployment."""

from __future__ import annotations

from typing import Literal

from groundplan.cli.documents._document import Document, Part
from groundplan.problems import Problem


class ControlFinding(Part):
    """What a control misses, where, and how to mend it."""

    urn: str
    """The stack's where a resource is missing altogether."""
    path: str
    found: str
    expected: str
    remedy: str


class ControlEvidence(Part):
    """A property that shows that a control holds; an empty path stands for the resource itself."""

    urn: str
    path: str


class ControlVerdict(Part):
    """What one control says of a stack's program."""

    id: str
    requirement: str
    title: str
    status: Literal["met", "missing", "not applicable"]
    reason: str
    """Why the control doesn't apply; empty where it does."""
    findings: tuple[ControlFinding, ...]
    evidence: tuple[ControlEvidence, ...]


class StackVerdicts(Part):
    """One stack under every control."""

    refusals: tuple[str, ...]
    """What the cloud would refuse of the program."""
    controls: tuple[ControlVerdict, ...]


class CheckDocument(Document):
    """`groundplan check --json`."""

    format: Literal["groundplan.check/1"] = "groundplan.check/1"
    system: str
    stacks: dict[str, StackVerdicts]
    migrations: tuple[Problem, ...]
    """Those that a database in use does not take."""
    disagreements: tuple[Problem, ...]
    """Where the services' code and documents have it otherwise than `system.yaml`."""
    left_out: tuple[Problem, ...]
    """Why stacks that can't be deployed yet are not among them."""
