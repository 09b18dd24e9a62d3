"""The services' migrations make the tables that the declaration says, and take them away again (D1, D2, A3, A4)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from groundplan.document.data_model import service_ddl
from groundplan.following.revisions import finished
from groundplan.migrations import judged
from groundplan_chassis.database.migrations import downgrade, migrate
from groundplan_chassis.secrets import Secrets
from groundplan_chassis.settings import Settings
from groundplan_devkit.environment import process_environment
from groundplan_devkit.provision import Installation
from groundplan_devkit.services import folder_of
from groundplan_devkit.state import PROJECT
from groundplan_devkit.testing import FreshDatabase

# Not the order of columns: one that is added later comes after all others.
CATALOG = {
    "column": """
        SELECT table_name || '.' || column_name,
            concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                CASE WHEN is_nullable = 'NO' THEN 'NOT NULL' END,
                'DEFAULT ' || column_default,
                'GENERATED ' || identity_generation || ' AS IDENTITY')
        FROM information_schema.columns
            JOIN pg_attribute a ON a.attrelid = format('public.%I', table_name)::regclass AND a.attname = column_name
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        ORDER BY 1
    """,
    "constraint": """
        SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        ORDER BY 1
    """,
    "index": """
        SELECT tablename || '.' || indexname, indexdef
        FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        ORDER BY 1
    """,
}
"""Everything about tables that two schemas could differ in, each with a name."""

Catalog = dict[str, dict[str, str]]
"""Definitions by name, by kind of thing."""


def catalog_of(dsn: str) -> Catalog:
    with psycopg.connect(dsn) as connection:
        return {kind: dict(connection.execute(query).fetchall()) for kind, query in CATALOG.items()}


def differences(declared: Catalog, migrated: Catalog) -> list[str]:
    """A line for each thing that is in one alone or not the same in both."""
    lines = []
    for kind in CATALOG:
        wanted, there = declared[kind], migrated[kind]
        for name in sorted({*wanted, *there}):
            if name not in there:
                lines.append(f"{kind} {name}: declared, and no migration makes it: {wanted[name]}")
            elif name not in wanted:
                lines.append(f"{kind} {name}: made by a migration, and not declared: {there[name]}")
            elif wanted[name] != there[name]:
                lines.append(f"{kind} {name}: declared as {wanted[name]}; migrations make {there[name]}")
    return lines


def listed(service: str, lines: list[str]) -> str:
    """What to do about differences: no traceback says it better than the file to write."""
    versions = folder_of(service) / "migrations" / "versions"
    numbers = sorted(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    last = numbers[-1] if numbers else "0000"
    return "\n".join(
        [
            f"system.yaml and the migrations of {service} differ:",
            *(f"  - {line}" for line in lines),
            f"Run `make follow`, which writes it; or services/{service}/migrations/versions/{int(last) + 1:04}_<what "
            f"changes>.py by hand, with {last} as its down_revision, up and down; or correct system.yaml.",
        ]
    )


def check_migrations(
    service: str, installed: Installation, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, into: Path
) -> None:
    """Up, down and up again: the tables that `system.yaml` declares, then none, then the same. None of the migrations
    would stop or break a system in use, without saying why it may (`groundplan.migrations`).

    With the migrations that wait for a second release, gathered in ``into``: in the end the tables are as declared.
    """
    if refused := judged(PROJECT, [service]):
        pytest.fail("\n".join(map(str, refused)), pytrace=False)
    migrations = finished(folder_of(service), into)
    for name, value in installed.machine().items():
        monkeypatch.setenv(name, value)
    postgres = installed.servers.postgres
    assert postgres is not None
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as connection:
        connection.execute(service_ddl(installed.system, service))
    expected = catalog_of(postgres.dsn(database.name))
    assert expected["column"]
    migrated = [
        postgres.dsn(installed.database_name(service), shard=shard) for shard in range(installed.shards_of(service))
    ]

    asyncio.run(_migrate(installed, service, migrations, "head"))
    for shard in migrated:
        lines = differences(expected, catalog_of(shard))
        if lines:
            pytest.fail(listed(service, lines), pytrace=False)
    asyncio.run(_migrate(installed, service, migrations, "base"))
    for shard in migrated:
        assert catalog_of(shard) == {kind: {} for kind in CATALOG}, "what `upgrade` makes `downgrade` takes away"
    asyncio.run(_migrate(installed, service, migrations, "head"))
    assert [catalog_of(shard) for shard in migrated] == [expected] * len(migrated)


async def _migrate(installed: Installation, service: str, folder: Path, revision: str) -> None:
    settings = Settings.from_environment(process_environment(installed, service, "migrate"), "migrate")
    async with Secrets(settings.region, settings.aws_endpoint_url) as secrets:
        known = (settings.database, secrets, folder)
        if revision == "base":
            await downgrade(*known, revision=revision, trust_file=settings.trust_file)
        else:
            await migrate(*known, revision=revision, trust_file=settings.trust_file)
