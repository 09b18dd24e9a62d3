"""From one catalogue to another: statements for four revisions, two of which wait (ADR 14).

The release before runs on while the first two are applied, and writes what it always wrote. So they only ever allow
more; what allows less, and what drops, waits until it runs no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from groundplan.declaration.erased import erased_value
from groundplan.declaration.model import Resource, Service
from groundplan.document.names import joined, quoted
from groundplan.following import statements as sql
from groundplan.following.catalogue import Catalogue, Column, Index, Table, catalogue_of
from groundplan.following.changes import Change
from groundplan.following.fields import Renames
from groundplan.following.services import field_renames, resource_renames, scrubbed, service_differences


@dataclass(frozen=True, slots=True)
class Step:
    """Statements up, and those that take them back; both in the order in which they run."""

    up: tuple[str, ...]
    down: tuple[str, ...] = ()
    accepts: Mapping[str, str] = field(default_factory=dict)
    """Why it does what `groundplan.migrations` refuses, by the rule."""


@dataclass(slots=True)
class Plan:
    """What each revision does."""

    first: list[Step] = field(default_factory=list)
    """In one transaction: tables, columns, constraints that are not checked yet."""
    online: list[Step] = field(default_factory=list)
    """Each statement by itself and repeatable: indexes, backfills, checks of constraints, while the table is in use."""
    last: list[Step] = field(default_factory=list)
    """Waits for the second release."""
    last_online: list[Step] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.first or self.online or self.last or self.last_online)


@dataclass(frozen=True, slots=True)
class _Flags:
    tightens: bool = False
    loosens: bool = False
    fill: bool = False
    """Rows without a value get the default before it is required."""


def plan_of(name: str, before: Service, after: Service, renames: Renames) -> Plan:
    """Statements that bring the database of ``before`` to that of ``after``."""
    changes = list(service_differences(name, before, after, renames))
    writer = _Writer(before, after, catalogue_of(name, before), catalogue_of(name, after), changes)
    return writer.written()


def plan_between(service: Service, old: Catalogue, new: Catalogue) -> Plan:
    """Statements that bring a database with the tables of ``old`` to those of ``new``, both of one declaration.

    Its tables are in ``old`` as far as there are any; others are left alone.
    """
    return _Writer(service, service, old, new, ()).written()


def _widened(before: str, after: str) -> dict[str, str]:
    return {"changing-column-type": f"every {before} is a {after} as it is: no row is written anew"}


def _made(catalogue: Catalogue, names: Sequence[str]) -> tuple[str, ...]:
    """Statements that make these tables: foreign keys among them come last."""
    statements: list[str] = []
    for name in names:
        table = catalogue[name]
        statements += [table.create, *(sql.create_index(each, name, index) for each, index in table.indexes.items())]
    for name in names:
        late = catalogue[name].late.items()
        statements += [f"ALTER TABLE {name} ADD CONSTRAINT {each} {text}" for each, text in late]
    return tuple(statements)


def _forgotten(name: str, resource: Resource) -> Step:
    values = {quoted(field): erased_value(declared) for field, declared in resource.personal().items()}
    change = ", ".join(f"{column} = {value}" for column, value in values.items())
    held = " OR ".join(f"{column} IS DISTINCT FROM {value}" for column, value in values.items())
    return Step((sql.backfill(quoted(resource.table(name)), change, f"deleted_at IS NOT NULL AND ({held})"),))


class _Writer:
    def __init__(
        self, before: Service, after: Service, old: Catalogue, new: Catalogue, changes: Iterable[Change]
    ) -> None:
        self.before, self.after, self.old, self.new = before, after, old, new
        self.plan = Plan()
        self.resources = resource_renames(before, after)
        self.tables = self._table_names()
        self.columns = self._column_names()
        self.flags = self._flags(changes)

    def written(self) -> Plan:
        views = [self._rename(older, newer) for older, newer in self.tables.items() if older != newer]
        self._new_tables()
        for older, newer in self.tables.items():
            self._table(newer, self._under_new_names(older, newer), self.new[newer])
        self._scrub()
        # Made when the columns are there, and gone before any of them goes.
        for older, newer in views:
            self.plan.first.append(
                Step((f"CREATE VIEW {older} AS\nSELECT *\nFROM {newer}",), (f"DROP VIEW IF EXISTS {older}",))
            )
        drops = [
            Step((f"DROP VIEW IF EXISTS {older}",), (f"CREATE VIEW {older} AS\nSELECT *\nFROM {newer}",))
            for older, newer in views
        ]
        self.plan.last[:0] = drops
        self._gone_tables()
        for steps in (self.plan.first, self.plan.last):
            # What counts rows comes before the first lock, which would last as long.
            steps.sort(key=lambda step: not step.up[0].startswith("DO "))
        return self.plan

    # Names

    def _table_names(self) -> dict[str, str]:
        """New names by old ones, of tables that are in both."""
        found = {name: name for name in self.old if name in self.new}
        for name, resource in self.before.resources.items():
            newer = self.resources.get(name, name)
            if newer not in self.after.resources:
                for table in (quoted(resource.table(name)), joined(name, "events"), joined(name, "read_model")):
                    found.pop(table, None)
                continue
            pairs = [(quoted(resource.table(name)), quoted(self.after.resources[newer].table(newer)))]
            pairs += [(joined(name, kind), joined(newer, kind)) for kind in ("events", "read_model")]
            found.update({older: new for older, new in pairs if older in self.old and new in self.new})
        return found

    def _column_names(self) -> dict[str, dict[str, str]]:
        """Old names of columns by new ones, by the table's new name."""
        found: dict[str, dict[str, str]] = {}
        for name, resource in self.before.resources.items():
            newer = self.resources.get(name, name)
            if newer in self.after.resources:
                names = {
                    quoted(new): quoted(older)
                    for older, new in field_renames(resource, self.after.resources[newer]).items()
                }
                for table in (quoted(self.after.resources[newer].table(newer)), joined(newer, "read_model")):
                    found[table] = names
        return found

    def _flags(self, changes: Iterable[Change]) -> dict[tuple[str, str], _Flags]:
        found: dict[tuple[str, str], _Flags] = {}
        for change in changes:
            parts = change.path.split(".")
            if len(parts) < 4 or parts[2] != "fields":
                continue
            resource, name = self.after.resources.get(parts[1]), parts[3]
            if resource is None or name not in resource.fields:
                continue
            declared = resource.fields[name]
            fill = declared.required and declared.default is not None
            for table in (quoted(resource.table(parts[1])), joined(parts[1], "read_model")):
                known = found.get((table, quoted(name)), _Flags())
                found[table, quoted(name)] = _Flags(
                    known.tightens or change.tightens, known.loosens or change.loosens, fill
                )
        return found

    # Tables

    def _rename(self, older: str, newer: str) -> tuple[str, str]:
        up, down = [f"ALTER TABLE {older} RENAME TO {newer}"], [f"ALTER TABLE {newer} RENAME TO {older}"]
        old, new = self.old[older], self.new[newer]
        keys = {f"{sql.bare(older)}_pkey": f"{sql.bare(newer)}_pkey"}
        for kind, before, after in (
            ("CONSTRAINT", old.constraints, new.constraints),
            ("INDEX", old.indexes, new.indexes),
        ):
            for name, definition in before.items():
                same = [each for each, other in after.items() if self._same(definition, other)]
                if same and same[0] != name:
                    up.append(sql.rename_part(kind, newer, name, same[0]))
                    down.insert(0, sql.rename_part(kind, newer, same[0], name))
        for name, other in keys.items():
            up.append(sql.rename_part("CONSTRAINT", newer, name, other))
            down.insert(0, sql.rename_part("CONSTRAINT", newer, other, name))
        accepts = {"renaming-table": "a view has the older name until the second release"}
        self.plan.first.append(Step(tuple(up), tuple(down), accepts))
        return older, newer

    def _same(self, before: object, after: object) -> bool:
        if isinstance(before, Index) and isinstance(after, Index):
            return before.unique == after.unique and before.covers == after.covers
        return self._retargeted(str(before)) == str(after)

    def _retargeted(self, definition: str) -> str:
        """A foreign key's definition with the name that its target has now."""
        found = re.search(r"REFERENCES (\S+) ", definition)
        if found and found[1] in self.tables:
            return definition.replace(f"REFERENCES {found[1]} ", f"REFERENCES {self.tables[found[1]]} ")
        return definition

    def _under_new_names(self, older: str, newer: str) -> Table:
        """The old table as it is once it is renamed: its constraints and indexes have the names that they keep."""
        old, new = self.old[older], self.new[newer]
        constraints: dict[str, str] = {}
        for name, definition in old.constraints.items():
            same = [each for each, other in new.constraints.items() if self._same(definition, other)]
            kept = same[0] if same and older != newer else name
            constraints[kept] = self._retargeted(definition)
        indexes: dict[str, Index] = {}
        for name, index in old.indexes.items():
            same = [each for each, other in new.indexes.items() if index == other]
            indexes[same[0] if same and older != newer else name] = index
        return Table(old.create, dict(old.columns), constraints, {}, indexes)

    def _new_tables(self) -> None:
        made = [name for name in self.new if name not in self.tables.values()]
        if not made:
            return
        self.plan.first.append(Step(_made(self.new, made), (f"DROP TABLE {', '.join(reversed(made))}",)))

    def _gone_tables(self) -> None:
        gone = [name for name in self.old if name not in self.tables]
        if not gone:
            return
        self.plan.last.append(Step((f"DROP TABLE {', '.join(reversed(gone))}",), _made(self.old, gone)))

    # One table

    def _table(self, name: str, old: Table, new: Table) -> None:
        renamed = {column: older for column, older in self.columns.get(name, {}).items() if column in new.columns}
        gone = [column for column in old.columns if column not in new.columns and column not in renamed.values()]
        fresh = [column for column in new.columns if column not in old.columns and column not in renamed]
        for column in fresh:
            self._add_column(name, column, new.columns[column])
        for column in gone:
            self._unread(name, column, old.columns[column])
        for column, older in renamed.items():
            self._rename_column(name, column, older, old.columns[older], new.columns[column])
        for column in new.columns:
            if column in old.columns:
                self._alter_column(name, column, old.columns[column], new.columns[column])
        lost = [*gone, *renamed.values()]
        self._constraints(name, old, new, fresh, lost)
        self._indexes(name, old, new, lost)
        for older in renamed.values():
            self._drop_uniqueness(name, older, old)
        for column in renamed:
            self._require(name, column, new.columns[column], old.columns[renamed[column]], renamed=True)
        for column in new.columns:
            if column in old.columns:
                self._require(name, column, new.columns[column], old.columns[column], renamed=False)
        for column in gone:
            self._drop_column(name, column, old)

    def _add_column(self, table: str, name: str, column: Column) -> None:
        up = f"ALTER TABLE {table} ADD COLUMN {name} {column.definition}"
        self.plan.first.append(Step((up,), (f"ALTER TABLE {table} DROP COLUMN {name}",)))

    def _unread(self, table: str, name: str, column: Column) -> None:
        """The new release writes no such column any more; the one before still does."""
        if name == "deleted_at":
            # It runs before a rename of the table.
            older = next(before for before, after in self.tables.items() if after == table)
            check = sql.stop_at(
                older, "deleted_at IS NOT NULL", "are marked as deleted and would come back: take them away"
            )
            self.plan.first.append(Step((check,)))
        if column.not_null and column.default is None:
            self.plan.first.append(Step((sql.nullable(table, name),), (sql.not_null(table, name),)))

    def _drop_column(self, table: str, name: str, old: Table) -> None:
        column = old.columns[name]
        down = [f"ALTER TABLE {table} ADD COLUMN {name} {Column(column.type, default=column.default).definition}"]
        down += [
            f"ALTER TABLE {table} ADD CONSTRAINT {each} {text}"
            for each, text in old.constraints.items()
            if sql.mentions(text, name)
        ]
        down += [
            sql.create_index(each, table, index)
            for each, index in old.indexes.items()
            if sql.mentions(index.covers, name)
        ]
        step = Step((f"ALTER TABLE {table} DROP COLUMN {name}",), tuple(down))
        if name == "deleted_at":
            step = Step(
                (f"ALTER TABLE {table} DROP COLUMN IF EXISTS {name}",),
                (down[0].replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS"),),
            )
            self.plan.last_online.append(step)
        else:
            self.plan.last.append(step)

    def _rename_column(self, table: str, name: str, older: str, before: Column, after: Column) -> None:
        flags = self.flags.get((table, name), _Flags())
        first_type = before.type if flags.tightens else after.type
        sync = joined(sql.bare(table), sql.bare(name), "renamed")
        function, trigger = sql.synchronised(table, name, older, sync)
        up = [f"ALTER TABLE {table} ADD COLUMN {name} {first_type}"]
        undo = [f"ALTER TABLE {table} DROP COLUMN {name}"]
        if before.default is not None:
            up.append(f"ALTER TABLE {table} ALTER COLUMN {older} DROP DEFAULT")
            undo.insert(0, f"ALTER TABLE {table} ALTER COLUMN {older} SET DEFAULT {before.default}")
        # What the new release may write reaches the old column too, so that must take it.
        kept = before
        if before.not_null and not after.not_null:
            up.append(sql.nullable(table, older))
            undo.insert(0, sql.not_null(table, older))
            kept = replace(kept, not_null=False)
        if flags.loosens and first_type != before.type and sql.widens(before.type, first_type):
            up.append(f"ALTER TABLE {table} ALTER COLUMN {older} TYPE {first_type}")
            undo.insert(0, f"ALTER TABLE {table} ALTER COLUMN {older} TYPE {before.type}")
            kept = replace(kept, type=first_type)
        own = {each: text for each, text in self.old_of(table).constraints.items() if sql.mentions(text, older)}
        loosened = {each: text for each, text in own.items() if flags.loosens and not text.startswith("UNIQUE")}
        for each, text in loosened.items():
            up.append(f"ALTER TABLE {table} DROP CONSTRAINT {each}")
            undo.insert(0, f"ALTER TABLE {table} ADD CONSTRAINT {each} {text}")
        unmade = (f"DROP TRIGGER {sync} ON {table}", f"DROP FUNCTION {sync}()")
        widened = _widened(before.type, first_type) if kept.type != before.type else {}
        self.plan.first.append(Step((*up, function, trigger), (*unmade, *undo), widened))
        self.plan.online.append(Step((sql.backfill(table, f"{name} = {older}", f"{name} IS DISTINCT FROM {older}"),)))
        restored = [f"ALTER TABLE {table} ADD COLUMN {older} {kept.type}", sql.copy(table, older, name)]
        if kept.not_null:
            restored.append(sql.not_null(table, older))
        restored += [
            f"ALTER TABLE {table} ADD CONSTRAINT {each} {text}"
            for each, text in own.items()
            if each not in loosened and not text.startswith("UNIQUE")
        ]
        restored += [
            sql.create_index(each, table, index)
            for each, index in self.old_of(table).indexes.items()
            if sql.mentions(index.covers, older) and not index.unique
        ]
        drop = [*unmade, f"ALTER TABLE {table} DROP COLUMN {older}"]
        restore = [*restored, function, trigger]
        if after.default is not None:
            drop.append(f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {after.default}")
            restore.insert(0, f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT")
        self.plan.last.append(Step(tuple(drop), tuple(restore)))
        if first_type != after.type:
            self._narrow(table, name, Column(first_type), after)

    def _drop_uniqueness(self, table: str, older: str, old: Table) -> None:
        """Of a column's old name: a value that is taken is told by the new name, and both names have it."""
        for name, text in old.constraints.items():
            if text.startswith("UNIQUE") and sql.mentions(text, older):
                up = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
                self.plan.online.append(Step((up,), (up, f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}")))
        for name, index in old.indexes.items():
            if index.unique and sql.mentions(sql.key_columns(index), older):
                up = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
                down = sql.create_index(name, table, index, concurrently=True)
                self.plan.online.append(Step((up,), (up, down)))

    def old_of(self, table: str) -> Table:
        older = next(older for older, newer in self.tables.items() if newer == table)
        return self._under_new_names(older, table)

    def _alter_column(self, table: str, name: str, before: Column, after: Column) -> None:
        if before.type != after.type:
            if sql.widens(before.type, after.type):
                alter = f"ALTER TABLE {table} ALTER COLUMN {name} TYPE"
                self.plan.first.append(
                    Step((f"{alter} {after.type}",), (f"{alter} {before.type}",), _widened(before.type, after.type))
                )
            else:
                self._narrow(table, name, before, after)
        if before.default != after.default:
            alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
            self.plan.first.append(
                Step((f"{alter} {sql.set_default(after)}",), (f"{alter} {sql.set_default(before)}",))
            )
        if before.not_null and not after.not_null:
            self.plan.first.append(Step((sql.nullable(table, name),), (sql.not_null(table, name),)))

    def _narrow(self, table: str, name: str, before: Column, after: Column) -> None:
        alter = f"ALTER TABLE {table} ALTER COLUMN {name} TYPE"
        stop = sql.stop_at(
            table, sql.unfit(name, after.type), f"have a {sql.bare(name)} that {after.type} can't hold: mend them"
        )
        accepts = {
            "changing-column-type": "the table is locked while it is rewritten: try it on a copy, choose a quiet hour"
        }
        self.plan.last.append(Step((stop,)))
        self.plan.last.append(Step((f"{alter} {after.type}",), (f"{alter} {before.type}",), accepts))

    def _require(self, table: str, name: str, after: Column, before: Column, *, renamed: bool) -> None:
        """NOT NULL without a scan under a lock: first as a constraint, which is checked while the table is in use."""
        if not after.not_null or (before.not_null and not renamed):
            return
        flags = self.flags.get((table, name), _Flags())
        steps = self.plan.last_online if flags.tightens or not before.not_null else self.plan.online
        if flags.fill and after.default is not None:
            steps.append(Step((sql.backfill(table, f"{name} = {after.default}", f"{name} IS NULL"),)))
        helper = joined(sql.bare(table), sql.bare(name), "present")
        up = [
            sql.stop_at(table, f"{name} IS NULL", f"have no {sql.bare(name)}: fill them"),
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {helper}",
            f"ALTER TABLE {table} ADD CONSTRAINT {helper} CHECK ({name} IS NOT NULL) NOT VALID",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {helper}",
            sql.not_null(table, name),
            f"ALTER TABLE {table} DROP CONSTRAINT {helper}",
        ]
        steps.append(Step(tuple(up), (sql.nullable(table, name),)))

    def _constraints(self, table: str, old: Table, new: Table, fresh: list[str], lost: list[str]) -> None:
        of_lost = {name for name, text in old.constraints.items() if any(sql.mentions(text, each) for each in lost)}
        for name, text in old.constraints.items():
            if name not in new.constraints and name not in of_lost:
                self._drop_constraint(table, name, text, indexed=name in new.indexes)
        for name, text in new.constraints.items():
            column = next((each for each in new.columns if sql.mentions(text, each)), "")
            known = old.constraints.get(name) if name not in of_lost else None
            if known == text:
                continue
            flags = self.flags.get((table, column), _Flags())
            later = flags.tightens and column not in fresh
            if known is not None and (flags.loosens or not later):
                self._drop_constraint(table, name, known, indexed=False)
            if text.startswith("UNIQUE"):
                self._unique_constraint(table, name, column, replaces=old.indexes.get(name))
                continue
            if not later:
                self._add_constraint(self.plan.first, self.plan.online, table, name, text)
                continue
            if text.startswith("CHECK"):
                what = f"are not as {sql.bare(name)} demands: mend them"
                self.plan.last.append(Step((sql.stop_at(table, f"NOT {text.removeprefix('CHECK ')}", what),)))
            elif found := re.match(r"FOREIGN KEY \((\S+)\) REFERENCES (\S+) \(id\)", text):
                stop = sql.stop_at(table, sql.dangles(table, found[1], found[2]), "refer to nothing: mend them")
                self.plan.last.append(Step((stop,)))
            if known is not None and not flags.loosens:
                drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
                self.plan.last.append(Step((drop,), (f"ALTER TABLE {table} ADD CONSTRAINT {name} {known}",)))
            self._add_constraint(self.plan.last, self.plan.last_online, table, name, text)

    def _drop_constraint(self, table: str, name: str, text: str, *, indexed: bool) -> None:
        up, down = f"ALTER TABLE {table} DROP CONSTRAINT {name}", f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}"
        if indexed:
            # An index of the same name comes in its place: see `_index`.
            return
        self.plan.first.append(Step((up,), (down,)))

    def _add_constraint(self, steps: list[Step], checked: list[Step], table: str, name: str, text: str) -> None:
        up = f"ALTER TABLE {table} ADD CONSTRAINT {name} {text} NOT VALID"
        steps.append(Step((up,), (f"ALTER TABLE {table} DROP CONSTRAINT {name}",)))
        checked.append(Step((f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",)))

    def _unique_constraint(self, table: str, name: str, column: str, *, replaces: Index | None) -> None:
        steps = self.plan.online if replaces is None else self.plan.last_online
        making = joined(sql.bare(name), "making")
        up = [
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
            f"DROP INDEX CONCURRENTLY IF EXISTS {making}",
            sql.stop_at_twins(table, column, ""),
            f"CREATE UNIQUE INDEX CONCURRENTLY {making} ON {table} ({column})",
        ]
        down = [f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"]
        if replaces is not None:
            up.append(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            down.append(sql.create_index(name, table, replaces, concurrently=True))
        up.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {making}")
        steps.append(Step(tuple(up), tuple(down)))

    def _indexes(self, table: str, old: Table, new: Table, lost: list[str]) -> None:
        # Without a mark of deletion, indexes over the living rows become indexes over all, once the mark goes.
        steps = self.plan.last_online if "deleted_at" in lost else self.plan.online
        for name, index in old.indexes.items():
            kept = [each for each in lost if each != "deleted_at"]
            if (
                name in new.indexes
                or name in new.constraints
                or any(sql.mentions(sql.key_columns(index), each) for each in kept)
            ):
                continue
            up = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
            steps.append(Step((up,), (sql.create_index(name, table, index, concurrently=True),)))
        for name, index in new.indexes.items():
            known = old.indexes.get(name)
            if known is not None and any(sql.mentions(sql.key_columns(known), each) for each in lost):
                known = None
            if known == index:
                continue
            self._index(steps, table, name, index, known, constraint=old.constraints.get(name))

    def _index(
        self, steps: list[Step], table: str, name: str, index: Index, known: Index | None, constraint: str | None
    ) -> None:
        up: list[str] = []
        if index.unique:
            column = sql.key_columns(index).strip("()").split(",")[0].strip()
            living = index.covers.partition(" WHERE ")[2]
            up.append(sql.stop_at_twins(table, column, living))
        if known is None and constraint is None:
            up = [
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                *up,
                sql.create_index(name, table, index, concurrently=True),
            ]
            steps.append(Step(tuple(up), (f"DROP INDEX CONCURRENTLY IF EXISTS {name}",)))
            return
        making = joined(sql.bare(name), "making")
        up = [
            f"DROP INDEX CONCURRENTLY IF EXISTS {making}",
            *up,
            sql.create_index(making, table, index, concurrently=True),
        ]
        down = [f"DROP INDEX CONCURRENTLY IF EXISTS {making}"]
        if constraint is not None:
            up.append(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            down = [
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} {constraint}",
            ]
        else:
            assert known is not None
            up.append(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            down += [
                sql.create_index(making, table, known, concurrently=True),
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                f"ALTER INDEX {making} RENAME TO {name}",
            ]
        up.append(f"ALTER INDEX {making} RENAME TO {name}")
        steps.append(Step(tuple(up), tuple(down)))

    def _scrub(self) -> None:
        """What became personal leaves the rows' histories, and what is forgotten at a DELETE leaves the rows that are
        deleted, once no release writes it there any more (S8)."""
        for name, resource in self.before.resources.items():
            newer = self.resources.get(name, name)
            if newer not in self.after.resources:
                continue
            renames = field_renames(resource, self.after.resources[newer])
            if scrubbed(resource, self.after.resources[newer]):
                self.plan.last_online.append(_forgotten(newer, self.after.resources[newer]))
            for field_name, declared in resource.fields.items():
                after = self.after.resources[newer].fields.get(renames.get(field_name, field_name))
                if after is not None and after.personal and not declared.personal:
                    key = f"'{field_name}'"
                    change = sql.backfill(
                        joined(newer, "events"), f"payload = payload - {key}", f"payload ? {key}", key="event_id"
                    )
                    self.plan.last_online.append(Step((change,)))
