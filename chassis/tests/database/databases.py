"""Databases of the library on this machine's servers, and what is told of the statements that they are asked."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg

from chassis.tests.database import library
from groundplan_chassis.database.database import Database
from groundplan_chassis.environment import Address
from groundplan_chassis.settings import DatabaseSettings, Shard, ShardGeneration
from groundplan_devkit.ports import HOST
from groundplan_devkit.servers import Postgres
from groundplan_devkit.testing import label, trusting

SUPERUSER = "postgres"


@dataclass
class StatementRecorder:
    """Every statement, in the order in which they were done."""

    statements: list[str] = field(default_factory=list)

    def finished(self, statement: str, started: float) -> None:
        del started
        self.statements.append(" ".join(statement.split()))


@dataclass(frozen=True)
class TemporaryDatabase:
    """One database of one name on each of some shards; its user, of the same name, owns it."""

    name: str
    postgres: Postgres
    shards: int

    async def get(self, arn: str, *, fresh: bool = False) -> Mapping[str, str]:
        """As secrets are asked for: the same user everywhere."""
        del arn, fresh
        return {"username": self.name, "password": self.name}

    @property
    def tls(self) -> ssl.SSLContext | None:
        return trusting(self.postgres.authority) if self.postgres.shards[0].tls else None

    def port(self, shard: int = 0) -> int:
        return self.postgres.shards[shard].primary.port

    def settings(
        self, *, ports: list[int] | None = None, replicas: bool = False, writers: int = 8, readers: int = 4
    ) -> DatabaseSettings:
        """``ports``: of the primaries, where they are not to be reached directly."""
        shards = []
        for number, port in enumerate(ports or [self.port(number) for number in range(self.shards)]):
            nodes = self.postgres.shards[number].replicas if replicas else []
            shards.append(Shard(Address(HOST, port), "", tuple(Address(HOST, node.port) for node in nodes), ""))
        return DatabaseSettings(
            name=self.name,
            shards=tuple(shards),
            shard_map=(ShardGeneration(date(2026, 1, 1), len(shards)),),
            writer_connections=writers,
            reader_connections=readers if replicas else 0,
            admins=(),
            tls=True,
            slow_query_ms=20,
        )

    @asynccontextmanager
    async def opened(
        self, settings: DatabaseSettings | None = None, statements: Any = None, *, tls: bool = True
    ) -> AsyncIterator[Database]:
        """``tls``: False for a way to the server that has none."""
        where = settings or self.settings()
        database = await Database.open(where, self, statements or StatementRecorder(), self.tls if tls else None)
        try:
            yield database
        finally:
            await database.close()

    async def connect(self, shard: int = 0) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of one's own to the primary."""
        return await self._connect(self.port(shard), self.name, self.name)

    async def rule_replica(self, statement: str) -> None:
        """As the superuser on the first replica, which an administrator of RDS may not be."""
        shard = self.postgres.shards[0]
        connection = await self._connect(shard.replicas[0].port, SUPERUSER, shard.superuser_password)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        """On all shards."""
        for shard in range(self.shards):
            connection = await self.connect(shard)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

    async def empty(self) -> None:
        """As it was made."""
        await self.execute(
            f"TRUNCATE books, {library.LOAN}s CASCADE", "TRUNCATE outbox, inbox, idempotency_keys, erasures"
        )

    @asynccontextmanager
    async def altered(self, statement: str, undoing: str) -> AsyncIterator[None]:
        """While the block runs."""
        await self.execute(statement)
        try:
            yield
        finally:
            await self.execute(undoing)

    def hurried(self, setting: str) -> AbstractAsyncContextManager[None]:
        """``setting``: a time-out, 50 ms for connections that begin in the block."""
        alter = f"ALTER DATABASE {self.name}"
        return self.altered(f"{alter} SET {setting} = '50ms'", f"{alter} RESET {setting}")

    async def values(self, statement: str, *arguments: object, shard: int = 0) -> list[Any]:
        """The first column of all rows on one shard's primary."""
        connection = await self.connect(shard)
        try:
            return [row[0] for row in await connection.fetch(statement, *arguments)]
        finally:
            await connection.close()

    async def _connect(self, port: int, user: str, password: str) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            host=HOST, port=port, user=user, password=password, database=self.name, ssl=self.tls or False
        )


@asynccontextmanager
async def temporary_database(postgres: Postgres, shards: int = 1) -> AsyncIterator[TemporaryDatabase]:
    """The library's database on the first shards, as long as the block runs."""
    made = TemporaryDatabase(label(), postgres, shards)
    try:
        await _administer(
            made,
            f"CREATE ROLE {made.name} LOGIN PASSWORD '{made.name}'",
            f"GRANT {made.name} TO CURRENT_USER",
            f"CREATE DATABASE {made.name} OWNER {made.name}",
        )
        await made.execute(library.tables())
        yield made
    finally:
        await _administer(made, f"DROP DATABASE IF EXISTS {made.name} WITH (FORCE)", f"DROP ROLE IF EXISTS {made.name}")


async def _administer(target: TemporaryDatabase, *statements: str) -> None:
    for shard in range(target.shards):
        connection = await asyncpg.connect(target.postgres.dsn(shard=shard))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
