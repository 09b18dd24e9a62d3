"""Tables, columns and paths: nothing twice, and no word that PostgreSQL or Python keeps for itself (D1, R1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groundplan.declaration.model import Resource, Service, System
from groundplan.declaration.reserved import (
    NO_PYTHON_WORD,
    OWN_FIELDS,
    OWN_TABLES,
    POSTGRES_WORDS,
    PYTHON_WORDS,
    QUERY_PARAMETERS,
    SYSTEM_COLUMNS,
)
from groundplan.problems import Finding, Path


def check_tables(system: System) -> list[Finding]:
    findings = list(_public_paths(system))
    for name, service in system.services.items():
        findings += _tables(("services", name, "resources"), service)
        for resource_name, resource in service.resources.items():
            path = ("services", name, "resources", resource_name)
            findings += _resource(path, resource_name, resource)
            findings += reserved_names((*path, "fields"), resource.fields)
    return findings


def _public_paths(system: System) -> Iterator[Finding]:
    """Public services share the gateway; internal ones have host names of their own, so they may repeat a path."""
    first: dict[str, tuple[str, str]] = {}
    for service_name, service in system.services.items():
        if service.exposure != "public":
            continue
        for name, resource in service.resources.items():
            path = resource.path(name)
            owner, other = first.setdefault(path, (service_name, name))
            # Within one service the tables collide as well; that is said once, there.
            if owner != service_name:
                yield Finding(
                    ("services", service_name, "resources", name),
                    f"served at {resource.collection(name)}",
                    f"a path of its own; the gateway sends this one to `{other}` of the service `{owner}`",
                    f"add `plural: {service_name[:19]}-{path[:20]}`, for example, or rename the resource",
                )


def _tables(path: Path, service: Service) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, resource in service.resources.items():
        table = resource.table(name)
        other = first.setdefault(table, name)
        if other != name:
            expected = f"a path and a table of its own; `{other}` has this one"
            yield Finding(
                (*path, name), f"the table {table}", expected, "add another `plural:`, or rename the resource"
            )
        if table in OWN_TABLES:
            expected = "a table that the service does not have of itself"
            yield Finding(
                (*path, name), f"the table {table}", expected, "add another `plural:`, or rename the resource"
            )
        stem = name.removesuffix("_event")
        if stem != name and stem in service.resources:
            expected = f"another name; `{stem}` has an event table of that name (D2)"
            yield Finding((*path, name), f"the table {table}", expected, "rename the resource")


def _resource(path: Path, name: str, resource: Resource) -> Iterator[Finding]:
    table = resource.table(name)
    if name in PYTHON_WORDS:
        yield Finding(path, "a reserved word", NO_PYTHON_WORD, f"rename it, for example `{name}_item`")
    if table in POSTGRES_WORDS:
        expected = f"a path whose table needs no quotes; `{table}` is a reserved word of PostgreSQL"
        yield Finding((*path, "plural"), table, expected, "choose another plural")


def reserved_names(path: Path, fields: Iterable[str]) -> Iterator[Finding]:
    """Names that a field can't have."""
    for name in fields:
        here = (*path, name)
        if name in OWN_FIELDS:
            yield Finding(here, "declared", "no such field: every resource has it of itself (D1)", "remove it")
        elif name in QUERY_PARAMETERS:
            expected = f"another name: `?{name}=` is a parameter of every list (R2)"
            yield Finding(here, "a reserved name", expected, f"rename it, for example `{name}_value`")
        elif name in SYSTEM_COLUMNS:
            expected = "another name: PostgreSQL has a column of that name in every table"
            yield Finding(here, "a reserved name", expected, f"rename it, for example `{name}_value`")
        elif name in POSTGRES_WORDS:
            expected = "a name that needs no quotes; this is a reserved word of PostgreSQL"
            yield Finding(here, "a reserved word", expected, f"rename it, for example `{name}_value`")
        elif name in PYTHON_WORDS:
            yield Finding(here, "a reserved word", NO_PYTHON_WORD, f"rename it, for example `{name}_value`")
