"""What the tests of the database share: the library's tables on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.tests.database.sites import Site, Told, site_on
from groundplan_chassis.database.database import Database
from groundplan_devkit.servers import Postgres
from groundplan_devkit.servers import servers as running_servers


@pytest.fixture(scope="package")
def two_shards() -> Iterator[Postgres]:
    with running_servers("postgres", private=True, shards=2, replicas=0) as servers:
        assert servers.postgres is not None
        yield servers.postgres


@pytest.fixture(scope="package")
async def kept_site(postgres_server: Postgres) -> AsyncIterator[Site]:
    async with site_on(postgres_server) as made:
        yield made


@pytest.fixture
async def site(kept_site: Site) -> Site:
    """One shard, with nothing in it."""
    await kept_site.empty()
    return kept_site


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def db(site: Site, told: Told) -> AsyncIterator[Database]:
    async with site.opened(statements=told) as database:
        yield database
