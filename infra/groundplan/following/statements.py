"""Statements of PostgreSQL that migrations are made of. Names come as they are written: reserved words in quotes."""

# Nothing in them is a user's input: names and literals come from a declaration that was checked.
# ruff: noqa: S608

from __future__ import annotations

import re

from groundplan.following.catalogue import Column, Index

BATCH = 2_000
"""Rows that one transaction of a backfill goes through, and locks until it ends where it changes them: a few tenths of
a second, of the two for which requests wait for a row (`groundplan_chassis.database.limits.LOCK_SECONDS`)."""
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


def bare(name: str) -> str:
    return name.strip('"')


def mentions(definition: str, column: str) -> bool:
    """Whether the column is named, outside of texts."""
    outside = re.sub(r"'(?:[^']|'')*'", "''", definition)
    # What a foreign key refers to is another table's.
    outside = outside.partition(" REFERENCES ")[0]
    return re.search(rf'(?<![\w"]){re.escape(column)}(?![\w"])', outside) is not None


def key_columns(index: Index) -> str:
    return index.covers.partition(" WHERE ")[0]


def rename_part(kind: str, table: str, before: str, after: str) -> str:
    if kind == "INDEX":
        return f"ALTER INDEX {before} RENAME TO {after}"
    return f"ALTER TABLE {table} RENAME CONSTRAINT {before} TO {after}"


def create_index(name: str, table: str, index: Index, *, concurrently: bool = False) -> str:
    unique, online = "UNIQUE " if index.unique else "", "CONCURRENTLY " if concurrently else ""
    return f"CREATE {unique}INDEX {online}{name}\nON {table} {index.covers}"


def nullable(table: str, column: str) -> str:
    return f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"


def not_null(table: str, column: str) -> str:
    return f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"


def set_default(column: Column) -> str:
    return "DROP DEFAULT" if column.default is None else f"SET DEFAULT {column.default}"


def widens(before: str, after: str) -> bool:
    """Whether every value that the older type holds is the same in the newer one."""
    if after == "text":
        return before.startswith("varchar")
    older, newer = (re.match(r"(varchar|numeric)\((\d+)(?:, (\d+))?\)", each) for each in (before, after))
    if not older or not newer or older[1] != newer[1]:
        return False
    return int(newer[3] if older[1] == "numeric" else newer[2]) >= int(older[3] if older[1] == "numeric" else older[2])


def unfit(column: str, kind: str) -> str:
    """The rows that the type can't hold as they are; PostgreSQL would round numbers without a word."""
    if found := re.match(r"varchar\((\d+)\)", kind):
        return f"char_length({column}) > {found[1]}"
    if found := re.match(r"numeric\(\d+, (\d+)\)", kind):
        return f"{column} <> round({column}, {found[1]})"
    return "false"


def stop_at(table: str, condition: str, what: str) -> str:
    """Ends the migration with the count of such rows, if there are any."""
    return _stop_if(f"{table} WHERE {condition}", f"rows of {bare(table)} {what} first")


def stop_at_twins(table: str, column: str, living: str) -> str:
    where = f"{column} IS NOT NULL" + (f" AND {living}" if living else "")
    twins = f"(SELECT {column} FROM {table} WHERE {where} GROUP BY {column} HAVING count(*) > 1) AS twins"
    return _stop_if(twins, f"values of {bare(column)} are in several rows of {bare(table)}: mend them first")


def _stop_if(rows: str, what: str) -> str:
    said = what.replace("'", "''")
    return (
        "DO $$\nDECLARE\nfound bigint;\nBEGIN\n"
        f"SELECT count(*) INTO found FROM {rows};\n"
        f"IF found > 0 THEN\nRAISE EXCEPTION USING MESSAGE = found || ' {said}';\n"
        "END IF;\nEND\n$$"
    )


def dangles(table: str, column: str, target: str) -> str:
    """The rows whose reference leads nowhere."""
    exists = f"EXISTS (SELECT 1 FROM {target} AS other WHERE other.id = {table}.{column})"
    return f"{column} IS NOT NULL AND NOT {exists}"


def copy(table: str, column: str, source: str) -> str:
    return f"UPDATE {table} SET {column} = {source}"


def backfill(table: str, change: str, condition: str, key: str = "id") -> str:
    """In transactions of their own, each of which is short; what is done stays done.

    By the primary key, so that each row is looked at once, however many there are.
    """
    following = f"SELECT {key} FROM {table} WHERE {key} > done ORDER BY {key} LIMIT {BATCH}"
    return (
        f"DO $$\nDECLARE\ndone uuid := '{_BEFORE_ALL}';\nlast uuid;\nBEGIN\nLOOP\n"
        f"SELECT {key} INTO last FROM ({following}) AS batch ORDER BY {key} DESC LIMIT 1;\n"
        "EXIT WHEN last IS NULL;\n"
        f"UPDATE {table} SET {change} WHERE {key} > done AND {key} <= last AND ({condition});\n"
        "COMMIT;\ndone := last;\nEND LOOP;\nEND\n$$"
    )


def synchronised(table: str, name: str, older: str, sync: str) -> tuple[str, str]:
    """A function and its trigger: whichever of two names a release writes, the other has the value too."""
    function = (
        f"CREATE FUNCTION {sync}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n"
        "IF TG_OP = 'INSERT' THEN\n"
        f"IF NEW.{name} IS NULL THEN NEW.{name} := NEW.{older}; ELSE NEW.{older} := NEW.{name}; END IF;\n"
        f"ELSIF NEW.{name} IS DISTINCT FROM OLD.{name} THEN\nNEW.{older} := NEW.{name};\n"
        f"ELSIF NEW.{older} IS DISTINCT FROM OLD.{older} THEN\nNEW.{name} := NEW.{older};\n"
        "END IF;\nRETURN NEW;\nEND\n$$"
    )
    trigger = f"CREATE TRIGGER {sync} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {sync}()"
    return function, trigger
