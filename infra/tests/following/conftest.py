from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from groundplan_devkit.servers import Postgres
from groundplan_devkit.testing import FreshDatabase, label
from infra.tests.following.databases import Connection


@pytest.fixture(scope="module")
def connection(postgres_server: Postgres) -> Iterator[Connection]:
    """One database for all: each test begins with an empty schema."""
    name = label()
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    postgres_server.execute(f"GRANT {name} TO CURRENT_USER")
    postgres_server.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        dsn = FreshDatabase(name, name, name, postgres_server).dsn
        options = "-c synchronous_commit=off"
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None, options=options) as made:
            yield made
    finally:
        postgres_server.drop(name, name)
