"""Deployments of the project's services for tests: all their processes, and clients that validate each response.

`pytest_plugins = ["groundplan_devkit.testing", "groundplan_devkit.deployed"]` gives the fixtures `deployment` and
`service` to the tests in `services/<name>`, and `new_deployment` to all.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import jsonschema
import msgspec
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from psycopg.rows import dict_row
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from groundplan.declaration.loader import load_system
from groundplan.declaration.model import System
from groundplan_chassis.deprecation import warn_renamed
from groundplan_chassis.events.event import Event, encode
from groundplan_devkit.provision import Installation
from groundplan_devkit.servers import Identity, Servers
from groundplan_devkit.services import RunningService, folder_of, run_service, start_service
from groundplan_devkit.state import PROJECT
from groundplan_devkit.testing import label

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 60.0
"""Time-out for asynchronous effects: a machine that runs many tests in parallel is slow."""
LOOK_SECONDS = 0.05
STABLE_SECONDS = 0.5
"""Between two reads of the tables. Rows that are equal in both are taken to be stable."""
NO_RATE_LIMIT = {"RATE_LIMIT_REQUESTS": "1000000"}
"""All tests of a service come from one address."""


def eventually(look: Callable[[], T | None]) -> T:
    """The first result of ``look`` that is neither None nor false. Raises AssertionError without one in time."""
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"still {found!r} after {LONGEST_WAIT_SECONDS:.0f} s"
        time.sleep(LOOK_SECONDS)


class Contract:
    """A service's committed OpenAPI document, which every response must match."""

    def __init__(self, path: Path) -> None:
        self.document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:contract", resource)

    def check(self, answer: httpx.Response) -> None:
        """Raises AssertionError for a status that is not documented, or a body of another form."""
        request = answer.request
        route = self._route(request.url.path)
        if route is None:
            return
        documented = self.document["paths"][route].get(request.method.lower())
        if documented is None:
            return
        responses = documented["responses"]
        said = f"{request.method} {route} → {answer.status_code}"
        assert str(answer.status_code) in responses, f"{said}: not documented"
        found = self._resolved(responses[str(answer.status_code)])
        content = found.get("content", {}).get("application/json")
        if content is None:
            assert not answer.content, f"{said}: no body is documented"
            return
        schema = content["schema"]
        reference = {"$ref": f"urn:contract{schema['$ref']}"} if set(schema) == {"$ref"} else schema
        validator = jsonschema.Draft202012Validator(
            reference, registry=self._registry, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer.json())]
        assert not wrong, f"{said}: {'; '.join(wrong)}"

    def _route(self, path: str) -> str | None:
        if path in self.document["paths"]:
            return path
        item = f"{path.rpartition('/')[0]}/{{id}}"
        return item if item in self.document["paths"] else None

    def _resolved(self, response: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in response:
            return response
        found: Any = self.document
        for part in response["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)


@cache
def http_client() -> httpx.Client:
    """One for all requests of a run: each would read the certificate authorities anew, for 30 ms of processor time.

    Every request has a connection of its own, as tests stop and restart the services that they call.
    """
    return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


class Caller:
    """A client of a service; every response is checked against the service's contract."""

    def __init__(self, reading: str, writing: str, contract: Contract, token: str | None) -> None:
        self._reading, self._writing, self._contract, self._token = reading, writing, contract, token

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """``body``: a Struct, or anything that is JSON; it is sent as services expect it, without what is None."""
        sent = dict(headers or {})
        if self._token is not None:
            sent["authorization"] = f"Bearer {self._token}"
        content = None
        if body is not None:
            content = msgspec.json.encode(_without_nulls(body))
            sent["content-type"] = "application/json"
        base = self._reading if method == "GET" else self._writing
        asked = urlencode({name: _text(value) for name, value in (query or {}).items()})
        address = f"{base}{path}?{asked}" if asked else base + path
        answer = http_client().request(method, address, content=content, headers=sent, timeout=LONGEST_WAIT_SECONDS)
        assert answer.status_code < 500, answer.text
        self._contract.check(answer)
        return answer

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.request("GET", path, headers=_names(headers))

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return self.request("POST", path, body, headers=_names(headers))

    def put(self, path: str, body: object, **headers: str) -> httpx.Response:
        return self.request("PUT", path, body, headers=_names(headers))

    def delete(self, path: str, **headers: str) -> httpx.Response:
        return self.request("DELETE", path, headers=_names(headers))

    def found(self, path: str, *, version: int = 1) -> httpx.Response:
        """The response to GET once it has at least this version: read models and replicas follow a moment later."""

        def look() -> httpx.Response | None:
            answer = self.get(path)
            there = answer.status_code == 200 and answer.json()["data"]["version"] >= version
            return answer if there else None

        return eventually(look)

    def gone(self, path: str) -> None:
        """Returns once GET responds with 404."""
        eventually(lambda: self.get(path).status_code == 404)


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    """`if_match` is the header `if-match`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _text(value: object) -> str:
    """A value as a query string has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _without_nulls(body: object) -> object:
    content = msgspec.to_builtins(body)
    return {key: value for key, value in content.items() if value is not None} if isinstance(content, dict) else content


class DeployedService:
    """One service, migrated and seeded, with the processes that the plan gives it."""

    def __init__(self, installation: Installation, identity: Identity, service: str, directory: Path) -> None:
        self.installation, self.service = installation, service
        self._identity, self._directory = identity, directory
        self.processes: dict[str, RunningService] = {}

    @cached_property
    def contract(self) -> Contract:
        return Contract(folder_of(self.service) / "openapi.json")

    def start(self, *roles: str) -> None:
        """The given roles, or all of them; they are ready then."""
        started = []
        for role in roles or self.installation.roles(self.service):
            if role not in self.processes:
                process = start_service(self.installation, self.service, role, self._directory, NO_RATE_LIMIT)
                self.processes[role] = process
                started.append(process)
        for process in started:
            process.wait_until_ready()

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()
        self.processes.clear()

    def caller(self, role: str, subject: str) -> Caller:
        """A client with this role; `customer:own` is the role `customer`."""
        system = self.installation.system.name
        token = self._identity.issuer.access_token(
            subject, [role.removesuffix(":own")], scopes=[f"{system}/read", f"{system}/write"]
        )
        return self._caller(token)

    def anyone(self) -> Caller:
        """A client without a token."""
        return self._caller(None)

    def command(self, *arguments: str) -> None:
        """Runs a one-off command, as in one of its pods. Raises what `run_service` does when it fails."""
        run_service(self.installation, self.service, *arguments)

    def rows(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows of the service's database, from all shards; ``%s`` stands for an argument."""
        return [row for shard in range(self.shards) for row in self.rows_on(shard, statement, *arguments)]

    def rows_on(self, shard: int, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows of one shard."""
        postgres = self.installation.servers.postgres
        assert postgres is not None
        dsn = postgres.dsn(self.installation.database_name(self.service), shard=shard)
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            return connection.execute(statement, arguments).fetchall()

    def settled(self) -> dict[str, list[str]]:
        """Deprecated: the former name of `stable_rows`."""
        warn_renamed("DeployedService.settled", "DeployedService.stable_rows", removed_in="groundplan-devkit 0.3")
        return self.stable_rows()

    def stable_rows(self) -> dict[str, list[str]]:
        """The rows of all its tables, read once they no longer change."""
        before: dict[str, list[str]] = {}

        def look() -> dict[str, list[str]] | None:
            nonlocal before
            time.sleep(STABLE_SECONDS)
            last, before = before, self._stored()
            return before if before == last else None

        return eventually(look)

    def _stored(self) -> dict[str, list[str]]:
        tables = self.rows_on(0, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {
            each["tablename"]: sorted(
                row["content"]
                for row in self.rows(f'SELECT to_jsonb(each)::text AS content FROM "{each["tablename"]}" AS each')  # noqa: S608
            )
            for each in tables
        }

    def documents(self) -> list[str]:
        """Keys of the documents that the cache has a copy or a version of."""
        return [key for _, key in self._documents()]

    def forget_documents(self) -> None:
        """Removes all documents from the cache, as if they had expired."""
        for node, key in self._documents():
            valkey = self.installation.servers.valkey
            assert valkey is not None
            valkey.execute("DEL", key, node=node)

    def _documents(self) -> list[tuple[int, str]]:
        valkey = self.installation.servers.valkey
        if valkey is None or self.installation.plan.cache is None:
            return []
        pattern = f"{self.installation.key_prefix(self.service)}document:*"
        nodes = range(len(valkey.ports))
        return [(node, key) for node in nodes for key in valkey.execute("KEYS", pattern, node=node).split()]

    @property
    def shards(self) -> int:
        """Databases that its rows spread over on this machine."""
        return self.installation.shards_of(self.service)

    def handled(self, event_id: uuid.UUID) -> None:
        """Returns once the consumer has handled the event."""
        eventually(lambda: self.rows("SELECT 1 FROM inbox WHERE event_id = %s", event_id))

    def erasures_done(self) -> None:
        """Returns once no request for the erasure of a person is open."""
        eventually(lambda: not self.rows("SELECT 1 FROM erasures WHERE completed_at IS NULL"))

    def _caller(self, token: str | None) -> Caller:
        running = self.processes
        reading = running.get("query") or running["api"]
        writing = running.get("command") or running["api"]
        return Caller(reading.url, writing.url, self.contract, token)


class Deployment:
    """The system under names of its own, of which services are deployed one by one."""

    def __init__(self, system: System, servers: Servers, directory: Path) -> None:
        self.installation = Installation(system, servers, label=label())
        self._servers, self._directory = servers, directory
        self._services: dict[str, DeployedService] = {}

    def deploy(self, service: str, *roles: str) -> DeployedService:
        """Migrates and seeds it the first time, and starts the roles (all of them where none are named)."""
        deployed = self._services.get(service)
        if deployed is None:
            run_service(self.installation, service, "migrate")
            run_service(self.installation, service, "seed")
            assert self._servers.identity is not None
            deployed = DeployedService(self.installation, self._servers.identity, service, self._directory)
            self._services[service] = deployed
        deployed.start(*roles)
        return deployed

    def publish(
        self,
        event: str,
        data: Mapping[str, object],
        *,
        aggregate_id: uuid.UUID | None = None,
        times: int = 1,
        schema_version: int = 1,
    ) -> uuid.UUID:
        """Sends an event like its publisher, the given number of times; returns the event's id. ``schema_version``: of
        the data."""
        sent = Event(
            event_id=uuid.uuid4(),
            event_type=event,
            aggregate_type=event.partition(".")[0],
            aggregate_id=aggregate_id or uuid.uuid4(),
            version=1,
            occurred_at=datetime.now(UTC),
            actor="local-user",
            correlation_id="test",
            payload=msgspec.json.encode(data).decode(),
            schema_version=schema_version,
        )
        for _ in range(times):
            self.send(event, sent.aggregate_id, encode(sent))
        return sent.event_id

    def send(self, event: str, key: uuid.UUID, body: bytes) -> None:
        """Puts a message on the event's topic, valid or not."""
        planned, servers = self.installation.plan.events, self._servers
        assert planned is not None
        if planned.kafka is not None:
            assert servers.kafka is not None
            asyncio.run(_send(servers.kafka.bootstrap, self.installation.topic(event), key, body))
        else:
            assert servers.aws is not None
            sns = servers.aws.client("sns", self.installation.stack.region)
            sns.publish(TopicArn=self.installation.queues.topic_arns[event], Message=body.decode())

    def remove(self) -> None:
        for service in self._services.values():
            service.stop()
        self.installation.remove()


async def _send(bootstrap: str, topic: str, key: uuid.UUID, body: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(topic, body, key=str(key).encode())
    finally:
        await producer.stop()


NewDeployment = Callable[[], AbstractContextManager[Deployment]]


@pytest.fixture(scope="session")
def new_deployment(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> NewDeployment:
    """`with new_deployment() as made:` has the project's system, of which nothing runs before it is asked for.

    Its databases, keys and topics are its own: events of another one are not seen in it.
    """

    @contextmanager
    def made() -> Iterator[Deployment]:
        deployment = Deployment(load_system(PROJECT / "system.yaml"), servers, tmp_path_factory.mktemp("deployed"))
        try:
            yield deployment
        finally:
            deployment.remove()

    return made


class _OfOneService:
    """The deployment that the tests of one service share. It ends when those of another begin."""

    def __init__(self, new: NewDeployment) -> None:
        self._new, self._open = new, ExitStack()
        self._service = ""
        self._deployment: Deployment | None = None

    def of(self, service: str) -> Deployment:
        if self._deployment is None or self._service != service:
            self.end()
            self._service, self._deployment = service, self._open.enter_context(self._new())
        return self._deployment

    def end(self) -> None:
        self._deployment = None
        self._open.close()


@pytest.fixture(scope="session")
def _of_one_service(new_deployment: NewDeployment) -> Iterator[_OfOneService]:
    shared = _OfOneService(new_deployment)
    yield shared
    shared.end()


@pytest.fixture(scope="module")
def deployment(request: pytest.FixtureRequest, _of_one_service: _OfOneService) -> Deployment:
    """The system, of which the service runs whose tests these are: what else is needed is deployed by name."""
    return _of_one_service.of(_service_of(request.path))


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest, deployment: Deployment) -> DeployedService:
    """The service whose tests these are, migrated and seeded; all of its processes run."""
    return deployment.deploy(_service_of(request.path))


def _service_of(test: Path) -> str:
    """The service in whose folder the test is. Fails the test where it is elsewhere."""
    folder = PROJECT / "services"
    if not test.is_relative_to(folder):
        where = f"`service` and `deployment` are for tests in {folder}/<service>, and this one is {test}"
        pytest.fail(f"{where}: use `new_deployment`, and deploy services by their names", pytrace=False)
    return test.relative_to(folder).parts[0]
