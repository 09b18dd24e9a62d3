"""What clients see when a dependency fails is what the README says: each dependency, each way to fail, reads and writes
(h18). Bounds are the code's own; a busy machine of tests may add ROOM_SECONDS to each.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Literal, get_args

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from chassis.tests.caching.clients import KnownLogin, settings_of
from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase, temporary_database
from chassis.tests.database.library import API, LIST, Book, add, document
from chassis.tests.test_tokens_signing_keys import FIRST, SECOND, Provider
from chassis.tests.ways import FAULTS, HOST, Fault, Way, way_to
from groundplan_chassis.access import Access
from groundplan_chassis.buckets import Limit
from groundplan_chassis.caching import CachedResource, Valkey
from groundplan_chassis.caching.connection import ANSWER_SECONDS
from groundplan_chassis.client_address import ClientAddress
from groundplan_chassis.database import limits
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.idempotency import create_once
from groundplan_chassis.documents import Document, Page
from groundplan_chassis.environment import Address
from groundplan_chassis.health import Health
from groundplan_chassis.http.app import create_app
from groundplan_chassis.http.operations import Call, Operation
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.redaction import Redaction
from groundplan_chassis.observe.requests import RequestLog
from groundplan_chassis.ratelimit import RateLimiter
from groundplan_chassis.service import Service
from groundplan_chassis.settings import Role, Shard, TokenSettings
from groundplan_chassis.signing_keys import FETCH_SECONDS
from groundplan_chassis.tokens import TokenVerifier
from groundplan_devkit import names
from groundplan_devkit.servers import Postgres
from groundplan_devkit.servers import servers as running_servers
from groundplan_devkit.testing import CacheUser

Dependency = Literal["primary", "replica", "cache", "identity"]
ROOM_SECONDS: Final = 4.0
ISSUER: Final = "https://issuer.example.com/pool"
BOOKS = CachedResource("book", Book, invalidation="event", seconds=3600)


class Secrets:
    """Of the database; the newest of them is not to be had, as while Secrets Manager is away."""

    def __init__(self, target: TemporaryDatabase) -> None:
        self._target = target

    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        assert not fresh
        return await self._target.get(arn)


class Handlers:
    """Of books: reads from a replica, with a copy in the cache; writes with their events."""

    async def get(self, call: Call) -> Document | None:
        database = call.context.database

        async def load() -> Document | None:
            row = await database.fetchrow("SELECT * FROM books WHERE id = $1", call.id, shard=0)
            return None if row is None else document(row)

        return await BOOKS(call.context).get(call.id, load)

    async def list(self, call: Call) -> Page:
        return await LIST.page(call.context.database, call.query, document)

    async def create(self, call: Call) -> Document:
        async def work(transaction: Any) -> Document:
            return await add(transaction, call.body)

        return await create_once(call.context.database, call, work, after_commit=BOOKS(call.context).written)


@dataclass(frozen=True)
class Stage:
    """A process's API on real servers, by ways on which things go wrong."""

    client: httpx.AsyncClient
    ways: Mapping[Dependency, Way]

    async def read(self, path: str = "", *, kid: str = "first", key: RSAPrivateKey = FIRST) -> Answer:
        return await self._timed("GET", path, kid, key)

    async def write(self) -> Answer:
        return await self._timed("POST", "", "first", FIRST, json={"reader": "r-1", "pages": 7})

    async def _timed(self, method: str, path: str, kid: str, key: RSAPrivateKey, **more: Any) -> Answer:
        headers = {"authorization": f"Bearer {token(kid, key)}"}
        begun = time.monotonic()
        answer = await self.client.request(method, f"{API.path}{path}", headers=headers, **more)
        return Answer(answer, time.monotonic() - begun)


@dataclass(frozen=True)
class Answer:
    response: httpx.Response
    seconds: float

    def is_(self, status: int, within: float) -> None:
        """``within``: seconds, as the README has them."""
        assert self.response.status_code == status, self.response.text
        assert self.seconds < within + ROOM_SECONDS
        if status == 503:
            assert int(self.response.headers["retry-after"]) >= 1


def token(kid: str, key: RSAPrivateKey) -> str:
    now = int(time.time())
    claims = {
        "sub": "r-1",
        "iss": ISSUER,
        "client_id": "web",
        "token_use": "access",
        "scope": "library/read library/write",
        "cognito:groups": ["reader"],
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


@pytest.fixture(scope="module")
async def target(postgres_server: Postgres) -> AsyncIterator[TemporaryDatabase]:
    async with temporary_database(postgres_server) as made:
        yield made


@pytest.fixture(scope="module")
def cache_user(needs_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheUser]:
    """Of one server: in a cluster its nodes tell clients of other ways to them."""
    with running_servers("valkey", directory=tmp_path_factory.mktemp("servers"), clustered=False) as servers:
        assert servers.valkey is not None
        servers.valkey.add_user("library", "secret", names.access_string("library:"))
        yield CacheUser("library", "secret", "library:", servers.valkey)


@asynccontextmanager
async def staged(target: TemporaryDatabase, user: CacheUser, role: Role = "api") -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        provider = Provider()
        await provider.start()
        stack.push_async_callback(provider.stop)
        ports: dict[Dependency, int] = {
            "primary": target.port(),
            # Of the same server: a replica that lags behind by nothing.
            "replica": target.port(),
            "cache": user.port,
            "identity": provider.port,
        }
        ways = {name: await stack.enter_async_context(way_to(port)) for name, port in ports.items()}
        settings = target.settings()
        readers = (Address(HOST, ways["replica"].port),)
        settings = replace(
            settings,
            shards=(Shard(Address(HOST, ways["primary"].port), "", readers, ""),),
            writer_connections=0 if role == "query" else 4,
            reader_connections=4,
        )
        database = await Database.open(settings, Secrets(target), StatementRecorder(), target.tls)
        stack.push_async_callback(database.close)
        address = Address(HOST, ways["cache"].port)
        cache = Valkey(
            replace(settings_of(user), address=address, reader=address),
            KnownLogin(user.username, user.password),
            user.tls,
        )
        await cache.start()
        stack.push_async_callback(cache.close)
        url = f"http://{HOST}:{ways['identity'].port}/jwks"
        tokens = TokenVerifier(TokenSettings(ISSUER, url, frozenset({"web"})), None)
        stack.push_async_callback(tokens.close)
        metrics = Metrics("library", "library", lambda _: None)
        context: Any = SimpleNamespace(
            settings=SimpleNamespace(system="library"),
            metrics=metrics,
            requests=RequestLog("library", role, metrics, Redaction(), lambda _: None),
            health=Health(),
            database=database,
            cache=cache,
            tokens=tokens,
            limiter=RateLimiter(cache, Limit(100_000, 60)),
            client_address=ClientAddress(trust_viewer=False),
        )
        books = Handlers()
        access = Access.of("reader")
        handlers: dict[Any, Any] = {"get": books.get, "list": books.list, "create": books.create}
        operations = [
            Operation(kind=kind, resource=API, handler=each, access=access) for kind, each in handlers.items()
        ]
        service = Service(name="library", package="library", title="Library", operations=operations, caches=[BOOKS])
        transport = httpx.ASGITransport(create_app(service, role, context))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://library"))
        yield Stage(client, ways)


async def warm(stage: Stage) -> str:
    """All connections are open and the keys known; returns the path of an item."""
    (await stage.read()).is_(200, 1.0)
    made = await stage.write()
    made.is_(201, 1.0)
    return str(made.response.headers["location"]).removeprefix(API.path)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_the_cache_answers_are_slower(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    """Each wait for it takes 0.1 s at most, and there are no more once it is known to be away."""
    async with staged(target, cache_user) as stage:
        item = await warm(stage)
        await stage.ways["cache"].break_(fault)
        for _ in range(2):
            (await stage.read(item)).is_(200, 3 * 2 * ANSWER_SECONDS)
            (await stage.read()).is_(200, 2 * ANSWER_SECONDS)
            (await stage.write()).is_(201, 3 * 2 * ANSWER_SECONDS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_a_replica_the_primary_is_read(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    async with staged(target, cache_user) as stage:
        await warm(stage)
        await stage.ways["replica"].break_(fault)
        for _ in range(2):
            (await stage.read()).is_(200, limits.RETRY_SECONDS)
            (await stage.write()).is_(201, 0.0)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_the_primary_reads_go_on(target: TemporaryDatabase, cache_user: CacheUser, fault: Fault) -> None:
    async with staged(target, cache_user) as stage:
        item = await warm(stage)
        await stage.ways["primary"].break_(fault)
        for _ in range(2):
            (await stage.write()).is_(201 if fault == "slow" else 503, limits.RETRY_SECONDS)
            (await stage.read()).is_(200, 0.0)
            (await stage.read(item)).is_(200, 0.0)


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_any_database_only_copies_are_read(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    async with staged(target, cache_user) as stage:
        item = await warm(stage)
        (await stage.read(item)).is_(200, 0.0)
        for name in ("primary", "replica"):
            await stage.ways[name].break_(fault)
        away = fault != "slow"
        (await stage.read(item)).is_(200, 0.0)
        # From the replica first, and then from the primary.
        (await stage.read()).is_(503 if away else 200, 2 * limits.RETRY_SECONDS)
        (await stage.write()).is_(503 if away else 201, limits.RETRY_SECONDS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_query_process_without_its_replicas(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    async with staged(target, cache_user, "query") as stage:
        (await stage.read()).is_(200, 1.0)
        await stage.ways["replica"].break_(fault)
        for _ in range(2):
            (await stage.read()).is_(200 if fault == "slow" else 503, limits.RETRY_SECONDS)
        refused = await stage.write()
        assert refused.response.status_code == 421, "another role's"


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_the_identity_provider_known_keys_are_good(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    async with staged(target, cache_user) as stage:
        await warm(stage)
        await stage.ways["identity"].break_(fault)
        (await stage.read()).is_(200, 0.0)
        (await stage.write()).is_(201, 0.0)
        (await stage.read(kid="second", key=SECOND)).is_(401, FETCH_SECONDS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_process_that_starts_without_the_identity_provider(
    target: TemporaryDatabase, cache_user: CacheUser, fault: Fault
) -> None:
    async with staged(target, cache_user) as stage:
        await stage.ways["identity"].break_(fault)
        for _ in range(2):
            (await stage.read()).is_(200 if fault == "slow" else 503, FETCH_SECONDS)
            (await stage.write()).is_(201 if fault == "slow" else 503, FETCH_SECONDS)


def test_every_way_to_fail_is_tried() -> None:
    """Of each dependency that requests may wait for; they wait for none of the README's others."""
    assert set(FAULTS) == {"frozen", "refused", "slow", "reset"}
    assert set(get_args(Dependency)) == {"primary", "replica", "cache", "identity"}
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    assert "No request waits for the broker, Secrets Manager, the log's reader or the collector." in readme
