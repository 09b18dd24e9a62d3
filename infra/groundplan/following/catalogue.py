"""A service's tables, read from the DDL that ARCHITECTURE.md shows and migrations are held to.

What the declaration gets that changes this DDL changes migrations without a line here: statements have one form, that
of `groundplan.document.data_model`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from groundplan.declaration.model import Service
from groundplan.document.data_model import ddl_of


@dataclass(frozen=True, slots=True)
class Column:
    type: str
    not_null: bool = False
    default: str | None = None

    @property
    def definition(self) -> str:
        default = "" if self.default is None else f" DEFAULT {self.default}"
        return f"{self.type}{' NOT NULL' if self.not_null else ''}{default}"


@dataclass(frozen=True, slots=True)
class Index:
    unique: bool
    covers: str
    """What follows the table's name: columns, and which rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """Names are written as in SQL, reserved words in quotes."""

    create: str
    """The statements that make it, but for foreign keys that wait for a later table."""
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, str] = field(default_factory=dict)
    """Definitions by name, as after `ADD CONSTRAINT <name>`; the primary key is not among them."""
    late: dict[str, str] = field(default_factory=dict)
    """Those of them that `create` leaves out."""
    indexes: dict[str, Index] = field(default_factory=dict)


Catalogue = Mapping[str, Table]
"""Tables by name, each after those that it refers to."""

_STATEMENT = re.compile(r";[ \t]*(?:\n|$)")
_TABLE = re.compile(r"CREATE TABLE (\S+) \(\n(.*)\n\)$", re.DOTALL)
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (\S+) ON (\S+) (.*)$", re.DOTALL)
_LATE = re.compile(r"ALTER TABLE (\S+)\s+ADD CONSTRAINT (\S+) (.*)$", re.DOTALL)
_CONSTRAINT = re.compile(r"CONSTRAINT (\S+) (CHECK .*)$", re.DOTALL | re.IGNORECASE)
_COLUMN = re.compile(
    r"(?P<name>\S+) (?P<type>.+?)"
    r"(?P<primary> PRIMARY KEY)?(?P<not_null> NOT NULL)?"
    r"(?: DEFAULT (?P<default>'[^']*'|\S+))?"
    r"(?:(?: CONSTRAINT (?P<unique_name>\S+))? (?P<unique>UNIQUE))?"
    r"(?:(?: CONSTRAINT (?P<key_name>\S+))? REFERENCES (?P<target>\S+) \(id\))?$",
    re.IGNORECASE,
)


def catalogue_of(name: str, service: Service) -> Catalogue:
    """What the service's database holds once all migrations have run."""
    text = "\n".join(line for line in ddl_of(name, service).splitlines() if not line.startswith("--"))
    tables: dict[str, Table] = {}
    for statement in map(str.strip, _STATEMENT.split(text)):
        if not statement:
            continue
        if found := _TABLE.match(statement):
            parts = [line.strip().removesuffix(",") for line in found[2].split("\n")]
            tables[found[1]] = table_of(found[1], parts, statement)
        elif found := _INDEX.match(statement):
            table = tables[found[3]]
            table.indexes[found[2]] = Index(bool(found[1]), " ".join(found[4].split()))
        else:
            found = _LATE.match(statement)
            assert found, f"a statement of another form: {statement}"
            table = tables[found[1]]
            table.constraints[found[2]] = table.late[found[2]] = " ".join(found[3].split())
    return tables


def table_of(name: str, parts: Sequence[str], statement: str = "") -> Table:
    """A table from what stands between its brackets. Raises ValueError for a column of another form."""
    table = Table(statement)
    for part in parts:
        if found := _CONSTRAINT.match(part):
            table.constraints[found[1]] = found[2]
        elif part.upper().startswith("PRIMARY KEY"):
            continue
        else:
            column = _COLUMN.match(part)
            if column is None:
                raise ValueError(f"a column of another form: {part}")
            bare, of = column["name"].strip('"'), name.strip('"')
            not_null = bool(column["not_null"] or column["primary"])
            table.columns[column["name"]] = Column(column["type"], not_null, column["default"])
            if column["unique"]:
                table.constraints[column["unique_name"] or f"{of}_{bare}_key"] = f"UNIQUE ({column['name']})"
            if column["target"]:
                key = f"FOREIGN KEY ({column['name']}) REFERENCES {column['target']} (id)"
                table.constraints[column["key_name"] or f"{of}_{bare}_fkey"] = key
    return table
