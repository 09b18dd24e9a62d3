"""Tables that are otherwise in a service's migrations than its declaration makes them now.

A newer version gives services another table or index, and changes no migration that may have run: what is missing in
those of an older project is told, and made by one more (ADR 14).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from groundplan.declaration.model import Service
from groundplan.document.data_model import ddl_of
from groundplan.document.names import joined, quoted
from groundplan.following.catalogue import Table, catalogue_of
from groundplan.following.following import Behind
from groundplan.following.schema import plan_between
from groundplan.following.statements import bare
from groundplan.migrations.statements import statements_of
from groundplan.migrations.tables import Made, made, tables_of


def behind(project: Path, services: Mapping[str, Service]) -> dict[str, Behind]:
    """By service what its migrations have otherwise than ``services``, which they follow.

    Nothing of a service whose migrations can't be told without a server, and of a table that they treat in ways which
    are not known here. Raises ProblemsFound as `tables_of`.
    """
    found = {}
    for name, there in tables_of(project, list(services)).items():
        lacks = behind_of(name, services[name], there)
        if lacks.what:
            found[name] = lacks
    return found


def behind_of(name: str, service: Service, there: Made) -> Behind:
    wanted = catalogue_of(name, service)
    plainly = made(statements_of([(f"{ddl_of(name, service)}", 0)])).tables
    own = _of_owner(service)
    known: dict[str, Table] = {}
    said: list[str] = []
    unfilled: list[str] = []
    for table, declared in wanted.items():
        if table in there.unclear:
            known[table] = declared
        elif table in there.tables:
            known[table] = _as_declared(there.tables[table], declared, plainly[table], bare(table), own=table in own)
            said += _differences(table, known[table], declared)
            unfilled += [
                f"{table}.{column}"
                for column, each in declared.columns.items()
                if column not in known[table].columns and each.not_null and each.default is None
            ]
        else:
            said.append(f"table {table}")
    return Behind(tuple(said), plan_between(service, known, wanted), tuple(unfilled))


def _of_owner(service: Service) -> set[str]:
    """Tables of resources: what is in them undeclared is their owner's."""
    return {quoted(resource.table(name)) for name, resource in service.resources.items()}


def _as_declared(there: Table, declared: Table, plainly: Table, name: str, *, own: bool) -> Table:
    """The table as it is, in the declaration's own words where both are the same.

    ``own``: a resource's, whose further columns and constraints stay. Its indexes go where they have a name as the
    template gives them.
    """
    found = Table(declared.create)
    for part in ("columns", "constraints", "indexes"):
        is_there, wanted, words = (getattr(each, part) for each in (there, plainly, declared))
        for key, value in is_there.items():
            if key in wanted:
                getattr(found, part)[key] = words[key] if value == wanted[key] else value
            elif not own or _generated(key, part, name, declared):
                getattr(found, part)[key] = value
    return found


def _generated(key: str, part: str, table: str, declared: Table) -> bool:
    if part == "constraints" and key in declared.indexes:
        return True
    columns = [bare(column) for column in declared.columns]
    return part == "indexes" and (
        key in declared.constraints or key in {joined(table, each, kind) for each in columns for kind in ("idx", "key")}
    )


def _differences(table: str, there: Table, declared: Table) -> Iterator[str]:
    for part, word in (("columns", "column"), ("constraints", "constraint"), ("indexes", "index")):
        before, after = getattr(there, part), getattr(declared, part)
        for key in sorted({*before, *after}, key=str):
            if before.get(key) != after.get(key):
                how = "" if key not in before else ", no longer" if key not in after else ", otherwise"
                yield f"{word} {f'{table}.' if part == 'columns' else ''}{key}{how}"
