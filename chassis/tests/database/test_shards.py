"""Rows on two shards: where new ones go, and that an id alone tells where its row is (D3)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase, temporary_database
from chassis.tests.database.library import BookBody, add, call
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.idempotency import KEPT, create_once
from groundplan_chassis.database.sharding import ShardMap
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.documents import Document
from groundplan_chassis.http.errors import ApiError, Conflict, Detail, NotFound, ValidationFailed
from groundplan_chassis.identifiers import derived_id, new_id, shard_of
from groundplan_chassis.problems import ProblemsFound
from groundplan_chassis.settings import ShardGeneration
from groundplan_devkit.servers import Postgres

BOOK = BookBody(reader="r-1", pages=7)
SECOND_SHARD = date(2026, 10, 1)
GENERATIONS = (ShardGeneration(date(2026, 1, 1), 1), ShardGeneration(SECOND_SHARD, 2))
DAY_BEFORE = datetime(2026, 9, 30, 23, 30, tzinfo=UTC)


class Clock:
    """Stands still where a test has put it."""

    def __init__(self, now: datetime) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()


@pytest.fixture(scope="module")
async def shared_target(two_shards: Postgres) -> AsyncIterator[TemporaryDatabase]:
    async with temporary_database(two_shards, 2) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock(DAY_BEFORE)


@pytest.fixture
async def db(target: TemporaryDatabase, clock: Clock) -> AsyncIterator[Database]:
    settings = replace(target.settings(), shard_map=GENERATIONS)
    database = await Database.open(settings, target, StatementRecorder(), target.tls, clock)
    yield database
    await database.close()


async def create(transaction: Transaction) -> Document:
    return await add(transaction, BOOK)


async def test_a_row_is_found_by_its_id_alone(target: TemporaryDatabase, db: Database) -> None:
    made = await asyncio.gather(*(db.write(create, shard=number % 2) for number in range(10)))
    assert Counter(shard_of(document.id) for document in made) == {0: 5, 1: 5}
    for document in made:
        shard = db.locate(document.id)
        assert shard == shard_of(document.id)
        row = await db.fetchrow("SELECT id FROM books WHERE id = $1", document.id, shard=shard)
        assert row is not None
        assert await target.values("SELECT id FROM books WHERE id = $1", document.id, shard=1 - shard) == []


async def test_an_effect_of_an_event_lies_where_it_is_meant_to(db: Database) -> None:
    event_id = new_id(0)
    effects = {derived_id(event_id, label, 1) for label in ("book", "book", "loan")}
    assert len(effects) == 2
    assert {db.locate(each) for each in effects} == {1}


async def test_an_id_of_a_shard_that_is_not_there_is_of_nothing(db: Database) -> None:
    for shard in (2, 63):
        with pytest.raises(NotFound):
            db.locate(new_id(shard))
    assert db.locate(uuid4()) == 0


async def test_new_rows_go_to_what_a_generation_has(db: Database, clock: Clock) -> None:
    assert {db.place() for _ in range(100)} == {0}
    clock.moment = DAY_BEFORE + timedelta(hours=1)
    spread = Counter(db.place() for _ in range(400))
    assert spread.keys() == {0, 1}
    assert min(spread.values()) > 100
    assert {db.place(at=DAY_BEFORE) for _ in range(100)} == {0}


async def test_a_key_has_its_place(db: Database, clock: Clock) -> None:
    clock.moment = DAY_BEFORE + timedelta(days=30)
    keys = [f"r-1 {number}" for number in range(200)]
    places = [db.place(key) for key in keys]
    assert places == [db.place(key) for key in keys]
    assert set(places) == {0, 1}


async def test_a_key_that_was_used_before_a_generation_began_is_known_after_it(
    target: TemporaryDatabase, db: Database, clock: Clock
) -> None:
    """A repetition after midnight would be put on the other shard, which does not have the key."""
    clock.moment = DAY_BEFORE + timedelta(hours=1)
    request = next(each for each in (call(BOOK) for _ in range(100)) if db.place(f"r-1 {each.idempotency_key}") == 1)
    clock.moment = DAY_BEFORE
    document = await create_once(db, request, create)
    clock.moment = DAY_BEFORE + timedelta(hours=1)
    assert db.earlier_places(f"r-1 {request.idempotency_key}", KEPT) == (0,)
    assert await create_once(db, request, create) == document
    with pytest.raises(ValidationFailed):
        await create_once(db, call(BookBody(reader="r-1", pages=8), request.idempotency_key), create)
    assert [await target.values("SELECT count(*) FROM books", shard=shard) for shard in (0, 1)] == [[1], [0]]
    clock.moment = DAY_BEFORE + timedelta(hours=25)
    assert db.earlier_places(f"r-1 {request.idempotency_key}", KEPT) == ()


async def test_one_shard_that_is_away_takes_its_own_rows_alone(target: TemporaryDatabase) -> None:
    """What is asked of all of them can't be answered; readiness stays, as a part of all requests can be."""
    unused = target.settings(ports=[target.port(0), 1])
    async with target.opened(unused) as db:
        document = await db.write(create, shard=0)
        assert await db.fetchval("SELECT id FROM books", shard=0) == document.id
        state = await db.state()
        assert state.away == ("primary of shard 1",)
        await db.ping()


@pytest.mark.parametrize(
    ("widths", "shards", "expected"),
    [
        ([2, 1], 2, "never become fewer"),
        ([1, 3], 2, "1 to 2"),
        ([0], 1, "1 to 1"),
        ([], 1, "one at least"),
        ([1], 65, "1 to 64"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(widths: list[int], shards: int, expected: str) -> None:
    generations = [ShardGeneration(date(2026, 1, 1 + day), width) for day, width in enumerate(widths)]
    with pytest.raises(ProblemsFound, match=expected):
        ShardMap(generations, shards, Clock(DAY_BEFORE))


def test_a_map_that_has_not_begun_is_refused() -> None:
    with pytest.raises(ProblemsFound, match="has begun"):
        ShardMap([ShardGeneration(date(2026, 12, 1), 1)], 1, Clock(DAY_BEFORE))


BODIES = {shard: BookBody(reader="r-1", pages=100 + (shard or 0) + (shard is None)) for shard in (0, 1, None)}
"""By where their items must lie: beside what they refer to, or anywhere."""


@pytest.mark.parametrize("seed", range(4))
async def test_a_key_is_one_item_wherever_it_lies(
    db: Database, target: TemporaryDatabase, clock: Clock, seed: int
) -> None:
    """h15: bodies for both shards under one key, some of which are refused, at once and one after the other."""
    clock.moment = datetime(2026, 10, 2, tzinfo=UTC)
    chosen = random.Random(seed)  # noqa: S311 - no secret

    async def ask(key: UUID, shard: int | None, sound: bool) -> Document | ApiError:
        async def create(transaction: Transaction) -> Document:
            await transaction.execute("SELECT pg_sleep(0.002)")
            document = await add(transaction, BODIES[shard])
            if not sound:
                raise ValidationFailed
            return document

        try:
            return await create_once(db, call(BODIES[shard], key), create, shard=shard)
        except ApiError as error:
            return error

    for _ in range(12):
        key = uuid4()
        before = await books(target)
        answers: list[Document | ApiError] = []
        for _ in range(3):
            requests = [(chosen.choice([0, 1, None]), chosen.random() < 0.7) for _ in range(chosen.randrange(1, 4))]
            answers += await asyncio.gather(*(ask(key, *each) for each in requests))
        made = {answer.id for answer in answers if isinstance(answer, Document)}
        assert len(made) <= 1
        assert await books(target) - before == len(made), "an item without an answer, or two"
        assert {type(answer) for answer in answers} <= {Document, ValidationFailed, Conflict}


async def books(target: TemporaryDatabase) -> int:
    return sum([(await target.values("SELECT count(*) FROM books", shard=shard))[0] for shard in (0, 1)])


async def test_a_body_that_was_refused_leaves_its_key_to_another(db: Database) -> None:
    """Also where both would lie on other shards than the key's own."""
    for _ in range(6):
        key = uuid4()
        for shard, sound in ((0, False), (1, False), (0, True)):

            async def create(transaction: Transaction, sound: bool = sound) -> Document:
                if not sound:
                    raise ValidationFailed(details=[Detail("pages", "wrong")])
                return await add(transaction, BOOK)

            request = call(BookBody(reader="r-1", pages=7 + shard + 10 * sound), key)
            if sound:
                assert shard_of((await create_once(db, request, create, shard=shard)).id) == shard
            else:
                with pytest.raises(ValidationFailed) as refused:
                    await create_once(db, request, create, shard=shard)
                assert [detail.field for detail in refused.value.details] == ["pages"]
