"""The processes and databases that an edit affects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Concerned:
    restart: frozenset[str]
    """Services whose processes run the code that was edited."""
    migrate: frozenset[str]
    """Services whose database is to be brought up to date first."""
    declaration: bool = False
    """`system.yaml` was edited: the running processes belong to the old one."""


def concerned(project: Path, services: Iterable[str], edited: Iterable[Path]) -> Concerned:
    """Services that must restart: one for its own files, all for the chassis; none for tests and documents."""
    known = frozenset(services)
    restart: set[str] = set()
    migrate: set[str] = set()
    declaration = False
    for path in edited:
        try:
            parts = path.relative_to(project).parts
        except ValueError:
            continue
        if parts == ("system.yaml",):
            declaration = True
        if path.suffix != ".py" or "tests" in parts:
            continue
        if parts[0] == "chassis":
            restart |= known
        elif parts[0] == "services" and len(parts) > 2 and parts[1] in known:
            restart.add(parts[1])
            if "migrations" in parts:
                migrate.add(parts[1])
    return Concerned(frozenset(restart), frozenset(migrate), declaration)
