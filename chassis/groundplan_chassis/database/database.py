"""A service's database: routing of statements to shards and replicas, retries and failover (A2, D3, P2)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import UUID

import asyncpg

from groundplan_chassis.clock import Clock, SystemClock
from groundplan_chassis.database.attempt import Attempt, Isolation, took_place
from groundplan_chassis.database.constraints import Constraints
from groundplan_chassis.database.failures import REPEATABLE, Away, refusal
from groundplan_chassis.database.login import Login, SecretSource
from groundplan_chassis.database.place import Place, Question, StatementObserver
from groundplan_chassis.database.retries import Retries
from groundplan_chassis.database.sharding import ShardMap
from groundplan_chassis.database.transaction import Record, Transaction
from groundplan_chassis.http.errors import ApiError, NotFound, Unavailable
from groundplan_chassis.identifiers import shard_of
from groundplan_chassis.settings import DatabaseSettings, Shard

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The places that answer."""

    reachable: tuple[str, ...]
    away: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shard:
    number: int
    primary: Place | None
    replicas: Place | None

    @property
    def places(self) -> list[Place]:
        return [place for place in (self.primary, self.replicas) if place is not None]


class Database:
    """All shards of a service's database, through the pools that this process's role has.

    Which server failed and how is logged. Callers see the errors of `groundplan_chassis.http.errors`: Unavailable
    while there is
    nowhere to go, Conflict and ValidationFailed for what PostgreSQL's constraints refuse; and asyncpg's own where a
    statement is wrong, which is a mistake in the program.
    """

    def __init__(self, shards: list[_Shard], shard_map: ShardMap, clock: Clock) -> None:
        self._shards = shards
        self._constraints = Constraints()
        self._map = shard_map
        self._clock = clock

    @classmethod
    async def open(
        cls,
        settings: DatabaseSettings,
        secrets: SecretSource,
        statements: StatementObserver,
        tls: ssl.SSLContext | None,
        clock: Clock | None = None,
    ) -> Self:
        """Opens the pools, also while servers are unavailable: each statement tries them again.

        ``tls``: None for plain text. Raises ProblemsFound when the shard map doesn't fit the shards.
        """
        clock = clock or SystemClock()
        shard_map = ShardMap(settings.shard_map, len(settings.shards), clock)
        shards = [
            _shard(settings, number, shard, secrets, tls, statements) for number, shard in enumerate(settings.shards)
        ]
        for result in await asyncio.gather(
            *(place.open() for shard in shards for place in shard.places), return_exceptions=True
        ):
            if isinstance(result, BaseException) and not isinstance(result, Away):
                raise result
        return cls(shards, shard_map, clock)

    async def close(self) -> None:
        """Waits for running statements and closes all connections."""
        await asyncio.gather(*(place.close() for shard in self._shards for place in shard.places))

    @property
    def shards(self) -> range:
        """Numbers of the shards."""
        return range(len(self._shards))

    def place(self, key: str | None = None, at: datetime | None = None) -> int:
        """The shard for a new aggregate; the same one for the same ``key`` while no generation of shards begins.

        ``at``: as the map was at that moment, such as an event's own, so that its redelivery meets its first effect.
        """
        return self._map.place(key, at)

    def earlier_places(self, key: str, within: timedelta) -> tuple[int, ...]:
        """Other shards where `place` may have put this key within that time."""
        now = self._clock.now()
        return self._map.places(key, now - within)[1:]

    def locate(self, identifier: UUID) -> int:
        """The shard that holds this row, if there is one. Raises NotFound for an id of no shard that exists."""
        shard = shard_of(identifier)
        if shard >= len(self._shards):
            raise NotFound
        return shard

    async def fetch(self, statement: str, *arguments: object, shard: int, fresh: bool = False) -> list[Record]:
        """Rows, from a replica where this process has one. ``fresh``: from the primary, so that the caller's own writes
        are included.

        ``fresh``: from the primary, so that one's own writes are in them. A replica that is away is replaced by the
        primary, where this process has connections to it. Raises Unavailable.
        """
        return await self._read(statement, lambda connection: connection.fetch(statement, *arguments), shard, fresh)

    async def fetchrow(self, statement: str, *arguments: object, shard: int, fresh: bool = False) -> Record | None:
        """The first row; otherwise as `fetch`."""
        return await self._read(statement, lambda connection: connection.fetchrow(statement, *arguments), shard, fresh)

    async def fetchval(self, statement: str, *arguments: object, shard: int, fresh: bool = False) -> Any:  # noqa: ANN401
        """The first column of the first row; otherwise as `fetch`."""
        return await self._read(statement, lambda connection: connection.fetchval(statement, *arguments), shard, fresh)

    async def each_shard(self, statement: str, *arguments: object, fresh: bool = False) -> list[list[Record]]:
        """The rows of all shards, queried in parallel, in the order of the shards. Raises Unavailable when one is
        away."""
        return await asyncio.gather(
            *(self.fetch(statement, *arguments, shard=number, fresh=fresh) for number in self.shards)
        )

    async def write(
        self, work: Work[T], *, shard: int, isolation: Isolation = "read_committed", idempotent: bool = False
    ) -> T:
        """Does the work in one transaction on the primary, and returns what it returns once that is committed.

        The work may be done several times, so it must do nothing but speak to the transaction: after a deadlock or a
        serialisation failure, and after a lost connection, all of which undo it whole.

        When the connection is lost during the commit itself, the transaction may or may not have taken place. Then
        the row that `Transaction.record` wrote, whose id is unique, decides: it is looked for once PostgreSQL says
        that the transaction no longer runs. Work that records nothing is done again only if it is ``idempotent``: that
        is, if doing it twice is as good as once. Otherwise, and when the outcome can't be seen in time, OutcomeUnknown
        is raised.

        Raises what the work raises (nothing is then changed), Unavailable, Conflict or ValidationFailed.
        """
        primary = self._shards[shard].primary
        if primary is None:
            raise RuntimeError(f"shard {shard}: this process has no connections to the primary, so it can't write")
        retries = Retries()
        while True:
            attempt: Attempt[T] = Attempt(primary, shard, isolation)
            try:
                return await attempt.run(work, retries.left())
            except Away as away:
                unsure = attempt.committing and not (idempotent and attempt.witness is None)
                if unsure and await took_place(primary, attempt.witness, away):
                    return attempt.result
                await retries.after_loss(away)
            except REPEATABLE as error:
                await retries.after_conflict(error)
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise (await self._refusal(primary, error) or error) from error

    async def _refusal(self, primary: Place, error: asyncpg.PostgresError | asyncpg.InterfaceError) -> ApiError | None:
        """As `failures.refusal`, with the columns of a CHECK from the catalogue: PostgreSQL tells its name alone."""
        if isinstance(error, asyncpg.CheckViolationError):
            return refusal(error, await self._constraints.columns(primary, error))
        return refusal(error)

    async def state(self) -> DatabaseState:
        """Pings every place."""
        places = [place for shard in self._shards for place in shard.places]
        answers = await asyncio.gather(*(place.ping() for place in places), return_exceptions=True)
        away = tuple(place.name for place, answer in zip(places, answers, strict=True) if answer is not None)
        return DatabaseState(tuple(place.name for place in places if place.name not in away), away)

    async def ping(self) -> None:
        """Raises Unavailable when no place answers. With one place, some requests can be answered."""
        if not (await self.state()).reachable:
            raise Unavailable

    async def _read(self, statement: str, question: Question[T], number: int, fresh: bool) -> T:
        shard = self._shards[number]
        try:
            if shard.replicas is not None and not fresh:
                try:
                    return await _repeated(shard.replicas, statement, question, patient=False)
                except (Away, *REPEATABLE):
                    if shard.primary is None:
                        raise
            if shard.primary is None:
                raise RuntimeError(f"shard {number}: this process reads from replicas only, where nothing is fresh")
            return await _repeated(shard.primary, statement, question, patient=True)
        except (Away, *REPEATABLE) as error:
            raise Unavailable from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise (refusal(error) or error) from error


async def _repeated(place: Place, statement: str, question: Question[T], *, patient: bool) -> T:
    """A read, repeated once after a failure, as a pool may hold broken connections; ``patient``: for the length of a
    short outage."""
    retries = Retries()
    while True:
        try:
            return await place.ask(statement, question, retries.left())
        except Away as away:
            if not patient and retries.number:
                raise
            await retries.after_loss(away)
        except REPEATABLE as error:
            if not patient and retries.number:
                raise
            await retries.after_conflict(error)


def _shard(
    settings: DatabaseSettings,
    number: int,
    shard: Shard,
    secrets: SecretSource,
    tls: ssl.SSLContext | None,
    statements: StatementObserver,
) -> _Shard:
    primary = replicas = None
    if settings.writer_connections:
        login = Login(settings.name, shard.secret_arn, secrets, tls)
        name = f"primary of shard {number}"
        primary = Place(name, [shard.writer], login, settings.writer_connections, statements)
    if settings.reader_connections and shard.readers:
        # Towards PgBouncer there is no TLS of its own (`groundplan_components.database.pooler`).
        login = Login(settings.name, shard.reader_secret_arn, secrets, None if shard.pooled else tls)
        name = f"replicas of shard {number}"
        replicas = Place(name, shard.readers, login, settings.reader_connections, statements)
    return _Shard(number, primary, replicas)
