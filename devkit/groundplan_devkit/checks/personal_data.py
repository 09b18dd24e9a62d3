"""Personal data is where it is declared to be and nowhere else (S5).

Values are planted by way of the API, used as clients use them, and looked for in every place where something of a
request can end up.

Declared places: the resource's own table, its read model and its copies in the cache; for a day the answer that an
idempotency key stands for; and answers to callers who may read the row. Once the person is erased, there is no place.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer

from groundplan.declaration.model import Erasure, FieldType, Operation, Resource, System
from groundplan_devkit import event_log, names
from groundplan_devkit.checks.own_rows import private_parents
from groundplan_devkit.deployed import Caller, DeployedService, Deployment, NewDeployment, eventually
from groundplan_devkit.services import package_of

TEXTS = (FieldType.STRING, FieldType.TEXT)
SHORTEST = 24
"""Characters that a field must hold for a value that nothing else has."""
NUMBER = 1000
"""Of a sample that is not there yet, beside which rows of other tables are."""
SETTLED_SECONDS = 3.0
"""In which all that follows from a request has been written, after the last thing that can be waited for."""


def canary() -> str:
    """A value that is nowhere by chance: letters and digits, so that most encodings leave it as it is."""
    return f"canary{uuid.uuid4().hex[:14]}"


def needles(token: str) -> list[bytes]:
    """What to look for: the token as text, as hexadecimal digits, in UTF-16, in base64 at each of its alignments."""
    raw = token.encode()
    found = [raw, raw.hex().encode(), token.encode("utf-16-le")]
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        # Characters that the token's neighbours have a part in are left out.
        found.append(whole[-(-before * 4 // 3) : len(whole) - (4 if (before + len(raw)) % 3 else 0)])
    return found


def holds(content: bytes, token: str) -> bool:
    """Whether the token is in the content, in any of these forms and in any case."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    plain, *encoded = needles(token)
    return plain in content.lower() or any(needle in content for needle in encoded)


@dataclass
class Collector:
    """Takes what tracing sends, as an OpenTelemetry collector does."""

    received: list[bytes] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def listening(self) -> Iterator[Collector]:
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


# Looks into values of every kind on the server itself, since many are not text.
_IN_CACHE = """
local found = {}
local function seek(key, values)
  for _, value in ipairs(values) do
    for needle in string.gmatch(ARGV[1], '[^ ]+') do
      if string.find(string.lower(value), needle, 1, true) or string.find(value, needle, 1, true) then
        table.insert(found, key)
        return
      end
    end
  end
end
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local kind = redis.call('TYPE', key)['ok']
    seek(key, {key})
    if kind == 'string' then seek(key, {redis.call('GET', key)})
    elseif kind == 'hash' then seek(key, redis.call('HGETALL', key))
    elseif kind == 'list' then seek(key, redis.call('LRANGE', key, 0, -1))
    elseif kind == 'set' then seek(key, redis.call('SMEMBERS', key))
    elseif kind == 'zset' then seek(key, redis.call('ZRANGE', key, 0, -1))
    end
  end
until cursor == '0'
return found
"""


@dataclass
class Stage:
    """The whole system, and all that it writes."""

    deployment: Deployment
    services: dict[str, DeployedService]
    log: Path
    collector: Collector
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    """Of each answer what is not a document: headers, links, and errors whole."""
    planted: dict[str, set[str]] = field(default_factory=dict)
    """Token → places that may have it."""
    erasable: set[str] = field(default_factory=set)
    """Tokens that go with their person."""

    def search(self, token: str) -> set[str]:
        """Every place that has the token."""
        return self.places([token])[token]

    def places(self, tokens: Iterable[str]) -> dict[str, set[str]]:
        """Every place that has each of the tokens; all places are read once."""
        found = {token: set(self._cached(token)) for token in tokens}
        for place, content in self._contents():
            for token, places in found.items():
                if place not in places and holds(content, token):
                    places.add(place)
        return found

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """All that is written anywhere but in the cache, by place."""
        yield from ((f"answer: {place}", content) for place, content in self.answers)
        for path in self._logged():
            yield f"event log: {path.parent.parent.parent.name}", path.read_bytes()
        yield from ((f"topic: {topic}", content) for topic, content in asyncio.run(self._topics()))
        yield from (("traces", content) for content in self.collector.received)
        for name, service in self.services.items():
            for table in _tables(service):
                yield f"database {name}: {table}", _stored(service, table)
            for role, process in service.processes.items():
                yield f"log: {name} {role}", process.process.log.read_bytes()
        servers = Path(self.deployment.installation.servers.directory)
        yield from ((f"log: {path.name}", path.read_bytes()) for path in servers.glob("*.log"))

    def take(self, place: str, answer: httpx.Response) -> httpx.Response:
        said = b"\n".join(name + b": " + value for name, value in answer.headers.raw)
        if answer.is_error:
            said += answer.content
        elif answer.content:
            said += json.dumps(answer.json().get("links")).encode()
        self.answers.append((f"{answer.request.method} {place} {answer.status_code}", said))
        return answer

    def _logged(self) -> Iterator[Path]:
        return (path for path in self.log.rglob("*") if path.is_file())

    def _cached(self, token: str) -> Iterator[str]:
        valkey = self.deployment.installation.servers.valkey
        assert valkey is not None
        wanted = b" ".join(each for each in needles(token) if each.isalnum()).decode()
        for node in range(len(valkey.ports)):
            for key in valkey.execute("EVAL", _IN_CACHE, "0", wanted, node=node).split():
                yield f"cache: {key.rpartition(':')[0]}"

    async def _topics(self) -> list[tuple[str, bytes]]:
        """All that is on the system's Kafka topics, dead letters as well. What SNS sends is in the event log."""
        installation = self.deployment.installation
        kafka = installation.servers.kafka
        if installation.plan.events is None or installation.plan.events.kafka is None:
            return []
        assert kafka is not None
        found: list[tuple[str, bytes]] = []
        async with AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            prefix = names.topic_name(installation.events_scope, "")
            consumer.subscribe(topics=sorted(each for each in await consumer.topics() if each.startswith(prefix)))
            quiet = 0
            while quiet < 3:
                batches = await consumer.getmany(timeout_ms=500)
                quiet = 0 if batches else quiet + 1
                for partition, records in batches.items():
                    for record in records:
                        parts = [record.key, record.value, *(value for _, value in record.headers)]
                        found.append((partition.topic.removeprefix(prefix), b"\n".join(part or b"" for part in parts)))
        return found


def _tables(service: DeployedService) -> list[str]:
    rows = service.rows_on(0, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    # The last statement of each connection: no value stands in any.
    return [*(str(row["tablename"]) for row in rows), "pg_stat_activity"]


def _stored(service: DeployedService, table: str) -> bytes:
    """Every row as text."""
    rows = service.rows(f'SELECT to_jsonb(each)::text AS content FROM "{table}" AS each')  # noqa: S608  of the catalogue
    return "\n".join(str(row["content"]) for row in rows).encode()


def person(number: int) -> str:
    """The subject whose rows have values of this number's sample."""
    return str(uuid.UUID(int=number))


def personal_texts(resource: Resource) -> dict[str, int]:
    """Personal fields that can hold a canary, and how much of one."""
    lengths = {
        name: options.max_length or (255 if options.type is FieldType.STRING else 10_000)
        for name, options in resource.fields.items()
        if options.personal and options.type in TEXTS
    }
    return {name: length for name, length in lengths.items() if length >= SHORTEST}


def with_personal_data(system: System) -> list[tuple[str, str]]:
    """Services and resources of which something personal can be told by way of the API."""
    return [
        (service, name)
        for service, declared in system.services.items()
        for name, resource in declared.resources.items()
        if personal_texts(resource) and "create" in resource.operations
    ]


@contextmanager
def stage(new_deployment: NewDeployment, folder: Path) -> Iterator[Stage]:
    """Services with personal data, and those that hear of them, with everything logged that can be.

    ``folder`` takes the event log.
    """
    with pytest.MonkeyPatch.context() as patch, Collector().listening() as collector, new_deployment() as made:
        system = made.installation.system
        concerned = [service for service, _ in with_personal_data(system)]
        heard = {event for service in concerned for event in system.services[service].publishes}
        concerned += [name for name, other in system.services.items() if heard & set(other.consumes)]
        if not concerned:
            pytest.skip("nothing personal is declared that can hold a text")
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("LOG_LEVEL", "debug")
        with event_log.collecting(made.installation, folder):
            services = {service: made.deploy(service) for service in dict.fromkeys(concerned)}
            stage = Stage(made, services, folder, collector)
            for service, resource in with_personal_data(system):
                _use(stage, service, resource)
            eventually(lambda: all(not service.rows(_UNSENT) for service in services.values() if _tells(service)))
            eventually(lambda: collector.received)
            time.sleep(SETTLED_SECONDS)
            yield stage


_UNSENT = "SELECT 1 FROM outbox WHERE sent_at IS NULL"


def _tells(service: DeployedService) -> bool:
    return "outbox" in _tables(service)


def _use(stage: Stage, service: str, name: str) -> None:
    """Every operation with planted values, and every refusal that could repeat one."""
    deployed = stage.services[service]
    declared = stage.deployment.installation.system.services[service]
    resource = declared.resources[name]
    sample = getattr(import_module(f"{package_of(service)}.seed"), f"sample_{name}")
    fields = personal_texts(resource)
    collection = resource.collection(name)
    places = {f"database {service}: {resource.table(name)}", f"database {service}: idempotency_keys"}
    if declared.cqrs:
        places.add(f"database {service}: {name}_read_model")
    places.add(f"cache: {deployed.installation.key_prefix(service)}document:{name}")

    def content(number: int) -> dict[str, object]:
        """Of a sample that is not there yet, with values of its own, which are planted."""
        made = {key: value for key, value in msgspec.to_builtins(sample(number)).items() if value is not None}
        if resource.owner is not None:
            made[resource.owner] = person(number)
        _own_parents(deployed, resource, made, person(number))
        for each in fields:
            token = canary()
            stage.planted[token] = places
            if resource.erasure is not None:
                stage.erasable.add(token)
            made[each] = f"{token}@example.com"[: fields[each]] if "@" in str(made.get(each)) else token
        return made

    def caller(operation: Operation, number: int) -> Caller:
        access = resource.access(operation)
        assert access is not None
        return deployed.anyone() if access.anyone else deployed.caller(access.roles[0], person(number))

    request: Callable[..., httpx.Response] = partial(_request, stage, collection)
    key, first = str(uuid.uuid4()), content(NUMBER)
    created = request(caller("create", NUMBER), "POST", collection, first, **{"idempotency-key": key})
    assert created.status_code == 201, created.text
    path = created.headers["location"]
    # Again, with another body, twice over, with a mistake beside it, and too long.
    request(caller("create", NUMBER), "POST", collection, first, **{"idempotency-key": key})
    request(caller("create", NUMBER), "POST", collection, content(NUMBER), **{"idempotency-key": key})
    request(caller("create", NUMBER), "POST", collection, first)
    request(caller("create", NUMBER), "POST", collection, {**content(NUMBER), "no_such_field": 1})
    wrong = content(NUMBER)
    request(caller("create", NUMBER), "POST", collection, wrong | {each: f"{wrong[each]}" * 1000 for each in fields})
    if "get" in resource.operations:
        stage.take(collection, caller("get", NUMBER).found(path))
        request(caller("get", NUMBER), "GET", path)
    if "update" in resource.operations:
        request(caller("update", NUMBER), "PUT", path, content(NUMBER))
        request(caller("update", NUMBER), "PUT", path, content(NUMBER), **{"if-match": '"7"'})
    if "list" in resource.operations:
        request(caller("list", NUMBER), "GET", collection)
        for each in fields:
            for query in ({each: str(first[each])}, {"sort": each}, {"sort": f"-{each}", "limit": "1"}):
                refused = caller("list", NUMBER).request("GET", collection, query=query)
                assert stage.take(collection, refused).status_code == 400, f"{each} is taken from a URL"
    if "delete" in resource.operations:
        gone = request(caller("create", NUMBER + 1), "POST", collection, content(NUMBER + 1))
        if gone.status_code == 201:
            request(caller("delete", NUMBER + 1), "DELETE", gone.headers["location"])


def _own_parents(service: DeployedService, resource: Resource, content: dict[str, object], subject: str) -> None:
    """Where rows of others may not be referred to, the content refers to one that is the subject's, or becomes it."""
    system = service.installation.system
    resources = system.services[service.service].resources
    for role in system.identity.roles:
        for reference, to, parent in private_parents(resources, resource, role):
            if content.get(reference) is None:
                continue
            table, owner = f'"{parent.table(to)}"', f'"{parent.owner}"'
            living = " AND deleted_at IS NULL" if "delete" in parent.operations else ""
            own = service.rows(f"SELECT id FROM {table} WHERE {owner} = %s{living} ORDER BY id LIMIT 1", subject)  # noqa: S608
            if own:
                content[reference] = str(own[0]["id"])
            else:
                statement = f"UPDATE {table} SET {owner} = %s WHERE id = %s RETURNING id"  # noqa: S608
                service.rows(statement, subject, content[reference])


def _request(
    stage: Stage, place: str, caller: Caller, method: str, path: str, body: object = None, /, **headers: str
) -> httpx.Response:
    return stage.take(place, caller.request(method, path, body, headers=headers))


def check_places(stage: Stage) -> None:
    """Planted values are where they are declared to be, and nowhere else."""
    found = stage.places(stage.planted)
    elsewhere = {place for token, places in found.items() for place in places - stage.planted[token]}
    assert elsewhere == set()
    tables = {place for places in found.values() for place in places if place.startswith("database ")}
    for service, name in with_personal_data(stage.deployment.installation.system):
        resource = stage.deployment.installation.system.services[service].resources[name]
        assert f"database {service}: {resource.table(name)}" in tables, "the search finds nothing at all"


def check_erasure(stage: Stage) -> None:
    """Of persons who are erased nothing that was planted is found anywhere, and each service says so.

    Where the declaration has persons, a DELETE asks for it, and other services hear of it by its event.
    """
    system = stage.deployment.installation.system
    erasing = [name for name in stage.services if system.services[name].erases]
    if not stage.erasable:
        pytest.skip("no resource with something personal declares `erasure`")
    assert any(stage.places(stage.erasable).values()), "the search finds nothing at all"
    for name in erasing:
        for resource_name, resource in system.services[name].resources.items():
            if resource.erasure is Erasure.PERSON:
                _delete(stage, name, resource_name, resource)
    hears = set(system.erasure_events())
    for name in erasing:
        declared = system.services[name]
        persons = [each for each in declared.resources.values() if each.erasure is Erasure.PERSON]
        if not persons and not hears & set(declared.consumes):
            stage.services[name].command("erase", person(NUMBER))
        _await(stage.services[name])
    time.sleep(SETTLED_SECONDS)
    assert set().union(*stage.places(stage.erasable).values()) == set()
    for name in erasing:
        stage.services[name].command("erase", person(NUMBER), "--check")


def _await(service: DeployedService) -> None:
    """Returns once the service says that the person is erased, and no request is open."""
    eventually(lambda: service.rows(_ERASED, person(NUMBER)))
    service.erasures_done()


_ERASED = "SELECT 1 FROM erasures WHERE subject = %s AND completed_at IS NOT NULL"


def _delete(stage: Stage, service: str, name: str, resource: Resource) -> None:
    """The API's request of the person, or of the first role that may delete."""
    deployed = stage.services[service]
    access = resource.access("delete")
    assert access is not None
    caller = deployed.anyone() if access.anyone else deployed.caller(access.roles[0], person(NUMBER))
    table, owner = resource.table(name), resource.owner
    found = deployed.rows(
        f'SELECT id FROM "{table}" WHERE "{owner}"::text = %s AND deleted_at IS NULL',  # noqa: S608
        person(NUMBER),
    )
    for row in found:
        answer = stage.take(table, caller.delete(f"{resource.collection(name)}/{row['id']}"))
        assert answer.status_code == 204, answer.text


def check_search(stage: Stage) -> None:
    """Proves that `check_places` can fail: a value that is put into each place by hand is found there."""
    token = canary()
    service = next(iter(stage.services.values()))
    installation = stage.deployment.installation
    expected = {"answer: GET /leak 404", "traces"}
    request = httpx.Request("GET", "http://leak")
    stage.take("/leak", httpx.Response(404, content=token.encode(), request=request))
    stage.collector.received.append(f"span {token}".encode())

    postgres = installation.servers.postgres
    assert postgres is not None
    kept = base64.b64encode(token.encode()).decode()
    statement = f"CREATE TABLE leak AS SELECT '{kept}'::text AS kept"
    postgres.execute(statement, database=installation.database_name(service.service))
    expected.add(f"database {service.service}: leak")

    valkey = installation.servers.valkey
    assert valkey is not None
    valkey.execute("SET", f"{installation.key_prefix(service.service)}leak:1", token)
    expected.add(f"cache: {installation.key_prefix(service.service)}leak")

    role, process = next(iter(service.processes.items()))
    with process.process.log.open("a") as log:
        log.write(f'{{"message": "{token}"}}\n')
    expected.add(f"log: {service.service} {role}")

    # PostgreSQL quotes what it can't read, in its own log.
    with pytest.raises(psycopg.Error):
        service.rows(f"SELECT '{token}'::integer")

    events: Any = installation.plan.events
    if events is not None:
        # No event, so that its readers put it among their dead letters.
        event, readers = max(
            ((topic.event, set(topic.consumers) & set(stage.services)) for topic in events.topics),
            key=lambda each: len(each[1]),
        )
        stage.deployment.send(event, uuid.uuid4(), json.dumps({"payload": token}).encode())
        expected.add(f"event log: event={event}")
        if events.kafka is not None:
            expected |= {f"topic: {event}", *(f"topic: {reader}.dead-letter" for reader in readers)}
    try:
        eventually(lambda: expected <= stage.search(token))
        assert [place for place in stage.search(token) if place.startswith("log: postgres")]
    finally:
        valkey.execute("DEL", f"{installation.key_prefix(service.service)}leak:1")
