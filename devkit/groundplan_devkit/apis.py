"""All services of the project, migrated and answering, for tests that send them requests only.

`pytest_plugins = [..., "groundplan_devkit.apis"]` gives the fixtures `declared`, `apis` and `sign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import Operation, Resource, System
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Servers
from groundplan_devkit.servers.identity import People
from groundplan_devkit.services import RunningService, run_service, start_service
from groundplan_devkit.state import PROJECT
from groundplan_devkit.testing import label

Sign = Callable[..., str]
READING: frozenset[Operation] = frozenset({"list", "get"})
UNLIMITED = {"RATE_LIMIT_REQUESTS": "2000000"}
METHODS: Mapping[Operation, str] = {
    "list": "GET",
    "get": "GET",
    "create": "POST",
    "update": "PUT",
    "delete": "DELETE",
}


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
            collection = resource.collection(name)
            path = collection if operation in ("list", "create") else f"{collection}/{{id}}"
            yield name, resource, operation, path


@pytest.fixture(scope="session")
def declared() -> System:
    """As `system.yaml` declares it, for fixtures that outlive a test."""
    return load_system(PROJECT / "system.yaml")


@pytest.fixture(scope="module")
def apis(declared: System, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Api]]:
    """Every process that answers requests, started once for all tests of a file, without a rate limit."""
    installed = Installation(declared, servers, label=label())
    directory = tmp_path_factory.mktemp("services")
    for service in declared.services:
        run_service(installed, service, "migrate")
    wanted = [(service, role) for service in declared.services for role in serving_roles(declared, service)]
    started = [Api(*each, start_service(installed, *each, directory, UNLIMITED)) for each in wanted]
    try:
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(lambda api: api.process.wait_until_ready(), started))
        yield started
    finally:
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(lambda api: api.process.stop(), started))
        installed.remove()


@pytest.fixture(scope="module")
def sign(declared: System, servers: Servers) -> Sign:
    """`sign("admin", subject="a")`: a token that services take; further words are claims put over the others."""
    assert servers.identity is not None
    issuer, people = servers.identity.issuer, People.of(declared)

    def signed(*roles: str, subject: str = "local-user", seconds: int = 3600, **claims: object) -> str:
        scopes = [f"{people.system}/read", f"{people.system}/write"]
        return issuer.access_token(subject, roles, scopes=scopes, seconds=seconds, claims=claims)

    return signed
