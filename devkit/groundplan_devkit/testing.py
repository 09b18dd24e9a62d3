"""Fixtures against real servers, for pytest: `pytest_plugins = ["groundplan_devkit.testing"]` in the project's
`conftest.py`.

Servers start when a test first asks for them, once for all processes of a test run, and end with it. Those that run
already (`python -m groundplan_devkit.servers up`, ``LOCAL_SERVERS``) are used instead. Each test has databases, keys
and topics of its own, so that tests may run side by side.

| fixture | what it gives |
|---|---|
| `servers` | all of them, for the whole run |
| `postgres_server`, `valkey_server`, `kafka_server`, `aws_server`, `identity_server` | one kind each |
| `database` | an empty database with a user of its own |
| `cache_user` | a user and a key prefix in the cache, with a service's rights |
| `make_topic` | Kafka topics: `make_topic("orders", partitions=3)` |
| `make_queue` | SQS queues: `make_queue("orders")` |
| `installation` | the whole system of `system.yaml`, provisioned under a label of its own |
| `token` | `token("customer", subject="c-1")`: an access token that services take |
| `running` | `running("order", "api")`: a migrated service's process that is ready |
| `private_servers` | servers of the test's own, to be killed and paused: `private_servers("valkey")` |
"""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

from groundplan.capacity import plan
from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan.installation.contract import override_line
from groundplan_devkit import names
from groundplan_devkit.identity.tokens import LOCAL_SUBJECT
from groundplan_devkit.ports import HOST
from groundplan_devkit.provision import Installation, local_stack, topics
from groundplan_devkit.provision.installation import REGION
from groundplan_devkit.provision.shards import most_shards
from groundplan_devkit.servers import Aws, Identity, Kafka, Kind, Postgres, Servers, Valkey, start, stop
from groundplan_devkit.servers import servers as running_servers
from groundplan_devkit.servers.identity import declared_people
from groundplan_devkit.servers.running import KINDS, start_reaper
from groundplan_devkit.services import RunningService, run_service, start_service
from groundplan_devkit.state import PROJECT, STATE_FILE, STATE_VARIABLE
from groundplan_devkit.touched import edited_files, rank, touched

pytest.register_assert_rewrite("groundplan_devkit.checks")

SESSION_VARIABLE = "LOCAL_SESSION"
"""The directory of a test run's servers, which its worker processes inherit."""
FIRST_VARIABLE = "LOCAL_FIRST_TESTS"
"""Files and folders whose tests come first, a line each: the same in all worker processes, also when files are
edited meanwhile."""


def pytest_configure(config: pytest.Config) -> None:
    """The first process of the run names the directory; pytest-xdist's workers inherit the name."""
    # Projects turn warnings into errors. A service on deprecated names passes its tests, with a warning.
    config.addinivalue_line("filterwarnings", "default::groundplan_chassis.deprecation.ChassisDeprecationWarning")
    if STATE_VARIABLE not in os.environ and SESSION_VARIABLE not in os.environ:
        os.environ[SESSION_VARIABLE] = tempfile.mkdtemp(prefix="local-tests-")
        os.environ[f"{SESSION_VARIABLE}_OWNER"] = str(os.getpid())
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[FIRST_VARIABLE] = "\n".join(touched(PROJECT, edited_files(PROJECT)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that a change since the last commit touches come first."""
    if first := os.environ.get(FIRST_VARIABLE):
        items.sort(key=lambda item: rank(item.path, PROJECT, first.split("\n")))


def pytest_unconfigure(config: pytest.Config) -> None:
    del config
    if os.environ.get(f"{SESSION_VARIABLE}_OWNER") == str(os.getpid()):
        directory = Path(os.environ.pop(SESSION_VARIABLE))
        stop(directory, remove=True)
        # Where no server was started there is nothing but the folder.
        with suppress(OSError):
            directory.rmdir()
        del os.environ[f"{SESSION_VARIABLE}_OWNER"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Beside the result: which libraries it was reached with, where these stand in for the installed ones."""
    line = override_line(PROJECT)
    if line:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def needs_servers() -> None:
    """Every fixture and test that starts servers asks for this, so that a run can do without all of them."""


@pytest.fixture(scope="session")
def start_servers(needs_servers: None) -> Callable[..., Servers]:
    """Starts kinds of servers for this test run, or finds them: `start_servers("postgres")`."""
    del needs_servers

    def started(*kinds: Kind) -> Servers:
        named = os.environ.get(STATE_VARIABLE)
        if named:
            shared = Servers.read(Path(named))
            return shared if _has(shared, kinds) else start(Path(shared.directory), kinds, shards=declared_shards())
        directory = Path(os.environ[SESSION_VARIABLE])
        start_reaper(directory, int(os.environ[f"{SESSION_VARIABLE}_OWNER"]), remove=True)
        known = Servers.read(directory / STATE_FILE) if (directory / STATE_FILE).exists() else None
        # What another process has started meanwhile is found by `start`, which takes turns.
        return known if known and _has(known, kinds) else start(directory, kinds, shards=declared_shards())

    return started


@cache
def declared_shards() -> int:
    """PostgreSQL servers for the services of `system.yaml`."""
    declaration = PROJECT / "system.yaml"
    return most_shards(plan(load_system(declaration), local_stack())) if declaration.exists() else 1


def _has(servers: Servers, kinds: tuple[Kind, ...]) -> bool:
    return set(kinds) <= set(servers.kinds) and (
        "postgres" not in kinds or servers.postgres_has(declared_shards(), replicas=0)
    )


@pytest.fixture(scope="session")
def servers(start_servers: Callable[..., Servers]) -> Servers:
    """All servers, in parallel."""
    return start_servers(*KINDS)


@pytest.fixture(scope="session")
def postgres_server(start_servers: Callable[..., Servers]) -> Postgres:
    server = start_servers("postgres").postgres
    assert server is not None
    return server


@pytest.fixture(scope="session")
def valkey_server(start_servers: Callable[..., Servers]) -> Valkey:
    server = start_servers("valkey").valkey
    assert server is not None
    return server


@pytest.fixture(scope="session")
def kafka_server(start_servers: Callable[..., Servers]) -> Kafka:
    server = start_servers("kafka").kafka
    assert server is not None
    return server


@pytest.fixture(scope="session")
def aws_server(start_servers: Callable[..., Servers]) -> Aws:
    server = start_servers("aws").aws
    assert server is not None
    return server


@pytest.fixture(scope="session")
def identity_server(start_servers: Callable[..., Servers]) -> Identity:
    server = start_servers("identity").identity
    assert server is not None
    return server


@dataclass(frozen=True)
class FreshDatabase:
    """An empty database on the first shard; ``user`` owns it, so that a test may create what it needs."""

    name: str
    user: str
    password: str
    postgres: Postgres

    @property
    def dsn(self) -> str:
        """Of the primary, as libpq, psycopg and asyncpg take it."""
        return self._dsn(self.postgres.shards[0].primary.port)

    @property
    def replica_dsn(self) -> str:
        return self._dsn(self.postgres.shards[0].replicas[0].port)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """For clients that read no parameters of a URL."""
        return trusting(self.postgres.authority) if self.postgres.shards[0].tls else None

    def execute(self, statements: str) -> str:
        """As the administrator, on the primary."""
        return self.postgres.execute(statements, database=self.name)

    def _dsn(self, port: int) -> str:
        tls = f"sslmode=verify-full&sslrootcert={self.postgres.authority}" if self.tls else "sslmode=disable"
        return f"postgresql://{self.user}:{self.password}@{HOST}:{port}/{self.name}?{tls}"


def trusting(authority: str) -> ssl.SSLContext:
    """A client's TLS towards servers of this machine."""
    return ssl.create_default_context(cafile=authority)


def label() -> str:
    """What makes a test's names its own."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[FreshDatabase]:
    name, password = label(), secrets.token_hex(20)
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    # From PostgreSQL 16 on the creator of a role may set it only once it is granted.
    postgres_server.execute(f"GRANT {name} TO CURRENT_USER")
    postgres_server.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield FreshDatabase(name, name, password, postgres_server)
    postgres_server.drop(name, name)


@dataclass(frozen=True)
class CacheUser:
    """A cache user with a service's permissions and its own key prefix."""

    username: str
    password: str
    prefix: str
    valkey: Valkey

    @property
    def host(self) -> str:
        return HOST

    @property
    def port(self) -> int:
        return self.valkey.port

    @property
    def tls(self) -> ssl.SSLContext | None:
        return trusting(self.valkey.authority) if self.valkey.tls else None


@pytest.fixture
def cache_user(valkey_server: Valkey) -> Iterator[CacheUser]:
    name, password = label(), secrets.token_hex(20)
    valkey_server.add_user(name, password, names.access_string(f"{name}:"))
    yield CacheUser(name, password, f"{name}:", valkey_server)
    valkey_server.remove_user(name)


class MakeTopic(Protocol):
    def __call__(self, name: str = "topic", *, partitions: int = 1) -> str: ...


@pytest.fixture
def make_topic(kafka_server: Kafka) -> Iterator[MakeTopic]:
    made: list[str] = []

    def make(name: str = "topic", *, partitions: int = 1) -> str:
        topic = f"{label()}.{name}"
        topics.create(kafka_server.bootstrap, [topics.Topic(topic, partitions, retention_hours=1)])
        made.append(topic)
        return topic

    yield make
    if made:
        topics.delete(kafka_server.bootstrap, made)


class MakeQueue(Protocol):
    def __call__(self, name: str = "queue", **attributes: str) -> str: ...


@pytest.fixture
def make_queue(aws_server: Aws) -> Iterator[MakeQueue]:
    """Makes a queue with SQS's attributes, and returns its URL."""
    client = aws_server.client("sqs", REGION)
    made: list[str] = []

    def make(name: str = "queue", **attributes: str) -> str:
        url = str(client.create_queue(QueueName=f"{label()}-{name}", Attributes=attributes)["QueueUrl"])
        made.append(url)
        return url

    yield make
    for url in made:
        client.delete_queue(QueueUrl=url)


@pytest.fixture
def system() -> System:
    """As `system.yaml` declares it; a test that needs another one overrides this."""
    return load_system(PROJECT / "system.yaml")


@pytest.fixture
def installation(system: System, servers: Servers) -> Iterator[Installation]:
    """The system under a label of its own: nothing of it is there until it is asked for."""
    made = Installation(system, servers, label=label())
    yield made
    made.remove()


class Token(Protocol):
    def __call__(self, *roles: str, subject: str = LOCAL_SUBJECT, seconds: int = 3600, **claims: object) -> str: ...


@pytest.fixture
def token(identity_server: Identity) -> Token:
    """Signs an access token for roles; ``claims`` are put over the others (None takes one out)."""
    people = declared_people()

    def signed(*roles: str, subject: str = LOCAL_SUBJECT, seconds: int = 3600, **claims: object) -> str:
        return identity_server.issuer.access_token(
            subject,
            roles,
            scopes=[f"{people.system}/read", f"{people.system}/write"],
            seconds=seconds,
            claims=claims,
        )

    return signed


class Running(Protocol):
    def __call__(self, service: str, role: str = "api", **environment: str) -> RunningService: ...


@pytest.fixture
def running(installation: Installation, tmp_path: Path) -> Iterator[Running]:
    """Starts roles of services, each service's database migrated first; what is started ends with the test."""
    migrated: set[str] = set()
    started: list[RunningService] = []

    def run(service: str, role: str = "api", **environment: str) -> RunningService:
        if service not in migrated:
            run_service(installation, service, "migrate")
            migrated.add(service)
        process = start_service(installation, service, role, tmp_path, environment)
        started.append(process)
        process.wait_until_ready()
        return process

    yield run
    for process in started:
        process.stop()


class PrivateServers(Protocol):
    def __call__(self, *kinds: Kind, shards: int = 1, replicas: int = 1, cache_nodes: int = 1) -> Servers: ...


@pytest.fixture
def private_servers(needs_servers: None) -> Iterator[PrivateServers]:
    """Starts servers that no other test uses, for tests that kill or pause a server."""
    del needs_servers
    with ExitStack() as started:

        def begin(*kinds: Kind, shards: int = 1, replicas: int = 1, cache_nodes: int = 1) -> Servers:
            return started.enter_context(
                running_servers(*kinds, private=True, shards=shards, replicas=replicas, cache_nodes=cache_nodes)
            )

        yield begin
