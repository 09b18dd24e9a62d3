"""Names in SQL: quoted against injection, and shortened like the schema's own names."""

from __future__ import annotations

import hashlib
from typing import Final

LONGEST: Final = 63
"""Bytes; PostgreSQL cuts longer names silently (NAMEDATALEN - 1)."""


def quoted(name: str) -> str:
    """The name as an identifier. Raises ValueError for one that can't be a name."""
    if not name or "\0" in name or len(name.encode()) > LONGEST:
        raise ValueError(f"{name!r:.100} can't be the name of a table or column: 1 to {LONGEST} bytes, no NUL")
    return '"' + name.replace('"', '""') + '"'


def joined(*parts: str) -> str:
    """Name of an index or constraint, by the rule of `groundplan.document.names`, without quotes.

    Too long a one keeps its start and ends in a digest of the whole.
    """
    name = "_".join(parts)
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
