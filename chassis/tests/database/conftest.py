"""What the tests of the database share: the library's tables on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.tests.database.databases import StatementRecorder, TemporaryDatabase, temporary_database
from groundplan_chassis.database.database import Database
from groundplan_devkit.servers import Postgres
from groundplan_devkit.servers import servers as running_servers


@pytest.fixture(scope="package")
def two_shards() -> Iterator[Postgres]:
    with running_servers("postgres", private=True, shards=2, replicas=0) as servers:
        assert servers.postgres is not None
        yield servers.postgres


@pytest.fixture(scope="package")
async def shared_target(postgres_server: Postgres) -> AsyncIterator[TemporaryDatabase]:
    async with temporary_database(postgres_server) as made:
        yield made


@pytest.fixture
async def target(shared_target: TemporaryDatabase) -> TemporaryDatabase:
    """One shard, with nothing in it."""
    await shared_target.empty()
    return shared_target


@pytest.fixture
def recorded() -> StatementRecorder:
    return StatementRecorder()


@pytest.fixture
async def db(target: TemporaryDatabase, recorded: StatementRecorder) -> AsyncIterator[Database]:
    async with target.opened(statements=recorded) as database:
        yield database
