"""What ties the values of a declaration together, one subject a file."""

from __future__ import annotations

from infra.problems import Finding
from infra.system.checks.access import check_access
from infra.system.checks.edge import check_edge
from infra.system.checks.events import check_events
from infra.system.checks.fields import check_fields
from infra.system.checks.names import check_names
from infra.system.checks.references import check_references
from infra.system.checks.requirements import check_requirements
from infra.system.checks.tables import check_tables
from infra.system.model import System


def check(system: System) -> list[Finding]:
    """Everything that is wrong between values that are each right; empty for a sound system."""
    return [
        *check_names(system),
        *check_requirements(system),
        *check_access(system),
        *check_edge(system),
        *check_events(system),
        *check_tables(system),
        *check_fields(system),
        *check_references(system),
    ]
