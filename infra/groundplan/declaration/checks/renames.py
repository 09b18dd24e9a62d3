"""Earlier names: of something that is gone, and of one thing only (U7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundplan.declaration.model import Resource, ResourceField, Service, System
from groundplan.problems import Finding, Path

_KEY = "renamed_from"


def check_renames(system: System) -> list[Finding]:
    findings = list(_renamed(("services",), system.services))
    for service_name, service in system.services.items():
        path = ("services", service_name, "resources")
        findings += _renamed(path, service.resources)
        for name, resource in service.resources.items():
            findings += _renamed((*path, name, "fields"), resource.fields)
    return findings


def _renamed(path: Path, known: Mapping[str, Service | Resource | ResourceField]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, each in known.items():
        before = each.renamed_from
        if before is None:
            continue
        here = (*path, name, _KEY)
        other = first.setdefault(before, name)
        if before in known:
            expected = "a name that is declared no more, as this one took its place"
            yield Finding(here, before, expected, "remove `renamed_from`, or what has that name still")
        elif other != name:
            yield Finding(here, before, f"an earlier name of one alone; `{other}` has it", "remove one of the two")
