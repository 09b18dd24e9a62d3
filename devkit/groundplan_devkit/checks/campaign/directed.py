"""Requests for each documented answer, those that no generator comes to among them."""

from __future__ import annotations

import itertools
import json
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from groundplan.declaration.model import Operation, Resource
from groundplan_devkit.apis import METHODS, READING, Sign
from groundplan_devkit.checks.campaign.found import Found
from groundplan_devkit.checks.campaign.oracle import Oracle, Person
from groundplan_devkit.checks.own_rows import own_alone, private_parents
from groundplan_devkit.deployed import DeployedService, http_client
from groundplan_devkit.ports import HOST
from groundplan_devkit.services import RunningService, package_of, start_service

SLOW_SECONDS = 40.0
"""Longest wait for the answer to a body that does not come."""
LARGE = b'{"a":"' + b"x" * 1_200_000 + b'"}'
LONG = "x" * 9000
AT_ONCE = 6
TRIES = 20
ANSWER_SECONDS = 60.0
OTHERS = 20
"""Rows of others that a caller asks for, one by one."""


@dataclass
class Directed:
    """Of one service."""

    service: DeployedService
    found: Found
    sign: Sign
    numbers: dict[str, Iterator[int]] = field(default_factory=dict)
    """Of samples that are not there yet, by resource."""

    def run(self) -> None:
        resources = self.service.installation.system.services[self.service.service].resources
        for name, resource in resources.items():
            (seeded,) = self.service.rows_on(0, f'SELECT count(*) AS rows FROM "{resource.table(name)}"')  # noqa: S608
            self.numbers[name] = itertools.count(int(seeded["rows"]))
        with ThreadPoolExecutor(2 * len(resources)) as pool:
            waiting = [each for name, resource in resources.items() for each in self._slow(pool, name, resource)]
            for name, resource in resources.items():
                self._resource(name, resource)
            for each in waiting:
                each.result()
        with self._hurt() as process:
            for status in (503, 429):
                self._refused(process, status)

    # One resource

    def _resource(self, name: str, resource: Resource) -> None:
        kinds = resource.operations
        if "list" in kinds:
            for query in ({}, {"no_such_field": "1"}, {"limit": LONG}):
                self._ask(name, resource, "list", query=query)
            self._unwelcome(name, resource, "list")
        number, path = self._item(name, resource)
        if "get" in kinds:
            tag = self._ask(name, resource, "get", path, number=number).headers.get("etag", '"1"')
            self._ask(name, resource, "get", path, number=number, headers={"if-none-match": tag})
            self._ask(name, resource, "get", path, number=number, headers={"consistency-token": "x"})
            self._ask(name, resource, "get", self._nowhere(name, resource))
            self._unwelcome(name, resource, "get", path)
        if "create" in kinds:
            self._create(name, resource)
        if "update" in kinds:
            self._update(name, resource, number, path)
        self._others(name, resource)
        self._others_parents(name, resource)
        if "delete" in kinds:
            # Samples refer to each other's first rows.
            self._ask(name, resource, "delete", self._path(name, resource, self._seeded(name, 0)))
            self._ask(name, resource, "delete", path, number=number, headers={"if-match": "x"})
            self._ask(name, resource, "delete", path, number=number, headers={"if-match": '"99"'})
            self._unwelcome(name, resource, "delete", path)
            self._ask(name, resource, "delete", path, number=number)
            self._ask(name, resource, "delete", path, number=number)

    def _create(self, name: str, resource: Resource) -> None:
        first = next(self.numbers[name])
        for _ in range(2):
            self._ask(name, resource, "create", number=first, body=self._content(name, first))
        for _ in range(TRIES):
            # A key that another request is using.
            key = {"idempotency-key": str(uuid.uuid4())}
            number = next(self.numbers[name])
            body = self._content(name, number)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                asked = [
                    pool.submit(self._ask, name, resource, "create", number=number, body=body, headers=key)
                    for _ in range(AT_ONCE)
                ]
            if any(each.result().status_code == httpx.codes.CONFLICT for each in asked):
                break
        self._bodies(name, resource, "create")
        self._unwelcome(name, resource, "create")

    def _update(self, name: str, resource: Resource, number: int, path: str) -> None:
        body = self._content(name, number)
        self._ask(name, resource, "update", path, number=number, body=body)
        self._ask(name, resource, "update", path, number=number, body=body, headers={"if-match": '"99"'})
        if "create" in resource.operations:
            # What is unique is another row's.
            twin = self._content(name, next(self.numbers[name]))
            if resource.owner is not None and resource.owner in body:
                twin[resource.owner] = body[resource.owner]
            self._ask(name, resource, "create", number=number, body=twin)
            self._ask(name, resource, "update", path, number=number, body=twin)
        self._ask(name, resource, "update", self._nowhere(name, resource), body=body)
        self._bodies(name, resource, "update", path)
        self._unwelcome(name, resource, "update", path)

    def _bodies(self, name: str, resource: Resource, kind: Operation, path: str = "") -> None:
        self._ask(name, resource, kind, path, content=b"{")
        self._ask(name, resource, kind, path, content=b"[]")
        self._ask(name, resource, kind, path, content=LARGE)
        self._ask(name, resource, kind, path, content=b"a=1", headers={"content-type": "text/plain"})

    def _unwelcome(self, name: str, resource: Resource, kind: Operation, path: str = "") -> None:
        self._ask(name, resource, kind, path, token="none.of.ours")  # noqa: S106 - no token at all
        roles = self.service.installation.system.identity.roles
        self._ask(name, resource, kind, path, token=self.sign(*roles, subject="a", scope=""))

    def _others(self, name: str, resource: Resource) -> None:
        """Rows of others are not there, whichever operation asks for them by whichever way."""
        oracle = Oracle(self.service, self.found)
        for role in self.service.installation.system.identity.roles:
            person = Person(role, f"campaign-{role}")
            token = self.sign(role, subject=person.subject)
            for kind in ("get", "update", "delete"):
                if not own_alone(resource, kind, role):
                    continue
                for identifier in oracle.of_others(name, resource, person.subject, OTHERS):
                    body = self._content(name, next(self.numbers[name])) if kind == "update" else None
                    if body is not None and resource.owner is not None:
                        body.pop(resource.owner, None)
                    path = self._path(name, resource, identifier)
                    answer = self._ask(name, resource, kind, path, body=body, token=token)
                    if answer.is_success:
                        self.found.fault(f"{self.service.service} {kind} {name}: a row of another one's", identifier)

    def _others_parents(self, name: str, resource: Resource) -> None:
        """New rows refer to no rows of others that their creator may not read."""
        access = resource.access("create")
        if access is None:
            return
        oracle = Oracle(self.service, self.found)
        resources = self.service.installation.system.services[self.service.service].resources
        for role in access.roles:
            person = Person(role, f"campaign-{role}")
            token = self.sign(role, subject=person.subject)
            for field_name, to, parent in private_parents(resources, resource, role):
                for identifier in oracle.of_others(to, parent, person.subject, OTHERS):
                    body = self._content(name, next(self.numbers[name])) | {field_name: identifier}
                    if resource.owner in body:
                        body[resource.owner] = person.subject
                    answer = self._ask(name, resource, "create", body=body, token=token)
                    if answer.is_success:
                        oracle.look_references(name, resource, person, answer.content)

    # One request

    def _ask(
        self,
        name: str,
        resource: Resource,
        kind: Operation,
        path: str = "",
        *,
        number: int = 0,
        body: Mapping[str, object] | None = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        base: str | None = None,
    ) -> httpx.Response:
        """``number``: of the sample, whose person asks."""
        sent = {"authorization": f"Bearer {token or self._token(name, resource, kind, number)}"}
        if body is not None:
            content = msgspec.json.encode(body)
        if content is not None:
            sent["content-type"] = "application/json"
        elif kind in ("create", "update"):
            content, sent["content-type"] = b"{}", "application/json"
        url = f"{base or self._process(kind).url}{path or resource.collection(name)}"
        answer = http_client().request(
            METHODS[kind],
            url,
            params=query,
            content=content,
            headers=sent | dict(headers or {}),
            timeout=ANSWER_SECONDS,
        )
        self.found.answered(
            self.service.service, self._label(name, resource, kind), answer.status_code, answer.text[:300]
        )
        return answer

    def _token(self, name: str, resource: Resource, kind: Operation, number: int = 0) -> str:
        """Of a role that may do it to all rows, where there is one; of the sample's person in any case."""
        access = resource.access(kind)
        assert access is not None
        roles = self.service.installation.system.identity.roles
        best = sorted(access.grants, key=lambda grant: grant.own)
        return self.sign(best[0].role if best else roles[0], subject=self._person(name, resource, number))

    def _person(self, name: str, resource: Resource, number: int) -> str:
        """Whose the sample is: said by itself, or by what it belongs to, first by what its owner alone may read."""
        content = self._content(name, number)
        if own := content.get(resource.owner or ""):
            return str(own)
        system = self.service.installation.system
        resources = system.services[self.service.service].resources
        private = {
            field_name
            for role in system.identity.roles
            for field_name, _, _ in private_parents(resources, resource, role)
        }
        for field_name in sorted(resource.fields, key=lambda each: each not in private):
            to = resource.fields[field_name].to or ""
            above = resources.get(to)
            if above is not None and above.owner is not None and field_name in content:
                statement = f'SELECT "{above.owner}"::text AS owner FROM "{above.table(to)}" WHERE id = %s'  # noqa: S608
                for row in self.service.rows(statement, content[field_name]):
                    return str(row["owner"])
        return str(getattr(self._seed, "subject", str)(number))

    @cached_property
    def _seed(self) -> ModuleType:
        return import_module(f"{package_of(self.service.service)}.seed")

    def _process(self, kind: Operation) -> RunningService:
        running = self.service.processes
        return running.get("query" if kind in READING else "command") or running["api"]

    def _label(self, name: str, resource: Resource, kind: Operation) -> str:
        item = "" if kind in ("list", "create") else "/{id}"
        return f"{METHODS[kind]} {resource.collection(name)}{item}"

    def _content(self, name: str, number: int) -> dict[str, Any]:
        sample = getattr(self._seed, f"sample_{name}")(number)
        return {key: value for key, value in msgspec.to_builtins(sample).items() if value is not None}

    def _seeded(self, name: str, number: int) -> str:
        return str(self._seed.identifier_of(name, number))

    def _path(self, name: str, resource: Resource, identifier: str) -> str:
        return f"{resource.collection(name)}/{identifier}"

    def _nowhere(self, name: str, resource: Resource) -> str:
        return self._path(name, resource, str(uuid.uuid4()))

    def _item(self, name: str, resource: Resource) -> tuple[int, str]:
        """A new one, or a sample where none is created; with its number."""
        if "create" in resource.operations:
            number = next(self.numbers[name])
            body = self._content(name, number)
            answer = self._ask(name, resource, "create", number=number, body=body)
            if answer.status_code == httpx.codes.CREATED:
                location = str(answer.headers["location"])
                if "get" in resource.operations:
                    token = {"consistency-token": answer.headers["consistency-token"]}
                    self._ask(name, resource, "get", location, number=number, headers=token)
                return number, location
        return 0, self._path(name, resource, self._seeded(name, 0))

    # What takes long

    def _slow(self, pool: ThreadPoolExecutor, name: str, resource: Resource) -> list[Future[None]]:
        kinds: tuple[Operation, ...] = ("create", "update")
        return [pool.submit(self._drip, name, resource, kind) for kind in kinds if kind in resource.operations]

    def _drip(self, name: str, resource: Resource, kind: Operation) -> None:
        """A body of which no more than the beginning arrives."""
        path = resource.collection(name) if kind == "create" else self._nowhere(name, resource)
        head = (
            f"{METHODS[kind]} {path} HTTP/1.1\r\nHost: campaign\r\n"
            f"Authorization: Bearer {self._token(name, resource, kind)}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        port = urlsplit(self._process(kind).url).port
        with socket.create_connection((HOST, port or 0), timeout=SLOW_SECONDS) as connection:
            connection.sendall(head.encode())
            status = connection.recv(65_536).split(b" ", 2)[1]
        self.found.answered(self.service.service, self._label(name, resource, kind), int(status))

    @contextmanager
    def _hurt(self) -> Iterator[Callable[[Operation], str]]:
        """Processes whose database is away, and that answer each operation once before their limit is reached."""
        system = self.service.installation.system.services[self.service.service]
        number = sum(len(resource.operations) for resource in system.resources.values())
        started: dict[str, RunningService] = {}
        for role, process in self.service.processes.items():
            if role not in ("api", "command", "query"):
                continue
            known = process.process.environment
            shards = [
                {**shard, "writer": f"{HOST}:1", "readers": [f"{HOST}:1" for _ in shard["readers"]]}
                for shard in json.loads(known["DATABASE_SHARDS"])
            ]
            away = {"DATABASE_SHARDS": json.dumps(shards), "RATE_LIMIT_SECONDS": "600"}
            limit = {"RATE_LIMIT_REQUESTS": str(max(10, number))}
            started[role] = start_service(
                self.service.installation, self.service.service, role, process.process.log.parent, away | limit
            )
        try:
            for process in started.values():
                process.process.wait_until(partial(_listens, process))
            yield lambda kind: (started.get("query" if kind in READING else "command") or started["api"]).url
        finally:
            for process in started.values():
                process.stop()

    def _refused(self, base: Callable[[Operation], str], status: int) -> None:
        """Each operation once, or more often until the limit is reached."""
        resources = self.service.installation.system.services[self.service.service].resources

        def ask(name: str, resource: Resource, kind: Operation) -> None:
            body, number = None, 0
            if kind in ("create", "update"):
                number = next(self.numbers[name])
                body = self._content(name, number)
            path = "" if kind in ("list", "create") else self._nowhere(name, resource)
            for _ in range(1 if status == httpx.codes.SERVICE_UNAVAILABLE else 2 * TRIES):
                answer = self._ask(name, resource, kind, path, number=number, body=body, base=base(kind))
                if answer.status_code == status:
                    return

        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [
                pool.submit(ask, name, resource, kind)
                for name, resource in resources.items()
                for kind in resource.operations
            ]
        for each in asked:
            each.result()


def _listens(process: RunningService) -> bool:
    """Whether it answers at all; it is never ready."""
    try:
        return http_client().get(f"{process.url}/health/live", timeout=ANSWER_SECONDS).is_success
    except httpx.TransportError:
        return False
