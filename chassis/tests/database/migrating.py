"""A service's database that is not there yet, and the folder of its migrations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import asyncpg

from chassis.tests.database.databases import StatementRecorder
from groundplan_chassis.database.database import Database
from groundplan_chassis.database.migrations import downgrade, migrate
from groundplan_chassis.environment import Address
from groundplan_chassis.settings import DatabaseAdmin, DatabaseSettings, Shard, ShardGeneration
from groundplan_devkit.ports import HOST
from groundplan_devkit.servers import Postgres
from groundplan_devkit.servers.postgres import ADMINISTRATOR
from groundplan_devkit.testing import label, trusting

SCHEMA = """
    SELECT format('%s.%s %s %s', table_name, column_name, data_type, is_nullable)
    FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('%s may %s %s', grantee, privilege_type, table_name)
    FROM information_schema.role_table_grants
    WHERE table_schema = 'public'
    ORDER BY 1
"""


@dataclass
class Stored:
    """Secrets as they are now, and, where a test says so, as they are once they are asked for anew."""

    now: dict[str, dict[str, str]]
    later: dict[str, dict[str, str]] = field(default_factory=dict)

    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        return self.later.get(arn, self.now[arn]) if fresh else self.now[arn]


@dataclass(frozen=True)
class Place:
    """Where nothing is yet: a name on one shard or two, an administrator, and a folder of migrations."""

    name: str
    postgres: Postgres
    folder: Path
    secrets: Stored
    shards: int = 1
    connections: int = 2

    @property
    def settings(self) -> DatabaseSettings:
        addresses = [Address(HOST, shard.primary.port) for shard in self.postgres.shards[: self.shards]]
        return DatabaseSettings(
            name=self.name,
            shards=tuple(Shard(address, "service", (), "service") for address in addresses),
            shard_map=(ShardGeneration(date(2026, 1, 1), len(addresses)),),
            writer_connections=self.connections,
            reader_connections=0,
            admins=tuple(DatabaseAdmin(address, f"admin-{number}") for number, address in enumerate(addresses)),
            tls=self.postgres.shards[0].tls,
            slow_query_ms=20,
        )

    def add(self, number: int, text: str) -> None:
        (self.folder / "versions" / f"{number:04}_step.py").write_text(text)

    async def up(self, revision: str = "head") -> None:
        await migrate(
            self.settings, self.secrets, self.folder, trust_file=Path(self.postgres.authority), revision=revision
        )

    async def down(self, revision: str) -> None:
        await downgrade(
            self.settings, self.secrets, self.folder, trust_file=Path(self.postgres.authority), revision=revision
        )

    async def schema(self, shard: int = 0) -> list[str]:
        connection = await asyncpg.connect(self.postgres.dsn(self.name, shard=shard))
        try:
            await connection.execute(f"SET ROLE {self.name}_owner")
            return [row[0] for row in await connection.fetch(SCHEMA)]
        finally:
            await connection.close()

    async def opened(self) -> Database:
        tls = trusting(self.postgres.authority) if self.settings.tls else None
        return await Database.open(self.settings, self.secrets, StatementRecorder(), tls)


@asynccontextmanager
async def empty_place(postgres: Postgres, folder: Path) -> AsyncIterator[Place]:
    """With no revision in its folder."""
    name = label()
    now = {
        f"admin-{number}": {"username": ADMINISTRATOR, "password": shard.admin_password}
        for number, shard in enumerate(postgres.shards)
    }
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    try:
        yield Place(name, postgres, folder, Stored({**now, "service": {"username": name, "password": "first"}}))
    finally:
        await asyncio.to_thread(postgres.drop, name, name, f"{name}_clone", f"{name}_owner")
