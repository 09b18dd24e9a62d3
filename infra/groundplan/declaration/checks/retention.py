"""How long rows are kept: what the service itself deletes can be deleted, and nothing holds it for ever (S8)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import Erasure, Service, System
from groundplan.problems import Finding, Path


def check_retention(system: System) -> list[Finding]:
    return [
        finding
        for service_name, service in system.services.items()
        for name, resource in service.resources.items()
        if resource.retention_days is not None
        for finding in _resource(("services", service_name, "resources"), service, name, resource.retention_days)
    ]


def _resource(resources: Path, service: Service, name: str, days: int) -> Iterator[Finding]:
    resource, here = service.resources[name], (*resources, name, "retention_days")
    if "delete" not in resource.operations:
        expected = "an operation `delete`: without it no row is ever deleted"
        yield Finding(here, str(days), expected, "add `delete:` with its roles to the operations")
    if resource.erasure is Erasure.PERSON:
        expected = "no retention of persons: their rows do not change while they use the system"
        remedy = "remove `retention_days`, and delete persons by the rule that you have for them"
        yield Finding(here, str(days), expected, remedy)
    for other_name, other in service.resources.items():
        refers = [field for field, declared in other.fields.items() if declared.to == name]
        if refers and other_name != name and other.retention_days is None:
            expected = f"`retention_days` of `{other_name}` as well: its `{refers[0]}` holds the rows that it refers to"
            remedy = f"add `retention_days` to `{other_name}`, or remove it here"
            yield Finding(here, str(days), expected, remedy)
