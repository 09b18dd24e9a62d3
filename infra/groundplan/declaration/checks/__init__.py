"""What ties the values of a declaration together, one subject a file."""

from __future__ import annotations

from groundplan.declaration.checks.access import check_access
from groundplan.declaration.checks.authority import check_authority
from groundplan.declaration.checks.edge import check_edge
from groundplan.declaration.checks.erasure import check_erasure
from groundplan.declaration.checks.events import check_events
from groundplan.declaration.checks.fields import check_fields
from groundplan.declaration.checks.names import check_names
from groundplan.declaration.checks.references import check_references
from groundplan.declaration.checks.renames import check_renames
from groundplan.declaration.checks.requirements import check_requirements
from groundplan.declaration.checks.retention import check_retention
from groundplan.declaration.checks.tables import check_tables
from groundplan.declaration.checks.versions import check_versions
from groundplan.declaration.model import System
from groundplan.problems import Finding


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
        *check_authority(system),
        *check_erasure(system),
        *check_retention(system),
        *check_references(system),
        *check_renames(system),
        *check_versions(system),
    ]
