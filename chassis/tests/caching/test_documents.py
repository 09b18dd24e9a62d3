"""Copies of documents (C2, C3): none older than what was known, one load for many readers, no harm without a cache."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from chassis.tests.caching.clients import QUICK, connected
from chassis.tests.waiting import until
from groundplan_chassis.caching import CachedResource, DocumentCache, Valkey
from groundplan_chassis.caching import documents as module
from groundplan_chassis.caching.connection import Question
from groundplan_chassis.caching.documents import MOST_BYTES, fingerprint
from groundplan_chassis.caching.replies import Command, Reply
from groundplan_chassis.documents import Document
from groundplan_chassis.http.errors import NotFound
from groundplan_chassis.observe import names as metric
from groundplan_devkit import names
from groundplan_devkit.servers import Servers
from groundplan_devkit.servers import servers as running_servers
from groundplan_devkit.testing import CacheUser

POLICIES = ("expiry", "event", "write_through")


def document(id: UUID, version: int = 1, text: str = "x") -> Document:
    return Document(id, version, "s-1", datetime(2026, 11, 25, 12, 0, tzinfo=UTC), b'{"text":"%s"}' % text.encode())


class Counts(Counter[str]):
    def count(self, name: str, n: int = 1) -> None:
        self[name] += n


class Table:
    """Rows as a database has them, with a replica that can be made to lag."""

    def __init__(self) -> None:
        self.primary: dict[UUID, Document] = {}
        self.replica: dict[UUID, Document] = {}
        self.loads = 0
        self.fresh_loads = 0
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None

    def commit(self, row: Document, *, replicated: bool = True) -> Document:
        self.primary[row.id] = row
        if replicated:
            self.replica[row.id] = row
        return row

    def loader(self, id: UUID) -> Any:
        async def load() -> Document | None:
            self.loads += 1
            row = self.replica.get(id)
            if self.hold is not None:
                await self.hold.wait()
            if self.error is not None:
                raise self.error
            return row

        return load

    def fresh(self, id: UUID) -> Any:
        async def load() -> Document | None:
            self.fresh_loads += 1
            return self.primary.get(id)

        return load


@pytest.fixture
async def valkey(cache_user: CacheUser) -> AsyncIterator[Valkey]:
    async with connected(cache_user) as client:
        yield client


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture(params=POLICIES)
def cache(request: pytest.FixtureRequest, valkey: Valkey, counts: Counts) -> DocumentCache:
    return DocumentCache(valkey, "order", request.param, 3600, counter=counts)


async def test_c2_a_document_is_loaded_once_and_then_comes_from_the_cache(
    cache: DocumentCache, table: Table, counts: Counts
) -> None:
    row = table.commit(document(uuid4()))
    assert await cache.lookup(row.id) is None
    for _ in range(3):
        assert await cache.get(row.id, table.loader(row.id)) == row
    assert await cache.lookup(row.id) == row
    assert table.loads == 1
    assert counts == {metric.CACHE_MISSES: 1, metric.CACHE_HITS: 3}


async def test_c2_a_miss_costs_one_look_into_the_cache(
    cache: DocumentCache, table: Table, valkey: Valkey, counts: Counts
) -> None:
    row = table.commit(document(uuid4()))
    commands: list[Any] = []
    ask, put = valkey.ask, valkey.put

    def note(key: bytes, command: Command) -> asyncio.Future[Reply]:
        commands.append(command[0])
        return ask(key, command)

    def note_question(question: Question[Any]) -> None:
        commands.append(question.words()[0])
        put(question)

    valkey.ask, valkey.put = note, note_question  # type: ignore[method-assign]
    assert await cache.lookup(row.id) is None
    assert await cache.get(row.id, table.loader(row.id)) == row
    assert commands == [b"HGET", "EVALSHA"]
    assert counts == {metric.CACHE_MISSES: 1}


async def test_c2_what_is_not_there_is_remembered_for_a_moment(
    cache: DocumentCache, table: Table, cache_user: CacheUser, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEGATIVE_SECONDS", 0.3)
    id = uuid4()
    assert await cache.get(id, table.loader(id)) is None
    assert await cache.get(id, table.loader(id)) is None
    with pytest.raises(NotFound):
        await cache.lookup(id)
    assert table.loads == 1
    assert counts == {metric.CACHE_MISSES: 1, metric.CACHE_HITS: 2}
    await asyncio.sleep(0.35)
    assert await cache.lookup(id) is None
    assert not cache_user.valkey.execute("KEYS", f"{cache_user.prefix}*").replace("(empty array)", "")


async def test_c2_what_is_created_after_it_was_missed_is_there_at_once(cache: DocumentCache, table: Table) -> None:
    id = uuid4()
    assert await cache.get(id, table.loader(id)) is None
    row = table.commit(document(id))
    await cache.written(row)
    assert await cache.get(id, table.loader(id)) == row


async def test_c2_copies_end_with_their_time(valkey: Valkey, table: Table) -> None:
    cache = DocumentCache(valkey, "order", "expiry", 1)
    row = table.commit(document(uuid4()))
    await cache.get(row.id, table.loader(row.id))
    begun = time.monotonic()
    while await cache.lookup(row.id) is not None:
        await asyncio.sleep(0.02)
    assert time.monotonic() - begun > 0.2
    table.commit(document(row.id, 2))
    found = await cache.get(row.id, table.loader(row.id))
    assert found is not None
    assert found.version == 2


async def test_c3_every_choice_lets_the_writer_read_what_it_wrote(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4()))
    await cache.written(row)
    for version in range(2, 6):
        await cache.get(row.id, table.loader(row.id))
        await cache.writing(row.id, version)
        await cache.written(table.commit(document(row.id, version)))
        found = await cache.get(row.id, table.loader(row.id))
        assert found is not None
        assert found.version == version


async def test_c3_written_through_is_there_without_a_load_and_else_it_is_loaded(
    cache: DocumentCache, table: Table
) -> None:
    row = table.commit(document(uuid4()))
    await cache.written(row)
    cached = await cache.lookup(row.id)
    assert cached == (row if cache._invalidation == "write_through" else None)
    assert await cache.get(row.id, table.loader(row.id)) == row
    assert table.loads == (0 if cached else 1)


async def test_c3_a_change_is_seen_by_all_processes(cache: DocumentCache, cache_user: CacheUser, table: Table) -> None:
    async with connected(cache_user) as elsewhere:
        other = DocumentCache(elsewhere, "order", cache._invalidation, 3600)
        row = table.commit(document(uuid4()))
        assert await other.get(row.id, table.loader(row.id)) == row
        after = table.commit(document(row.id, 2))
        await cache.written(after)
        assert await other.get(row.id, table.loader(row.id)) == after
        await cache.deleted(row.id, 2)
        del table.primary[row.id], table.replica[row.id]
        assert await other.get(row.id, table.loader(row.id)) is None


async def test_c3_an_event_drops_older_copies_and_keeps_newer_ones(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4(), 5))
    await cache.get(row.id, table.loader(row.id))
    for version in (3, 4, 5, 4, 5):
        # Late, repeated, out of order.
        await cache.changed(row.id, version)
        assert await cache.lookup(row.id) == row
    await cache.changed(row.id, 6)
    assert await cache.lookup(row.id) is None


@pytest.mark.parametrize("how", ["written", "changed"])
async def test_c3_what_a_lagging_replica_says_is_never_copied_over_what_is_known(
    cache: DocumentCache, table: Table, how: str
) -> None:
    row = table.commit(document(uuid4(), 1))
    after = table.commit(document(row.id, 2), replicated=False)
    if how == "written":
        await cache.written(after)
    else:
        await cache.changed(row.id, 2)
    if cache._invalidation == "write_through" and how == "written":
        assert await cache.get(row.id, table.loader(row.id)) == after
        return
    # Who may ask the primary gets what is true; who may not, what there is: and it isn't kept.
    assert await cache.get(row.id, table.loader(row.id)) == row
    assert await cache.lookup(row.id) is None
    assert await cache.get(row.id, table.loader(row.id), table.fresh(row.id)) == after
    assert table.fresh_loads == 1
    assert await cache.lookup(row.id) == after


async def test_c3_a_replica_that_lacks_a_new_row_doesn_t_make_it_absent(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4()), replicated=False)
    await cache.changed(row.id, 1)
    assert await cache.get(row.id, table.loader(row.id)) is None
    assert await cache.lookup(row.id) is None
    assert await cache.get(row.id, table.loader(row.id), table.fresh(row.id)) == row


async def test_c3_a_replica_that_still_has_a_deleted_row_doesn_t_bring_it_back(
    cache: DocumentCache, table: Table
) -> None:
    row = table.commit(document(uuid4(), 3))
    await cache.get(row.id, table.loader(row.id))
    await cache.deleted(row.id, 3)
    with pytest.raises(NotFound):
        await cache.lookup(row.id)
    # A load that had begun before, in another process: the same script.
    assert await cache._fill(row.id, row)
    assert await cache.get(row.id, table.loader(row.id)) is None
    assert table.loads == 1


async def test_c3_a_load_that_began_before_a_change_is_not_kept_and_not_shared(
    cache: DocumentCache, table: Table
) -> None:
    row = table.commit(document(uuid4(), 1))
    table.hold = asyncio.Event()
    early = asyncio.create_task(cache.get(row.id, table.loader(row.id)))
    await until(lambda: table.loads == 1)
    after = table.commit(document(row.id, 2))
    await cache.written(after)
    late = asyncio.create_task(cache.get(row.id, table.loader(row.id)))
    if cache._invalidation != "write_through":
        await until(lambda: table.loads == 2)
    table.hold.set()
    assert await late == after
    assert await early == row
    assert await cache.lookup(row.id) == after


async def test_c3_between_writing_and_written_nothing_old_is_served_even_if_the_writer_dies(
    valkey: Valkey, table: Table
) -> None:
    cache = DocumentCache(valkey, "order", "write_through", 3600)
    row = table.commit(document(uuid4(), 1))
    await cache.written(row)
    await cache.writing(row.id, 2)
    # Not committed yet: the old row is true, and must not become a copy.
    assert await cache.get(row.id, table.loader(row.id)) == row
    assert await cache.lookup(row.id) is None
    after = table.commit(document(row.id, 2))
    assert await cache.get(row.id, table.loader(row.id)) == after
    assert await cache.lookup(row.id) == after


async def test_c3_a_change_that_is_rolled_back_costs_the_copy_for_a_moment(
    valkey: Valkey, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITING_SECONDS", 0.2)
    cache = DocumentCache(valkey, "order", "write_through", 3600)
    row = table.commit(document(uuid4(), 1))
    await cache.written(row)
    await cache.writing(row.id, 2)
    while await cache.lookup(row.id) is None:
        assert await cache.get(row.id, table.loader(row.id)) == row
        await asyncio.sleep(0.02)
    assert await cache.lookup(row.id) == row


async def test_c3_the_newest_version_is_known_for_longer_than_a_short_lived_copy(
    valkey: Valkey, cache_user: CacheUser, table: Table
) -> None:
    cache = DocumentCache(valkey, "order", "write_through", 1)
    row = document(uuid4(), 2)
    await cache.written(row)
    key = cache._key(row.id).decode()
    assert int(cache_user.valkey.execute("PTTL", key)) > 500_000
    await until(lambda: True)
    while await cache.lookup(row.id) is not None:
        await asyncio.sleep(0.02)
    table.replica[row.id] = document(row.id, 1)
    table.primary[row.id] = row
    assert await cache.get(row.id, table.loader(row.id), table.fresh(row.id)) == row


async def test_stampede_many_readers_in_a_process_share_one_load(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4()))
    table.hold = asyncio.Event()
    readers = [asyncio.create_task(cache.get(row.id, table.loader(row.id))) for _ in range(100)]
    await until(lambda: table.loads == 1)
    for reader in readers[:50]:
        # Who gives up doesn't end the load for the others.
        reader.cancel()
    await asyncio.sleep(0)
    table.hold.set()
    assert await asyncio.gather(*readers[50:]) == [row] * 50
    assert table.loads == 1


async def test_stampede_an_error_is_everybody_s_and_not_kept(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4()))
    table.error = ConnectionError("the database is away")
    outcomes = await asyncio.gather(
        *(cache.get(row.id, table.loader(row.id)) for _ in range(10)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 10
    assert table.loads == 1
    table.error = None
    assert await cache.get(row.id, table.loader(row.id)) == row


async def test_stampede_a_copy_in_use_is_replaced_before_it_ends(
    valkey: Valkey, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = DocumentCache(valkey, "order", "expiry", 3600)
    row = table.commit(document(uuid4()))
    made = time.time()
    await cache.get(row.id, table.loader(row.id))

    def seconds_before_the_end(seconds: float) -> None:
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: made + 3600 - seconds))

    real = time.time
    outcomes = {}
    for seconds in (20.0, 2.0, 0.01):
        seconds_before_the_end(seconds)
        random.seed(1)
        outcomes[seconds] = sum([await cache.lookup(row.id) is None for _ in range(500)])
        cache._missed.clear()
    monkeypatch.setattr(module, "time", SimpleNamespace(time=real))
    # Never long before, by one reader in seven two seconds before, by nearly all at the end.
    assert outcomes[20.0] == 0
    assert 10 < outcomes[2.0] < 250
    assert outcomes[0.01] > 480

    # Whom it falls to loads, and then the copy is a new one for everybody.
    seconds_before_the_end(2.0)
    loads = table.loads
    while table.loads == loads:
        if await cache.lookup(row.id) is None:
            assert await cache.get(row.id, table.loader(row.id)) == row
    assert sum([await cache.lookup(row.id) is None for _ in range(100)]) == 0


async def test_c3_releases_with_other_fields_never_read_each_other_s_copies_and_share_invalidation(
    cache: DocumentCache, valkey: Valkey, table: Table
) -> None:
    newer = DocumentCache(valkey, "order", cache._invalidation, 3600, representation="2")
    row = table.commit(document(uuid4()))
    other = document(row.id, 1, "in other fields")
    await cache.get(row.id, table.loader(row.id))
    assert await newer.lookup(row.id) is None

    async def load() -> Document:
        return other

    assert await newer.get(row.id, load) == other
    # Side by side: neither costs the other its copy.
    assert await cache.lookup(row.id) == row
    assert await newer.lookup(row.id) == other
    await newer.written(document(row.id, 2, "in other fields"))
    assert await cache.lookup(row.id) is None


async def test_resources_do_not_share_copies(valkey: Valkey, table: Table) -> None:
    row = table.commit(document(uuid4()))
    await DocumentCache(valkey, "order", "event", 60).get(row.id, table.loader(row.id))
    assert await DocumentCache(valkey, "payment", "event", 60).lookup(row.id) is None


async def test_a_copy_that_can_t_be_read_is_a_miss(
    cache: DocumentCache, table: Table, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    row = table.commit(document(uuid4()))
    key = cache._key(row.id)
    good_until = (2**42).to_bytes(8)
    for nonsense in (b"", b"short", good_until + b"\x93\x01", good_until + b"nonsense", b"\x00" * 30):
        await valkey.ask(key, ("HSET", key, "version", "1", cache._field, nonsense))
        assert await cache.lookup(row.id) is None
        assert await cache.get(row.id, table.loader(row.id)) == row
    assert "can't be read" in caplog.text


async def test_a_huge_document_is_served_and_not_copied(cache: DocumentCache, table: Table) -> None:
    row = table.commit(document(uuid4(), 1, "x" * MOST_BYTES))
    await cache.written(row)
    for _ in range(2):
        assert await cache.get(row.id, table.loader(row.id)) == row
    assert table.loads == 2
    assert await cache.lookup(row.id) is None


async def test_without_a_cache_documents_are_loaded(table: Table, counts: Counts) -> None:
    for policy in POLICIES:
        cache = DocumentCache(None, "order", cast(Any, policy), 3600, counter=counts)
        row = table.commit(document(uuid4()))
        await cache.writing(row.id, 1)
        await cache.written(row)
        await cache.changed(row.id, 1)
        assert await cache.lookup(row.id) is None
        table.loads = 0
        assert await asyncio.gather(*(cache.get(row.id, table.loader(row.id)) for _ in range(10))) == [row] * 10
        assert table.loads == 1
        await cache.deleted(row.id, 1)
        await cache.invalidations_sent()


class Order(msgspec.Struct):
    id: UUID
    status: str


class LaterOrder(msgspec.Struct):
    id: UUID
    status: str
    note: str | None = None


def test_a_fingerprint_is_of_the_fields() -> None:
    assert fingerprint(Order) == fingerprint(Order)
    assert fingerprint(Order) != fingerprint(LaterOrder)


async def test_a_service_declares_its_caches_without_a_connection(valkey: Valkey, table: Table, counts: Counts) -> None:
    order_cache = CachedResource("order", Order, invalidation="event", seconds=60)
    with_cache, without = (cast(Any, SimpleNamespace(cache=cache, metrics=counts)) for cache in (valkey, None))
    row = table.commit(document(uuid4()))
    assert await order_cache(with_cache).get(row.id, table.loader(row.id)) == row
    assert order_cache(with_cache) is order_cache(with_cache)
    assert await order_cache(with_cache).lookup(row.id) == row
    assert order_cache(without) is not order_cache(with_cache)
    assert await order_cache(without).lookup(row.id) is None
    assert await order_cache(without).get(row.id, table.loader(row.id)) == row


@pytest.fixture
def private_user(needs_servers: None, tmp_path: Path) -> Iterator[tuple[Servers, CacheUser]]:
    directory = tmp_path / "servers"
    directory.mkdir()
    with running_servers("valkey", directory=directory) as servers:
        assert servers.valkey is not None
        servers.valkey.add_user("order", "secret-of-order", names.access_string("order:"))
        yield servers, CacheUser("order", "secret-of-order", "order:", servers.valkey)


@pytest.mark.parametrize("policy", POLICIES)
async def test_c2_while_the_cache_is_gone_documents_are_loaded_and_nothing_fails(
    private_user: tuple[Servers, CacheUser], table: Table, policy: Any
) -> None:
    servers, user = private_user
    async with connected(user) as valkey:
        cache = DocumentCache(valkey, "order", policy, 3600)
        row = table.commit(document(uuid4()))
        await cache.get(row.id, table.loader(row.id))
        servers.kill("valkey")
        await until(lambda: not valkey.reachable)
        for version in range(2, 5):
            await cache.writing(row.id, version)
            row = table.commit(document(row.id, version))
            await cache.written(row)
            assert await cache.lookup(row.id) is None
            assert await cache.get(row.id, table.loader(row.id)) == row
        servers.start("valkey")
        await cache.invalidations_sent()
        assert await cache.get(row.id, table.loader(row.id)) == row
        assert await cache.lookup(row.id) == row


@pytest.mark.parametrize("change", ["written", "deleted", "changed"])
async def test_c3_an_invalidation_missed_by_a_hanging_cache_arrives_before_an_old_copy_is_served(
    private_user: tuple[Servers, CacheUser], table: Table, change: str
) -> None:
    """The worst kind of absence: the server comes back with all that it had."""
    servers, user = private_user
    async with connected(user, answer_seconds=QUICK) as valkey:
        cache = DocumentCache(valkey, "order", "event", 3600)
        row = table.commit(document(uuid4(), 1))
        await cache.get(row.id, table.loader(row.id))
        assert await cache.lookup(row.id) == row
        servers.pause("valkey")
        try:
            after = table.commit(document(row.id, 2))
            if change == "deleted":
                del table.primary[row.id], table.replica[row.id]
                await cache.deleted(row.id, 1)
            elif change == "written":
                await cache.written(after)
            else:
                await cache.changed(row.id, 2)
            await until(lambda: not valkey.reachable)
        finally:
            servers.resume("valkey")
        expected = None if change == "deleted" else after
        while cache._pending:
            # This process never reads the old copy, not even in the moment in which the server is back.
            assert await cache.get(row.id, table.loader(row.id)) == expected
            await asyncio.sleep(0.005)
        assert await cache.get(row.id, table.loader(row.id)) == expected
        # Nor does another one from now on.
        async with connected(user) as elsewhere:
            other = DocumentCache(elsewhere, "order", "event", 3600)
            assert await other.get(row.id, table.loader(row.id)) == expected


async def test_c3_changes_that_can_not_be_sent_are_bounded_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cache_user: CacheUser
) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 10)
    async with connected(cache_user) as valkey:
        cache = DocumentCache(valkey, "order", "event", 3600)
        for number in range(15):
            cache._retry_later(UUID(int=number), 1)
        assert len(cache._pending) == 10
        assert "more changes of order" in caplog.text
        await cache.invalidations_sent()
        assert not cache._pending


class Readers:
    """Readers and a writer of one document, in two processes, through a replica that lags."""

    def __init__(self, caches: list[DocumentCache], table: Table) -> None:
        self.caches = caches
        self.table = table
        self.id = uuid4()
        self.announced = 1
        """The newest version whose writer has its answer."""
        self.reads = 0
        self.done = False
        self._random = random.Random(1)  # noqa: S311
        table.commit(document(self.id, 1))

    async def replicate(self) -> None:
        while not self.done:
            row = self.table.primary[self.id]
            await asyncio.sleep(self._random.uniform(0, 0.01))
            self.table.replica[self.id] = row

    async def write(self) -> None:
        for version in range(2, 60):
            cache = self.caches[version % 2]
            await cache.writing(self.id, version)
            await cache.written(self.table.commit(document(self.id, version), replicated=False))
            self.announced = version
            await asyncio.sleep(self._random.uniform(0, 0.005))
        self.done = True

    async def read(self, cache: DocumentCache) -> None:
        newest = 0
        while not self.done:
            announced = self.announced
            found = await cache.get(self.id, self.table.loader(self.id), self.table.fresh(self.id))
            assert found is not None
            assert found.version >= announced
            assert found.version >= newest or cache._invalidation != "write_through"
            newest = found.version
            self.reads += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("policy", POLICIES)
async def test_c3_under_concurrent_writes_a_get_after_an_invalidation_has_the_change(
    valkey: Valkey, cache_user: CacheUser, table: Table, policy: Any
) -> None:
    async with connected(cache_user) as elsewhere:
        both = Readers([DocumentCache(client, "order", policy, 3600) for client in (valkey, elsewhere)], table)
        async with asyncio.TaskGroup() as group:
            group.create_task(both.replicate())
            group.create_task(both.write())
            for cache in both.caches * 4:
                group.create_task(both.read(cache))
        assert both.reads > 50
