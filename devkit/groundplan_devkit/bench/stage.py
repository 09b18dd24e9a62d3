"""The stage of a bench: a service on real servers, with a table of production size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from groundplan.capacity import plan
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import FieldType, Resource, System
from groundplan_devkit.bench.mix import Target
from groundplan_devkit.bench.progress import Say
from groundplan_devkit.bench.seeding import Connection, seed
from groundplan_devkit.problems import Unavailable
from groundplan_devkit.provision import Installation
from groundplan_devkit.provision.installation import LOAD_SHARE, local_stack
from groundplan_devkit.servers import Servers, servers
from groundplan_devkit.servers.identity import People
from groundplan_devkit.services import RunningService, run_service, start_service
from groundplan_devkit.state import PROJECT

NEVER_REFUSED = {"RATE_LIMIT_REQUESTS": "2000000"}
"""The rate limit of bench processes: checked for each request, never reached, so that its cost is measured."""
CONNECT_SECONDS = 30.0
QUESTION_SECONDS = 300.0
"""Time-out of one of the bench's own statements."""
MIGRATION_SECONDS = 120.0
"""Time-out of a service's migration."""


@dataclass(frozen=True)
class Stage:
    """What a bench works with."""

    system: System
    servers: Servers
    installation: Installation
    directory: Path
    """Logs and state files of the processes. The servers' reaper reads them and ends the processes after a crash of the
    bench."""
    say: Say
    started: list[RunningService] = field(default_factory=list)
    """Every process that was started; those that still run are stopped at the end."""

    def sign(self, *roles: str, subject: str) -> str:
        """An access token that is good for a day."""
        assert self.servers.identity is not None
        people = People.of(self.system)
        scopes = [f"{people.system}/read", f"{people.system}/write"]
        return self.servers.identity.issuer.access_token(subject, roles, scopes=scopes, seconds=86_400)

    def migrate(self, service: str) -> None:
        self.say(f"Migrating {service} (at most {MIGRATION_SECONDS:.0f} s)")
        run_service(self.installation, service, "migrate", seconds=MIGRATION_SECONDS)

    def start(self, service: str, role: str, *, through: str | None = None, **environment: str) -> RunningService:
        """Returns once it is ready. ``through``: a module that runs it.

        Raises Unavailable, with the end of its log, when it never is."""
        running = start_service(self.installation, service, role, self.directory, environment, through=through)
        self.started.append(running)
        running.wait_until_ready()
        return running

    def stop_all(self) -> None:
        """Stops all processes that were started and still run, in parallel."""
        if self.started:
            with ThreadPoolExecutor(len(self.started)) as pool:
                list(pool.map(RunningService.stop, self.started))
            self.started.clear()

    def server(self, *parts: str) -> str:
        """Name of the first server whose name holds all of ``parts``."""
        return next(name for name in self.servers.processes() if all(part in name for part in parts))

    @property
    def primary(self) -> str:
        """Name of the first shard's primary."""
        assert self.servers.postgres is not None
        return self.servers.postgres.shards[0].primary.process.name

    async def connect(self, service: str, shard: int = 0) -> Connection:
        """As the administrator, to the service's database."""
        assert self.servers.postgres is not None
        dsn = self.servers.postgres.dsn(self.installation.database_name(service), shard=shard)
        # The database's own limit is for services.
        unlimited = {"statement_timeout": "0"}
        return await asyncpg.connect(
            dsn, timeout=CONNECT_SECONDS, command_timeout=QUESTION_SECONDS, server_settings=unlimited
        )

    async def query(self, service: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """The rows of all of the service's shards."""
        found: list[asyncpg.Record] = []
        for shard in range(self.installation.plan.database_of(service).shards):
            connection = await self.connect(service, shard)
            try:
                found += await connection.fetch(statement, *arguments)
            finally:
                await connection.close()
        return found


@contextlib.contextmanager
def stage(say: Say, *, replicas: int = 1, load_share: float = LOAD_SHARE) -> Iterator[Stage]:
    """Servers of the bench's own, and an empty installation of the project's system. All ends with the block.

    ``replicas`` of each shard's primary; ``load_share``: of the declared load, for which pools are planned."""
    system = load_system(PROJECT / "system.yaml")
    say(f"Starting PostgreSQL (replicas: {replicas}), Valkey, Kafka, AWS's APIs and an identity provider")
    stack = local_stack(load_share=load_share)
    shards = max(database.shards for database in plan(system, stack).databases)
    with servers(private=True, shards=shards, replicas=replicas) as running:
        installation = Installation(system, running, label="bench", stack=stack)
        on = Stage(system, running, installation, Path(running.directory), say)
        try:
            yield on
        finally:
            # The servers' data go with them: nothing needs to be dropped.
            say("Stopping every process and server")
            on.stop_all()


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
            complete = {"get", "list", "create"} <= resource.operations.keys()
            if resource.cache and not inside and complete and _creates_many(name, resource):
                return service_name, name, resource
    raise Unavailable(
        f"a service to measure{f' called {wanted}' if wanted else ''}",
        "none that fits",
        "a service without CQRS, with a cached resource that can be got, listed and created",
        "name one: make bench-services NAME=…",
    )


def _creates_many(name: str, resource: Resource) -> bool:
    """Excludes resources of which each caller may have one row only."""
    unique = resource.owner is not None and resource.fields[resource.owner].unique
    return not (unique and Target(name, resource, "", ()).only_own("create"))


async def filled(on: Stage, service: str, name: str, resource: Resource, count: int) -> Target:
    """Migrates the service's database and fills the resource's table."""
    on.migrate(service)
    on.say(f"Filling {resource.table(name)}, its history and the outbox of {service} with {count:,} rows each")
    connection = await on.connect(service)
    try:
        ids = await seed(connection, name, resource, count, on.say)
    finally:
        await connection.close()
    return Target(name, resource, resource.collection(name), ids)
