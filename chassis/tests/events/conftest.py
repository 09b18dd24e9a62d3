"""What the tests of events share: databases with the order service's tables, and contexts around them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.tests.events import shop
from groundplan_chassis.database.database import Database
from groundplan_chassis.settings import DatabaseSettings
from groundplan_devkit.testing import FreshDatabase


@pytest.fixture
def recorded() -> shop.MetricRecorder:
    return shop.MetricRecorder()


@pytest.fixture
async def tables(database: FreshDatabase) -> FreshDatabase:
    """A database with the order service's tables."""
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute(shop.tables())
    finally:
        await connection.close()
    return database


@pytest.fixture
def where(tables: FreshDatabase) -> DatabaseSettings:
    return shop.database_settings(tables.name, [tables.postgres.shards[0].primary.port])


@pytest.fixture
def credentials(tables: FreshDatabase) -> shop.Credentials:
    return shop.Credentials(tables.user, tables.password)


@pytest.fixture
async def db(tables: FreshDatabase, where: DatabaseSettings, credentials: shop.Credentials) -> AsyncIterator[Database]:
    opened = await Database.open(where, credentials, shop.NoStatements(), tables.tls)
    yield opened
    await opened.close()
