"""What changed of services' code and contracts, as JSON."""

from __future__ import annotations

from typing import Literal

from groundplan.cli.documents._document import Document
from groundplan.following.changes import Change as DeclaredChange
from groundplan.following.contracts import ContractChange


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
