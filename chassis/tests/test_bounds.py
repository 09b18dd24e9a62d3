"""Nothing in a process grows with its requests: every store of the chassis has a bound, and holds to it (h6).

The stores are found in the source: what starts empty, or is added to later. One that is new fails the test until its
bound is said here, and shown where requests fill it.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeGuard
from uuid import uuid4

import hiredis
import pytest

import groundplan_chassis
from chassis.tests.database.library import LIST, QUERIES
from chassis.tests.test_exchange import GET, Client
from chassis.tests.test_tokens import verifier
from groundplan_chassis import client_address, connection, response
from groundplan_chassis.access import ANONYMOUS
from groundplan_chassis.buckets import Limit, LocalBuckets
from groundplan_chassis.caching import cluster, documents, valkey
from groundplan_chassis.caching.connection import MOST_WAITING
from groundplan_chassis.caching.connection import Connection as CacheConnection
from groundplan_chassis.caching.replies import AWAY
from groundplan_chassis.client_address import ClientAddress
from groundplan_chassis.database import listing
from groundplan_chassis.environment import Address
from groundplan_chassis.health import Receive, Scope, Send
from groundplan_chassis.http import answers
from groundplan_chassis.http.admission import Admission
from groundplan_chassis.observe import metrics, redaction, sink, statements
from groundplan_chassis.observe.metrics import Metrics
from groundplan_chassis.observe.requests import RequestLog
from groundplan_chassis.observe.sink import Sink
from groundplan_chassis.response import Defaults, Head
from groundplan_chassis.settings import CacheSettings

SOURCE: Final = Path(groundplan_chassis.__file__).parent
EMPTY: Final = frozenset({"dict", "set", "list", "deque", "Counter", "defaultdict", "OrderedDict", "WeakKeyDictionary"})
ADDING: Final = frozenset({"append", "appendleft", "add", "extend", "setdefault", "update", "insert"})

DECLARED: Final = {
    "caching/documents.py _without_cache": "resources that the service caches",
    "caching/scripts.py Script.known": "scripts of the program",
    "caching/valkey.py Valkey.attached": "resources that the service caches",
    "caching/valkey.py Valkey._when_back": "callers at the start",
    "caching/cluster.py Cluster.links": "primaries of the cluster",
    "database/constraints.py Constraints._known": "constraints of the schema",
    "database/silence.py Watch._answered": "servers that the settings name",
    "database/silence.py Watch._silenced": "connections of the pool",
    "database/silence.py Watch._waiting": "connections of the pool",
    "environment.py Environment.problems": "variables, at the start",
    "environment.py Environment.read": "variables, at the start",
    "events/kafka/subscription.py _Membership._lanes": "partitions",
    "events/kafka/watchdog.py Watchdog._behind": "partitions",
    "events/kafka/watchdog.py Watchdog._busy": "partitions",
    "events/kafka/watchdog.py Watchdog._given": "partitions",
    "events/queues/clients.py Clients._made": "AWS services",
    "events/tries.py Tries._away": "shards",
    "health.py Health._checks": "dependencies of the role",
    "health.py Health._down": "dependencies of the role",
    "http/bodies.py BodyType._fields": "fields of the declaration",
    "http/bodies.py BodyType._required": "fields of the declaration",
    "http/routing.py Routes._collections": "operations of the service",
    "http/routing.py Routes._items": "operations of the service",
    "http/routing.py _Methods.endpoints": "operations of the service",
    "observe/metrics.py Metrics._distributions": "names of the program; buckets of one are the values' magnitudes",
    "observe/metrics.py Metrics._observers": "callers at the start",
    "observe/telemetry.py Telemetry._counters": "names of the program",
    "observe/telemetry.py Telemetry._histograms": "names of the program",
    "secrets.py Secrets._fetching": "secrets that the settings name",
    "secrets.py Secrets._known": "secrets that the settings name",
    "signals.py StopOrder._impatient": "callers at the start",
}
"""Entries are of the program, its declaration or its settings; requests add none."""

IN_WORK: Final = {
    "caching/documents.py DocumentCache._loads": "loads that are under way",
    "events/kafka/publisher.py KafkaPublisher._with_producer": "what a producer is given within STUCK_SECONDS",
    "events/relay.py Relay._set_aside": "rows of the last claim, which have at most MOST_SET_ASIDE of them",
    "http/admission.py Bytes._waiting": "requests in work",
}
"""An entry goes with the request, event or connection that it is of; those have bounds of their own."""
OF_ONE: Final = {
    "http/queries.py Listing.parameters": "a request, at most 100 parameters",
    "http/queries.py _Reader._details": "a request, at most 100 parameters",
    "observe/metrics.py Distribution.counts": "magnitudes of 64-bit numbers, until the next flush",
}
"""Of one request or flush, and gone with it."""
ELSEWHERE: Final = {
    "connection.py BoundedProtocol._headers": "HEAD_BYTES: chassis/tests/http/test_framing.py, test_serving.py",
    "signing_keys.py SigningKeys._keys": "MOST_KEYS: chassis/tests/test_tokens_signing_keys.py",
}
"""A bound that another test shows."""

MOST: Final = 10
"""In place of the larger bounds."""


def stores() -> Iterator[str]:
    """File and name of all that starts empty or is added to, and lives longer than a call."""
    for file in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(file.read_text())
        where = file.relative_to(SOURCE).as_posix()
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                yield from (f"{where} {statement.name}.{name}" for name in _of_class(statement))
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and _is_empty(statement.value):
                yield from (f"{where} {target.id}" for target in _targets(statement) if isinstance(target, ast.Name))
            elif isinstance(statement, ast.FunctionDef) and any(
                "cache" in ast.unparse(each) for each in statement.decorator_list
            ):
                yield f"{where} {statement.name}"


def _of_class(definition: ast.ClassDef) -> Iterator[str]:
    for statement in definition.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _is_empty(statement.value):
            yield from (target.id for target in _targets(statement) if isinstance(target, ast.Name))
    for node in ast.walk(definition):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in _targets(node):
                if _is_own(target) and _is_empty(node.value):
                    yield target.attr
                elif isinstance(target, ast.Subscript) and _is_own(target.value):
                    yield target.value.attr
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in ADDING and _is_own(value):
                yield value.attr


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def _is_own(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _is_empty(value: ast.expr | None) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=ast.Call(func=ast.Name(id="lru_cache" | "cache"))):
            return True
        case ast.Call(func=ast.Name(id=name), args=[]):
            return name in EMPTY
    return False


async def tokens(_: pytest.MonkeyPatch) -> tuple[int, int]:
    found = verifier(most_remembered=MOST)
    for number in range(5 * MOST):
        found._remember(b"%d" % number, ANONYMOUS)
    return len(found._young) + len(found._old), MOST


async def addresses(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(client_address, "_MOST_REMEMBERED", MOST)
    found = ClientAddress(trust_viewer=True)
    for number in range(5 * MOST):
        found.of(b"192.0.2.%d" % number, None, f"198.51.100.{number}")
    return len(found._known), MOST


async def buckets(_: pytest.MonkeyPatch) -> tuple[int, int]:
    found = LocalBuckets(Limit(100, 60), MOST)
    for number in range(5 * MOST):
        found.take(f"192.0.2.{number}", number)
    return len(found), MOST


async def header_names(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    known: dict[bytes, bytes] = {}
    monkeypatch.setattr(response, "_known", known)
    monkeypatch.setattr(response, "_MOST_NAMES", MOST)
    headers = [(b"x-%d" % number, b"y") for number in range(5 * MOST)]
    Head(200, headers, Defaults(), has_body=False, old=False, closes=False)
    return len(known), MOST


async def pipelined(_: pytest.MonkeyPatch) -> tuple[int, int]:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        await asyncio.Event().wait()

    client = Client(never)
    answer = await client.ask(5 * connection.MOST_PIPELINED * GET)
    size = len(client.protocol.pipeline)
    assert answer == b"", "it is refused once those before it are answered"
    client.protocol.connection_lost(None)
    for task in list(client.state.tasks):
        task.cancel()
    await asyncio.sleep(0)
    return size, connection.MOST_PIPELINED


async def commands(_: pytest.MonkeyPatch) -> tuple[int, int]:
    def on_error(_: CacheConnection, error: hiredis.ReplyError, __: object) -> None:
        raise AssertionError(error)

    found = CacheConnection(on_error, 5.0)
    found._transport = SimpleNamespace(write=lambda _: None, abort=lambda: None)  # type: ignore[assignment]
    for _number in range(MOST_WAITING + MOST):
        found.ask(("GET", b"key"))
    size = max(len(found._waiting), len(found._batch))
    found.drop("the end of the test")
    return size, MOST_WAITING


async def topology_reasons(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(cluster, "_MOST_TOLD", MOST)
    absent: Any = None
    found = cluster.Cluster(Address("127.0.0.1", 1), absent, absent)
    for number in range(5 * MOST):
        found._report(f"reason {number}")
    return len(found._told), MOST


async def cache_refusals(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(valkey, "_MOST_TOLD", MOST)
    absent: Any = None
    address = Address("127.0.0.1", 1)
    settings = CacheSettings(
        address=address, reader=address, clustered=False, key_prefix="x:", secret_arn="", tls=False
    )
    found = valkey.Valkey(settings, absent, None)
    for number in range(5 * MOST):
        found._report(f"WORD{number}", "a server's own words")
    return len(found._told), MOST


class AwayCache:
    """Stands for a cache that is away."""

    prefix = b"x:"

    def run(self, *_: object) -> asyncio.Future[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        future.set_result(AWAY)
        return future


async def missed(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(documents, "_MOST_MISSED", MOST)
    found = documents.DocumentCache(None, "order", "event", 60)
    for _ in range(5 * MOST):
        found.read_lookup(uuid4(), None)
    return len(found._missed), MOST


async def invalidations(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(documents, "MOST_PENDING", MOST)
    away: Any = AwayCache()
    found = documents.DocumentCache(away, "order", "event", 60)
    for _ in range(5 * MOST):
        await found.changed(uuid4(), 2)
    size = len(found._pending)
    assert found._retrying is not None
    found._retrying.cancel()
    await asyncio.wait([found._retrying])
    return size, MOST


async def counts_of_lists(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    class Many:
        shards = range(1)

        async def each_shard(self, *_: object) -> list[list[dict[str, int]]]:
            return [[{"total": listing.COUNTED + 1}]]

    monkeypatch.setattr(listing, "MOST_REMEMBERED", MOST)
    database: Any = Many()
    for pages in range(1, 5 * MOST):
        await LIST._total(database, QUERIES.parse(b"pages=%d" % pages), 20, more=True)
    size = len(LIST._beyond[database])
    del database
    gc.collect()
    assert not len(LIST._beyond), "nor does it outlive the database"
    return size, MOST


async def log_lines(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    monkeypatch.setattr(sink, "MOST_LINES", MOST)
    found = Sink()
    monkeypatch.setattr(found, "_start", lambda: None)
    for _ in range(5 * MOST):
        found.write(b"line\n")
    return len(found._waiting), MOST


async def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """While the thread that flushes is late, or gone."""
    monkeypatch.setattr(metrics, "_GATHERED", MOST)
    lines: list[bytes] = []
    found = Metrics("shop", "order", lines.append)
    for _ in range(5 * MOST):
        found.count("requests", 2)
        found.record("request_duration_ms", 1.0)
    size = max(len(found._counts["requests"]), len(found._records["request_duration_ms"]))
    found.flush()
    assert json.loads(lines[0])["requests"] == 10 * MOST, "nothing is lost"
    return size, MOST


async def callers_of_lists(_: pytest.MonkeyPatch) -> tuple[int, int]:
    found = Admission()
    for number in range(5 * MOST):
        with found.listing((f"caller-{number}", ""), walks=True):
            pass
    return len(found._lists) + len(found._walks), 0


async def callers_that_wait(_: pytest.MonkeyPatch) -> tuple[int, int]:
    found = Admission()
    for number in range(5 * MOST):
        with found.waiting((f"caller-{number}", "")):
            pass
    return len(found._waits), 0


async def statements_in_logs(_: pytest.MonkeyPatch) -> tuple[int, int]:
    for number in range(2000):
        statements.one_line(f"SELECT {number}")
    return statements.one_line.cache_info().currsize, 1024


async def names_in_logs(_: pytest.MonkeyPatch) -> tuple[int, int]:
    for number in range(2000):
        redaction._plain(f"name-{number}")
    return redaction._plain.cache_info().currsize, 1024


async def subjects_in_logs(_: pytest.MonkeyPatch) -> tuple[int, int]:
    lines: list[bytes] = []
    found = RequestLog("user", "api", Metrics("shop", "user", lines.append), redaction.Redaction(), lines.append)
    for number in range(5_000):
        found.audited(request_id="a", subject=f"subject-{number}", operation="GET /", items=())
    return found._subject.cache_info().currsize, 4096


async def policies_of_limits(_: pytest.MonkeyPatch) -> tuple[int, int]:
    for number in range(100):
        answers._policy(number, 60)
    return answers._policy.cache_info().currsize, 16


FILLED: Final[dict[str, Callable[[pytest.MonkeyPatch], Awaitable[tuple[int, int]]]]] = {
    "buckets.py LocalBuckets._buckets": buckets,
    "caching/cluster.py Cluster._told": topology_reasons,
    "caching/connection.py Connection._batch": commands,
    "caching/connection.py Connection._waiting": commands,
    "caching/documents.py DocumentCache._missed": missed,
    "caching/documents.py DocumentCache._pending": invalidations,
    "caching/valkey.py Valkey._told": cache_refusals,
    "client_address.py ClientAddress._known": addresses,
    "connection.py BoundedProtocol.pipeline": pipelined,
    "database/listing.py ListStatement._beyond": counts_of_lists,
    "http/admission.py Admission._lists": callers_of_lists,
    "http/admission.py Admission._walks": callers_of_lists,
    "http/admission.py Admission._waits": callers_that_wait,
    "http/answers.py _policy": policies_of_limits,
    "observe/metrics.py Metrics._counts": counted,
    "observe/metrics.py Metrics._records": counted,
    "observe/redaction.py _plain": names_in_logs,
    "observe/requests.py RequestLog._subject": subjects_in_logs,
    "observe/sink.py Sink._waiting": log_lines,
    "observe/statements.py one_line": statements_in_logs,
    "response.py _known": header_names,
    "tokens.py TokenVerifier._old": tokens,
    "tokens.py TokenVerifier._young": tokens,
}
"""Filled far beyond: the size that is left, and the bound."""


def test_every_store_has_a_bound() -> None:
    said = [*DECLARED, *IN_WORK, *OF_ONE, *ELSEWHERE, *FILLED]
    assert len(said) == len(set(said)), "said twice"
    assert set(stores()) == set(said)


@pytest.mark.parametrize("fill", dict.fromkeys(FILLED.values()), ids=lambda fill: fill.__name__)
async def test_what_requests_fill_stays_within_its_bound(
    fill: Callable[[pytest.MonkeyPatch], Awaitable[tuple[int, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    size, bound = await fill(monkeypatch)
    assert size <= bound
