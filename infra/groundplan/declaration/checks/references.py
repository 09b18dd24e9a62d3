"""References: to something that is there, and in an order in which a first row can be made (D1, A2)."""

from __future__ import annotations

from collections.abc import Iterator

from groundplan.declaration.model import FieldType, Service, System
from groundplan.problems import Finding, Path, did_you_mean


def check_references(system: System) -> list[Finding]:
    findings: list[Finding] = []
    for service_name, service in system.services.items():
        for resource_name, resource in service.resources.items():
            for name, field in resource.fields.items():
                if field.type is FieldType.REFERENCE and field.to is not None:
                    path = ("services", service_name, "resources", resource_name, "fields", name, "to")
                    findings += _target(path, field.to, service_name, system)
        findings += _cycles(("services", service_name, "resources"), service)
    return findings


def _target(path: Path, to: str, own: str, system: System) -> Iterator[Finding]:
    shown = f'"{to[:60]}"'
    service_name, dot, resource = to.rpartition(".")
    if not dot:
        known = [
            *system.services[own].resources,
            *(
                f"{name}.{each}"
                for name, service in system.services.items()
                if name != own
                for each in service.resources
            ),
        ]
        if to not in system.services[own].resources:
            elsewhere = [each for each in known if each.endswith(f".{to}")]
            remedy = f"write `{elsewhere[0]}`" if elsewhere else did_you_mean(to, known, "correct it, or declare it")
            yield Finding(path, shown, "a resource of this service, or `service.resource` of another", remedy)
    elif service_name == own and resource in system.services[own].resources:
        expected = "the resource alone, for it is this service's own: a foreign key comes with it"
        yield Finding(path, shown, expected, f"write `{resource}`")
    elif service_name not in system.services:
        remedy = did_you_mean(service_name, system.services, "correct the service, or declare it")
        yield Finding(path, shown, "`service.resource` of a declared service", remedy)
    elif resource not in system.services[service_name].resources:
        resources = system.services[service_name].resources
        remedy = did_you_mean(resource, resources, "correct the resource, or declare it")
        yield Finding(path, shown, f"a resource of the service `{service_name}`", remedy)


def _cycles(path: Path, service: Service) -> Iterator[Finding]:
    """Required references in a circle: no first row of any of them could be inserted."""
    required = {
        name: {
            field.to: field_name
            for field_name, field in resource.fields.items()
            if field.type is FieldType.REFERENCE and field.required and field.to in service.resources
        }
        for name, resource in service.resources.items()
    }
    reported: set[str] = set()
    for name in required:
        cycle = None if name in reported else _cycle(name, required)
        if cycle is None:
            continue
        reported.update(cycle)
        field = required[name][cycle[1]]
        if len(cycle) == 2:
            expected = "an optional reference: the first row has no other to refer to"
        else:
            expected = "no circle of required references: no row of any of them could be the first"
        yield Finding(
            (*path, name, "fields", field, "required"),
            f"true, in the circle {' → '.join(cycle)}",
            expected,
            "make it optional: `required: false`",
        )


def _cycle(start: str, required: dict[str, dict[str, str]]) -> list[str] | None:
    """The shortest way from a resource back to itself along required references."""
    came_from: dict[str, str] = {}
    waiting = [start]
    for name in waiting:
        for target in required[name]:
            if target == start:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if target not in came_from:
                came_from[target] = name
                waiting.append(target)
    return None
