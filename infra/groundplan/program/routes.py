"""Routes from path and method to workload, from the declaration (R1, A1, A4)."""

from __future__ import annotations

from dataclasses import dataclass

from groundplan.capacity import Plan
from groundplan.declaration.model import Operation, Resource, System

API_PREFIX = "/api/v1"
"""Where first versions are answered."""

METHODS: dict[Operation, tuple[str, bool]] = {
    "list": ("GET", False),
    "get": ("GET", True),
    "create": ("POST", False),
    "update": ("PUT", True),
    "delete": ("DELETE", True),
}
"""Operation to its method, and whether it addresses one item (`/{id}`)."""


@dataclass(frozen=True, slots=True)
class PublicResource:
    """One resource of a public service in one version of its API, and the workloads that answer for it."""

    service: str
    name: str
    resource: Resource
    """As that version has it."""
    path: str
    """`/api/v1/orders`."""
    reads: str
    """Workload that answers GET and HEAD."""
    writes: str
    """Workload that answers other methods."""


def public_resources(system: System, plan: Plan) -> list[PublicResource]:
    """In the order of the declaration, of each resource the newest version first."""
    found = []
    for name, service in system.services.items():
        if service.exposure != "public":
            continue
        workloads = {workload.role: workload.name for workload in plan.workloads_of(name)}
        for singular, resource in service.resources.items():
            found += [
                PublicResource(
                    service=name,
                    name=singular,
                    resource=version,
                    path=version.collection(singular),
                    reads=workloads.get("query") or workloads["api"],
                    writes=workloads.get("command") or workloads["api"],
                )
                for version in resource.versions()
            ]
    return found
