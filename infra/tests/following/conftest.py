from __future__ import annotations

from collections.abc import Iterator

import pytest

from groundplan_devkit.servers import Postgres
from infra.tests.following.databases import Connection, fresh


@pytest.fixture(scope="module")
def connection(postgres_server: Postgres) -> Iterator[Connection]:
    """One database for all: each test begins with an empty schema."""
    with fresh(postgres_server) as made:
        yield made
