"""The tables that a service's revisions make, read from their SQL, without a server.

It knows the statements that make, alter and drop tables, columns, constraints and indexes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundplan.following.catalogue import Catalogue, Column, Index, Table, table_of
from groundplan.following.revisions import VERSIONS, in_order, waiting
from groundplan.following.statements import mentions
from groundplan.migrations.judging import sql_of
from groundplan.migrations.statements import Statement, pieces, statements_of


@dataclass(frozen=True, slots=True)
class Made:
    """In the words of `one_line`."""

    tables: Catalogue
    unclear: frozenset[str]
    """Tables that a statement has met that is not known here: nothing is said of them."""


def tables_of(project: Path, services: Sequence[str]) -> dict[str, Made]:
    """By service what its revisions make in the end, with those that wait; without services whose SQL can't be told.

    Raises ProblemsFound for revisions that Python can't read, and for a history with more than one end.
    """
    files = {service: _files(project / "services" / service) for service in services}
    files = {service: paths for service, paths in files.items() if paths}
    if not files:
        return {}
    sent = sql_of(project, files)
    found: dict[str, Made] = {}
    for service, paths in files.items():
        written = [sent[str(path)] for path in paths]
        if all(isinstance(each, list) for each in written):
            found[service] = made(statement for each in written for statement in statements_of(each))
    return found


def _files(folder: Path) -> list[Path]:
    return [*(folder / VERSIONS / revision.name for revision in in_order(folder)), *waiting(folder)]


def made(statements: Iterable[Statement]) -> Made:
    """What a database holds after the statements."""
    database = _Database()
    for statement in statements:
        database.run(one_line(statement.sql))
    return Made(database.tables, frozenset(database.unclear))


def one_line(sql: str) -> str:
    """Without comments, with blanks where `data_model` has them, and in lower case but for what is in quotes."""
    parts = [""]
    for piece in pieces(sql.rstrip("; \n")):
        if piece.isspace() or piece.startswith(("--", "/*")):
            if parts[-1] not in ("", " ", "("):
                parts.append(" ")
        elif piece in ",)" and parts[-1] == " ":
            parts[-1] = piece
        else:
            parts.append(piece if piece[0] in "'\"$eE" and len(piece) > 1 else piece.lower())
        if piece == ",":
            parts.append(" ")
    return "".join(parts).strip()


_NAME = r'(?:public\.)?(?P<{}>"[^"]+"|\w+)'
_TABLE, _NEW, _OLD = (_NAME.format(each) for each in ("table", "new", "old"))
_IF = r"(?:if (?:not )?exists )?"
_CREATE_TABLE = re.compile(rf"create table {_IF}{_TABLE} ?\((?P<body>.*)\)$")
_CREATE_INDEX = re.compile(
    rf"create (?P<unique>unique )?index (?:concurrently )?{_IF}{_NEW} on (?:only )?{_TABLE} ?"
    r"(?:using btree )?(?P<covers>\(.*)$"
)
_ALTER_TABLE = re.compile(rf"alter table {_IF}(?:only )?{_TABLE} (?P<actions>.*)$")
_ALTER_INDEX = re.compile(rf"alter index {_IF}{_OLD} rename to {_NEW}$")
_DROP = re.compile(rf"drop (?P<kind>table|index) (?:concurrently )?{_IF}(?P<names>[^()]+?)(?: cascade| restrict)?$")
_DEFINES = re.compile(r"\b(?:create|alter|drop|rename)\b")
_HARMLESS = re.compile(
    r"(?:create (?:or replace )?(?:function|procedure|trigger|view|role|extension)"
    r"|drop (?:function|procedure|trigger|view)|comment |grant |revoke |set |reset "
    r"|select |insert |update |delete |analyze |analyse |vacuum |lock |with )"
)
_OTHER_ACTIONS = re.compile(
    r"(?:validate constraint|owner to|enable|disable|replica identity|set \(|reset \(|cluster on"
    r"|alter (?:column )?\S+ set (?:statistics|storage|compression|\())"
)
_SYNONYMS = {
    "timestamp with time zone": "timestamptz",
    "character varying": "varchar",
    "int8": "bigint",
    "int4": "integer",
    "bool": "boolean",
    "decimal": "numeric",
}


@dataclass(slots=True)
class _Database:
    tables: dict[str, Table] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    """Tables that a statement has met that is not known here."""

    def run(self, sql: str) -> None:
        if found := _CREATE_TABLE.match(sql):
            name = found["table"]
            try:
                self.tables.setdefault(name, _laid_out(name, found["body"]))
            except ValueError:
                self.tables[name] = Table(sql)
                self.unclear.add(name)
        elif found := _CREATE_INDEX.match(sql):
            if found["table"] in self.tables:
                index = Index(bool(found["unique"]), found["covers"])
                self.tables[found["table"]].indexes[found["new"]] = index
        elif found := _ALTER_TABLE.match(sql):
            for action in _parts(found["actions"]):
                self._alter(found["table"], action)
        elif found := _ALTER_INDEX.match(sql):
            for table in self.tables.values():
                if found["old"] in table.indexes:
                    table.indexes[found["new"]] = table.indexes.pop(found["old"])
        elif found := _DROP.match(sql):
            for name in (each.strip().removeprefix("public.") for each in found["names"].split(",")):
                self._drop(found["kind"], name)
        elif not _HARMLESS.match(sql) and _DEFINES.search(sql.lower()):
            # In a block of code as well, where it may stand in a text.
            plain = sql.lower().replace("'", " ")
            self.unclear |= {name for name in self.tables if mentions(plain, name)}

    def _drop(self, kind: str, name: str) -> None:
        if kind == "table":
            self.tables.pop(name, None)
            self.unclear.discard(name)
            return
        for table in self.tables.values():
            table.indexes.pop(name, None)

    def _rename(self, older: str, newer: str) -> None:
        self.tables = {newer if each == older else each: table for each, table in self.tables.items()}
        if older in self.unclear:
            self.unclear.add(newer)
        for table in self.tables.values():
            for each, text in table.constraints.items():
                table.constraints[each] = text.replace(f"references {older} (", f"references {newer} (")

    def _alter(self, name: str, action: str) -> None:
        """One action on a table; on one that it does not know, nothing."""
        if name not in self.tables:
            # Alembic's own, a view, or made out of sight.
            return
        if found := re.match(rf"rename to {_NEW}$", action):
            self._rename(name, found["new"])
            return
        for pattern, change in _ACTIONS.items():
            if found := pattern.match(action):
                try:
                    change(self.tables[name], name, found)
                except (ValueError, KeyError):
                    self.unclear.add(name)
                return
        if not _OTHER_ACTIONS.match(action):
            self.unclear.add(name)


def _parts(text: str) -> list[str]:
    """What commas outside of brackets and quotes separate. Raises ValueError for a bracket that nothing opens."""
    parts, depth = [""], 0
    for piece in pieces(text):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            raise ValueError(text)
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def _laid_out(name: str, body: str) -> Table:
    """Raises ValueError for a table that is not written as the template or Alembic does."""
    columns, constraints = [], {}
    for part in _parts(body):
        if found := re.match(r"constraint (\S+) (?!primary key)(.*)$", part):
            constraints[found[1]] = found[2]
        elif not re.match(r"(?:constraint \S+ )?primary key ?\(", part):
            columns.append(_typed(part))
    table = _lower(name, columns)
    table.constraints.update(constraints)
    return table


def _lower(name: str, columns: Sequence[str]) -> Table:
    table = table_of(name, columns)
    for each, text in table.constraints.items():
        table.constraints[each] = re.sub("^(UNIQUE|FOREIGN KEY)|REFERENCES", lambda found: found[0].lower(), text)
    return table


def _typed(column: str) -> str:
    """A column's definition in PostgreSQL's own short names, in the order of `data_model`."""
    for other, known in _SYNONYMS.items():
        column = re.sub(rf"^(\S+) {other}\b", rf"\1 {known}", column)
    return re.sub(r"( default (?:'[^']*'|\S+)) not null", r" not null\1", column)


def _constraint(text: str) -> str:
    return text.removesuffix(" not valid")


def _add_column(table: Table, name: str, found: re.Match[str]) -> None:
    added = _lower(name, [_typed(found["definition"])])
    for column, definition in added.columns.items():
        table.columns.setdefault(column, definition)
    table.constraints.update(added.constraints)


def _drop_column(table: Table, name: str, found: re.Match[str]) -> None:
    del name
    column = found["old"]
    table.columns.pop(column, None)
    for each in [each for each, text in table.constraints.items() if mentions(text, column)]:
        del table.constraints[each]
    for each in [each for each, index in table.indexes.items() if mentions(index.covers, column)]:
        del table.indexes[each]


def _rename_column(table: Table, name: str, found: re.Match[str]) -> None:
    del name
    older, newer = found["old"], found["new"]
    renamed = {newer if each == older else each: column for each, column in table.columns.items()}
    table.columns.clear()
    table.columns.update(renamed)
    word = re.compile(rf'(?<![\w"]){re.escape(older)}(?![\w"])')
    for each, text in table.constraints.items():
        table.constraints[each] = word.sub(newer, text)
    for each, index in table.indexes.items():
        table.indexes[each] = Index(index.unique, word.sub(newer, index.covers))


def _add_constraint(table: Table, name: str, found: re.Match[str]) -> None:
    del name
    if using := re.match(r"unique using index (\S+)$", found["definition"]):
        index = table.indexes.pop(using[1])
        table.constraints[found["new"]] = f"unique {index.covers}"
    elif not found["definition"].startswith("primary key"):
        table.constraints[found["new"]] = _constraint(found["definition"])


def _drop_constraint(table: Table, name: str, found: re.Match[str]) -> None:
    del name
    table.constraints.pop(found["old"], None)


def _rename_constraint(table: Table, name: str, found: re.Match[str]) -> None:
    del name
    if found["old"] in table.constraints:
        table.constraints[found["new"]] = table.constraints.pop(found["old"])


def _alter_column(table: Table, name: str, found: re.Match[str]) -> None:
    before, change = table.columns[found["old"]], found["change"]
    if change in ("set not null", "drop not null"):
        after = Column(before.type, change == "set not null", before.default)
    elif change == "drop default":
        after = Column(before.type, before.not_null)
    elif change.startswith("set default "):
        after = Column(before.type, before.not_null, change.removeprefix("set default "))
    else:
        kind = re.sub(r"^(?:set data )?type (.*?)(?: using .*)?$", r"\1", change)
        (typed,) = _lower(name, [_typed(f"x {kind}")]).columns.values()
        after = Column(typed.type, before.not_null, before.default)
    table.columns[found["old"]] = after


_ACTIONS: Mapping[re.Pattern[str], Callable[[Table, str, re.Match[str]], None]] = {
    re.compile(rf"rename constraint {_OLD} to {_NEW}$"): _rename_constraint,
    re.compile(rf"rename (?:column )?{_OLD} to {_NEW}$"): _rename_column,
    re.compile(rf"add constraint {_NEW} (?P<definition>.*)$"): _add_constraint,
    re.compile(
        rf"add (?:column )?{_IF}(?P<definition>(?!constraint|primary|unique|check|foreign|exclude).*)$"
    ): _add_column,
    re.compile(rf"drop constraint {_IF}{_OLD}(?: cascade| restrict)?$"): _drop_constraint,
    re.compile(rf"drop (?:column )?{_IF}{_OLD}(?: cascade| restrict)?$"): _drop_column,
    re.compile(
        rf"alter (?:column )?{_OLD} "
        r"(?P<change>(?:set|drop) not null|drop default|set default .*|(?:set data )?type .*)$"
    ): _alter_column,
}
