"""SQL identifiers: quoted where PostgreSQL reserves the word, shortened where they are too long."""

from __future__ import annotations

import hashlib

_LONGEST = 63
"""PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1)."""

# PostgreSQL documentation, appendix "SQL Key Words": reserved in PostgreSQL, also those that may be a function or type.
_RESERVED_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
    foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading
    left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing
    primary references returning right select session_user similar some symmetric system_user table tablesample then to
    trailing true union unique user using variadic verbose when where window with
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def quoted(identifier: str) -> str:
    """The identifier as it must be written: in quotes when it is a reserved word."""
    return f'"{identifier}"' if identifier in _RESERVED else identifier


def joined(*parts: str) -> str:
    """A name for an index or a constraint. Too long a one keeps its start and ends in a digest of the whole."""
    name = "_".join(parts)
    if len(name) <= _LONGEST:
        return quoted(name)
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - 9]}_{digest}"
