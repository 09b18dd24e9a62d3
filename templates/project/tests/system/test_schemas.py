"""The services' migrations make the tables that the declaration says, and take them away again (D1, D2, A3, A4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from chassis.database.migrations import downgrade, migrate
from chassis.secrets import Secrets
from chassis.settings import Settings
from infra.architecture.data_model import service_ddl
from infra.commands.openapi import coded
from infra.system.loader import load_system
from infra.system.model import System
from local.environment import process_environment
from local.provision import Installation
from local.servers import Servers
from local.services import folder_of
from local.state import PROJECT
from local.testing import FreshDatabase, label

SERVICES = [service for service, _ in coded(PROJECT)]

CATALOG = {
    "columns": """
        SELECT table_name, ordinal_position, column_name, data_type, character_maximum_length, numeric_precision,
            numeric_scale, is_nullable, column_default, is_identity, identity_generation
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        ORDER BY 1, 2
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        ORDER BY 1, 2
    """,
    "indexes": """
        SELECT tablename, indexname, indexdef
        FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        ORDER BY 1, 2
    """,
}
"""Everything about tables that two schemas could differ in."""

Catalog = dict[str, list[Any]]


def catalog_of(dsn: str) -> Catalog:
    with psycopg.connect(dsn) as connection:
        return {what: connection.execute(query).fetchall() for what, query in CATALOG.items()}


@pytest.fixture(scope="module")
def declared() -> System:
    return load_system(PROJECT / "system.yaml")


@pytest.fixture(scope="module")
def installed(declared: System, servers: Servers) -> Iterator[Installation]:
    made = Installation(declared, servers, label=label())
    yield made
    made.remove()


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_make_what_is_declared_and_take_it_away(
    service: str,
    declared: System,
    installed: Installation,
    database: FreshDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in installed.machine().items():
        monkeypatch.setenv(name, value)
    postgres = installed.servers.postgres
    assert postgres is not None
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        connection.execute(service_ddl(declared, service))
    expected = catalog_of(postgres.dsn(database.name))
    assert expected["columns"]
    migrated = postgres.dsn(installed.database_name(service))

    asyncio.run(_migrate(installed, service, "head"))
    assert catalog_of(migrated) == expected, "say in a new migration what system.yaml says, or the other way round"
    asyncio.run(_migrate(installed, service, "base"))
    assert catalog_of(migrated) == {what: [] for what in CATALOG}
    asyncio.run(_migrate(installed, service, "head"))
    assert catalog_of(migrated) == expected


async def _migrate(installed: Installation, service: str, revision: str) -> None:
    settings = Settings.from_environment(process_environment(installed, service, "migrate"), "migrate")
    folder = folder_of(service) / "migrations"
    async with Secrets(settings.region, settings.aws_endpoint_url) as secrets:
        known = (settings.database, secrets, folder)
        if revision == "base":
            await downgrade(*known, revision=revision, trust_file=settings.trust_file)
        else:
            await migrate(*known, revision=revision, trust_file=settings.trust_file)
