"""The project's services as processes on real servers, started once for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundplan.declaration.model import Operation, Resource, System
from groundplan_devkit.services import RunningService

READING: frozenset[Operation] = frozenset({"list", "get"})
UNLIMITED = {"RATE_LIMIT_REQUESTS": "2000000"}


@dataclass(frozen=True)
class Api:
    """One process that answers requests, and which operations of its service it has."""

    service: str
    role: str
    process: RunningService

    def answers(self, operation: Operation) -> bool:
        return self.role == "api" or (self.role == "query") == (operation in READING)


def serving_roles(system: System, service: str) -> tuple[str, ...]:
    return ("command", "query") if system.services[service].cqrs else ("api",)


def endpoints(system: System, service: str) -> Iterator[tuple[str, Resource, Operation, str]]:
    """Name, resource, operation and path of everything that the service's API answers."""
    for name, resource in system.services[service].resources.items():
        for operation in resource.operations:
            collection = f"/api/v1/{resource.path(name)}"
            path = collection if operation in ("list", "create") else f"{collection}/{{id}}"
            yield name, resource, operation, path


METHODS: Mapping[Operation, str] = {
    "list": "GET",
    "get": "GET",
    "create": "POST",
    "update": "PUT",
    "delete": "DELETE",
}
