"""Databases: shards, their users, connections and the shard map."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from groundplan_chassis.environment import Address, Environment, address, secret_arn
from groundplan_chassis.settings._patterns import matching
from groundplan_chassis.settings._roles import Role

POSTGRES_PORT: Final = 5432
MOST_SHARDS: Final = 64
"""Most shards: the declaration's limit, and the six bits of an identifier that name one."""
MOST_CONNECTIONS: Final = 1000
"""Most connections of one process to one database. PostgreSQL itself has fewer on all but the largest instances."""
_SQL_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Shard:
    """One database: writer, readers, and the secrets of their users."""

    writer: Address
    secret_arn: str
    readers: tuple[Address, ...]
    """None: everything is read from the writer."""
    reader_secret_arn: str
    """Equal to ``secret_arn`` unless a pooler with users of its own stands before the readers."""

    @property
    def pooled(self) -> bool:
        """Readers are reached through PgBouncer, which shares connections between transactions."""
        return bool(self.readers) and self.reader_secret_arn != self.secret_arn


@dataclass(frozen=True, slots=True)
class ShardGeneration:
    """From a day (UTC) on, new keys spread over the first ``shards`` shards; older keys stay where they are."""

    since: datetime.date
    shards: int


@dataclass(frozen=True, slots=True)
class DatabaseAdmin:
    """A shard's administrator, for migrations only: the instance itself, not its proxy."""

    address: Address
    secret_arn: str


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    name: str
    shards: tuple[Shard, ...]
    shard_map: tuple[ShardGeneration, ...]
    """In the order of their days; the first has begun."""
    writer_connections: int
    """Most connections of this process to the writer of each shard. 0: it reads from replicas only."""
    reader_connections: int
    """Most connections of this process to all readers of a shard together."""
    admins: tuple[DatabaseAdmin, ...]
    """One a shard, in their order; empty unless the role is `migrate`."""
    tls: bool
    """False only locally."""
    slow_query_ms: int
    """A statement that takes longer is logged (T2)."""


def read_database(environment: Environment, role: Role, local: bool) -> DatabaseSettings:
    shards = _shards(environment)
    admins: tuple[DatabaseAdmin, ...] = ()
    writer_connections = reader_connections = 0
    if role == "migrate":
        admins = _admins(environment, len(shards))
    else:
        writer_connections = environment.whole("DATABASE_WRITER_CONNECTIONS", 0, MOST_CONNECTIONS)
        reader_connections = environment.whole("DATABASE_READER_CONNECTIONS", 0, MOST_CONNECTIONS)
        _check_connections(environment, shards, writer_connections, reader_connections)
    return DatabaseSettings(
        name=environment.parsed("DATABASE_NAME", matching(_SQL_NAME), "", "a PostgreSQL name that needs no quotes"),
        shards=shards,
        shard_map=_shard_map(environment, len(shards)),
        writer_connections=writer_connections,
        reader_connections=reader_connections,
        admins=admins,
        tls=environment.choice("DATABASE_TLS", ("on", "off"), "on") == "on",
        slow_query_ms=environment.whole("SLOW_QUERY_MS", 1 if not local else 0, 60_000, unit="milliseconds"),
    )


class _ShardJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    writer: str
    secret_arn: str
    readers: tuple[str, ...]
    reader_port: int
    reader_secret_arn: str

    def read(self) -> Shard:
        return Shard(
            writer=address(self.writer, POSTGRES_PORT),
            secret_arn=secret_arn(self.secret_arn),
            readers=tuple(address(reader, self.reader_port) for reader in self.readers),
            reader_secret_arn=secret_arn(self.reader_secret_arn),
        )


class _GenerationJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    since: datetime.date
    shards: int


class _AdminJson(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    host: str
    secret_arn: str


def _shards(environment: Environment) -> tuple[Shard, ...]:
    expected = "a JSON list of shards with writer, secret_arn, readers, reader_port and reader_secret_arn"
    found = environment.json("DATABASE_SHARDS", tuple[_ShardJson, ...], (), expected)
    if not environment.has("DATABASE_SHARDS"):
        return ()
    try:
        shards = tuple(shard.read() for shard in found)
    except ValueError as error:
        environment.refuse("DATABASE_SHARDS", f"hosts and the ARNs of secrets ({error})", "deploy again with `make up`")
        return ()
    if not 1 <= len(shards) <= MOST_SHARDS and not environment.problems:
        environment.refuse("DATABASE_SHARDS", f"1 to {MOST_SHARDS} shards", "deploy again with `make up`")
    return shards


def _shard_map(environment: Environment, shards: int) -> tuple[ShardGeneration, ...]:
    expected = "a JSON list of generations with `since` (a day) and `shards`, the oldest first"
    name = "DATABASE_SHARD_MAP"
    found = environment.json(name, tuple[_GenerationJson, ...], (), expected)
    generations = tuple(ShardGeneration(each.since, each.shards) for each in found)
    days = [generation.since for generation in generations]
    counts = [generation.shards for generation in generations]
    if generations and (days != sorted(set(days)) or counts != sorted(counts) or counts[0] < 1):
        environment.refuse(name, "days that rise, and shards that never become fewer", "mend shard_map in system.yaml")
    elif generations and shards and counts[-1] > shards:
        environment.refuse(
            name, f"at most the {shards} shards that DATABASE_SHARDS lists", "deploy both together with `make up`"
        )
    elif generations and days[0] > datetime.datetime.now(datetime.UTC).date():
        environment.refuse(name, "a first generation that has begun", "give it a day that has come, in system.yaml")
    elif not generations and environment.has(name) and not any(each.where == name for each in environment.problems):
        environment.refuse(name, "one generation at least", "deploy again with `make up`")
    return generations


def _admins(environment: Environment, shards: int) -> tuple[DatabaseAdmin, ...]:
    name = "DATABASE_ADMIN"
    expected = "a JSON list with host and secret_arn of each shard's administrator"
    found = environment.json(name, tuple[_AdminJson, ...], (), expected)
    try:
        admins = tuple(DatabaseAdmin(address(each.host, POSTGRES_PORT), secret_arn(each.secret_arn)) for each in found)
    except ValueError as error:
        environment.refuse(name, f"hosts and the ARNs of secrets ({error})", "deploy with `make up`")
        return ()
    if found and shards and len(admins) != shards:
        environment.refuse(name, f"one administrator for each of the {shards} shards", "deploy with `make up`")
    return admins


def _check_connections(environment: Environment, shards: tuple[Shard, ...], writers: int, readers: int) -> None:
    if writers == readers == 0 and environment.has("DATABASE_WRITER_CONNECTIONS"):
        environment.refuse(
            "DATABASE_WRITER_CONNECTIONS",
            "at least 1 here or in DATABASE_READER_CONNECTIONS",
            "a process without connections can do nothing: deploy again with `make up`",
        )
    if readers and shards and not all(shard.readers for shard in shards):
        environment.refuse(
            "DATABASE_READER_CONNECTIONS",
            "0 while a shard of DATABASE_SHARDS has no readers",
            "deploy both together with `make up`",
        )
