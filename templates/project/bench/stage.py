"""A service on real servers as in production, with a table as large as it gets."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench.mix import Target
from bench.rows import fill, rows
from infra.system.loader import load_system
from infra.system.model import FieldType, Resource, System
from local.problems import Unavailable
from local.provision import Installation
from local.servers import Servers, servers
from local.servers.identity import People
from local.services import RunningService, run_service, start_service
from local.state import PROJECT

NEVER_REFUSED = {"RATE_LIMIT_REQUESTS": "2000000"}
"""The bucket is asked for each request and never empty: what is measured is the asking."""
EVERY_STATEMENT = {"SLOW_QUERY_MS": "0"}
"""Every statement is logged with its duration, so that its percentiles are known."""


@dataclass(frozen=True)
class Stage:
    """What a bench works with."""

    system: System
    servers: Servers
    installation: Installation
    directory: Path

    def sign(self, *roles: str, subject: str) -> str:
        """An access token that is good for a day."""
        assert self.servers.identity is not None
        people = People.of(self.system)
        scopes = [f"{people.system}/read", f"{people.system}/write"]
        return self.servers.identity.issuer.access_token(subject, roles, scopes=scopes, seconds=86_400)

    def start(self, service: str, role: str, **environment: str) -> RunningService:
        running = start_service(self.installation, service, role, self.directory, environment)
        running.wait_until_ready()
        return running

    def server(self, *parts: str) -> str:
        """Name of the first server whose name holds all of ``parts``."""
        return next(name for name in self.servers.processes() if all(part in name for part in parts))

    async def connect(self, service: str) -> asyncpg.Connection[asyncpg.Record]:
        """As the administrator, to the service's database on the first shard."""
        assert self.servers.postgres is not None
        dsn = self.servers.postgres.dsn(self.installation.database_name(service))
        return await asyncpg.connect(dsn)


@contextlib.contextmanager
def stage(say: Callable[[str], None]) -> Iterator[Stage]:
    """Servers of the bench's own, and an empty installation of the project's system."""
    system = load_system(PROJECT / "system.yaml")
    say("Starting PostgreSQL with a replica, Valkey, Kafka, AWS's APIs and an identity provider")
    with servers(private=True) as running, tempfile.TemporaryDirectory(prefix="bench-") as directory:
        installation = Installation(system, running, label="bench")
        try:
            yield Stage(system, running, installation, Path(directory))
        finally:
            installation.remove()


def choose(system: System, wanted: str | None) -> tuple[str, str, Resource]:
    """The service and resource to load: the named service, else the first that can be.

    It answers reads and writes in one process (no CQRS), and one of its resources is cached, can be got, listed and
    created, and refers to none of its own service. Raises Unavailable when there is none.
    """
    for service_name, service in system.services.items():
        if service.cqrs or wanted not in (None, service_name):
            continue
        for name, resource in service.resources.items():
            inside = any(
                field.type is FieldType.REFERENCE and "." not in (field.to or "") for field in resource.fields.values()
            )
            if resource.cache and not inside and {"get", "list", "create"} <= resource.operations.keys():
                return service_name, name, resource
    raise Unavailable(
        f"a service to measure{f' called {wanted}' if wanted else ''}",
        "none that fits",
        "a service without CQRS, with a cached resource that can be got, listed and created",
        "name one: make bench-services SERVICE=…",
    )


async def filled(on: Stage, service: str, name: str, resource: Resource, count: int) -> Target:
    """Migrates the service's database and fills the resource's table."""
    run_service(on.installation, service, "migrate")
    connection = await on.connect(service)
    try:
        stored = await fill(connection, resource.table(name), rows(resource, count))
    finally:
        await connection.close()
    return Target(name, resource, f"/api/v1/{resource.path(name)}", stored)
