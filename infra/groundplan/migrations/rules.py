"""What a migration of a database in use must not do, why, and how the same is done.

Rules with squawk's names are found by squawk 2.70 (https://squawkhq.com/docs/rules); the others by
`groundplan.migrations.statements`. What takes which lock: https://www.postgresql.org/docs/current/explicit-locking.html
and the "Notes" of each command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    why: str
    """What happens to those who use the table meanwhile."""
    remedy: str
    breaks: bool = False
    """Whether it breaks the release before, which runs on while this revision is applied; a revision of the second
    release (`*_end.py`, `*_end_online.py`) may do it."""


_ONLINE: Final = "in `with op.get_context().autocommit_block():`"
_NOT_VALID: Final = (
    f"add it NOT VALID in this revision, and VALIDATE CONSTRAINT {_ONLINE} of the next, which lets writers on"
)
_BATCHES: Final = (
    f"change some thousand rows at a time, each in a transaction of its own: DO … LOOP … COMMIT … END LOOP {_ONLINE}"
)
_SECOND: Final = (
    "let it wait for the second release, in migrations/waiting as a file that ends in `_end.py` "
    "(`make follow FINISH=1` puts it into versions)"
)

RULES: Final[Mapping[str, Rule]] = {
    "require-concurrent-index-creation": Rule(
        "the table takes no writes until the index is built",
        f"DROP INDEX CONCURRENTLY IF EXISTS and CREATE INDEX CONCURRENTLY, {_ONLINE}",
    ),
    "require-concurrent-index-deletion": Rule(
        "waiting for its lock stops all reads and writes of the table",
        f"DROP INDEX CONCURRENTLY IF EXISTS, {_ONLINE}",
    ),
    "require-concurrent-reindex": Rule(
        "the table takes no writes until the index is built", f"REINDEX … CONCURRENTLY, {_ONLINE}"
    ),
    "require-concurrent-partition-detach": Rule(
        "reads and writes of the whole table stop for it", f"DETACH PARTITION … CONCURRENTLY, {_ONLINE}"
    ),
    "ban-concurrent-index-creation-in-transaction": Rule(
        "PostgreSQL refuses it in a transaction", f"put the statement {_ONLINE}"
    ),
    "not-repeatable": Rule(
        "a build that was stopped is run again, and finds the index that is there already",
        "DROP INDEX CONCURRENTLY IF EXISTS before it, or CREATE INDEX CONCURRENTLY IF NOT EXISTS (`migrate` drops what "
        "a stopped build left)",
    ),
    "constraint-missing-not-valid": Rule("the table takes no writes until all rows are checked", _NOT_VALID),
    "disallowed-unique-constraint": Rule(
        "the table takes neither reads nor writes until its index is built",
        f"CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX, {_ONLINE}",
    ),
    "adding-serial-primary-key-field": Rule(
        "the table takes neither reads nor writes until its index is built",
        f"CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … PRIMARY KEY USING INDEX, {_ONLINE}",
    ),
    "adding-not-nullable-field": Rule(
        "the table takes neither reads nor writes until all rows are checked",
        "ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL and DROP CONSTRAINT, "
        f"{_ONLINE}: then SET NOT NULL checks no row",
    ),
    "adding-field-with-default": Rule(
        "the table takes neither reads nor writes until it is written anew",
        f"add the column without it, set the default, and fill the rows in batches {_ONLINE}; a constant default is "
        "no such thing",
    ),
    "changing-column-type": Rule(
        "the table takes neither reads nor writes until it is written anew, unless the newer type only allows more "
        "(a longer varchar, text)",
        "add a column of the newer type, keep both in step by a trigger, fill it in batches, and drop the older one in "
        "the second release; if nothing is written anew, say so in `accepted`",
    ),
    "whole-table-lock": Rule(
        "the table takes neither reads nor writes meanwhile",
        "do without it: delete rows in batches, VACUUM without FULL, REFRESH … CONCURRENTLY",
    ),
    "rows-under-lock": Rule(
        "a statement before it, in the same transaction, has locked a table, which stays so until all rows are read",
        "put what looks at rows before the first statement that alters a table, or into a revision of its own",
    ),
    "rows-in-one-transaction": Rule(
        "every changed row is locked until the last one is changed, and a stopped run begins anew", _BATCHES
    ),
    "ban-drop-column": Rule("the release before, which still runs, names the column", _SECOND, breaks=True),
    "ban-drop-table": Rule("the release before, which still runs, uses the table", _SECOND, breaks=True),
    "ban-drop-view": Rule("the release before, which still runs, may use the view", _SECOND, breaks=True),
    "ban-drop-schema": Rule("the release before, which still runs, may use what is in it", _SECOND, breaks=True),
    "renaming-column": Rule(
        "the release before, which still runs, knows the column by its older name",
        "declare `renamed_from` and run `make follow`: both names are there until the second release",
        breaks=True,
    ),
    "renaming-table": Rule(
        "the release before, which still runs, knows the table by its older name",
        "leave a view of the older name until the second release, as `renamed_from` and `make follow` do",
        breaks=True,
    ),
    "adding-required-field": Rule(
        "the release before, which still runs, writes rows without it, and rows that are there have none",
        "give it a constant default, or add it without NOT NULL, fill it in batches, and require it in the second "
        "release",
        breaks=True,
    ),
    "syntax-error": Rule("PostgreSQL would refuse it", "mend the statement"),
    "needs-a-server": Rule(
        "a revision that asks a database can't be judged before it runs",
        "say it in SQL, which `alembic upgrade --sql` can print; or judge it yourself, and say so in `accepted`",
    ),
}
"""By the name that a revision accepts a finding by."""

LESS_EXACT: Final[Mapping[str, str]] = {
    "constraint-missing-not-valid": "disallowed-unique-constraint adding-serial-primary-key-field",
}
"""Rules that say less than others of the same statement."""
