"""What ties the values of a declaration together, one subject a file."""

from __future__ import annotations

from infra.problems import Finding
from infra.system.checks.events import check_events
from infra.system.model import System


def check(system: System) -> list[Finding]:
    """Everything that is wrong between values that are each right; empty for a sound system."""
    return [*check_events(system)]
