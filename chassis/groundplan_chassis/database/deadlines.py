"""Deadlines of rows: one that stays in a state for too long is taken on, such as an order that no one pays; one that is
kept no longer is deleted (S8).

Every process that takes writes looks for such rows, in the background; the row's lock and its handler's own look at it
see to it that one of them acts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from groundplan_chassis.backoff import pause
from groundplan_chassis.context import Context
from groundplan_chassis.database.failures import describe
from groundplan_chassis.database.names import quoted
from groundplan_chassis.database.transaction import Transaction
from groundplan_chassis.http.errors import ApiError, Unavailable

LOOK_SECONDS: Final = 15.0
"""Pause between two looks."""
MOST_ROWS: Final = 500
"""Rows that are read at once."""
HANDLING_SECONDS: Final = 30.0
"""Time for one row: its handler may wait for more than the database, which has time-outs of its own."""

log = logging.getLogger(__name__)

Handle = Callable[[Transaction, UUID], Awaitable[int | None]]
"""Takes the row on, and returns its new version; None where it is no longer in the state. It locks the row first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """How long rows of a resource may stay in one state, or unchanged at all."""

    resource: str
    table: str
    after: timedelta
    """Since the row's last change."""
    handle: Handle
    field: str | None = None
    """The field that holds the state, which has an index. None: in any state; `updated_at` has the index."""
    value: str | None = None
    """The state."""
    deletes: bool = False
    """Deleted rows stay, with `deleted_at`."""

    @property
    def statement(self) -> str:
        """Takes the time since the last change, then the moment and id of the last row that is known, then the state.

        Rows come in the order of an index.
        """
        moment = "updated_at" if self.field is None else "created_at"
        state = "" if self.field is None else f" AND {quoted(self.field)} = $4"
        living = " AND deleted_at IS NULL" if self.deletes else ""
        return f"""
            SELECT id, {moment} AS moment
            FROM {quoted(self.table)}
            WHERE updated_at < now() - $1::interval AND ({moment}, id) > ($2::timestamptz, $3::uuid){state}{living}
            ORDER BY {moment}, id
            LIMIT {MOST_ROWS}
        """  # noqa: S608 - names are quoted


class Deadlines:
    """The background work of a process."""

    def __init__(self, context: Context, deadlines: Sequence[Deadline]) -> None:
        self._context = context
        self._deadlines = deadlines
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        while not await pause(LOOK_SECONDS, self._stop):
            for deadline in self._deadlines:
                for shard in self._context.database.shards:
                    await self._look(deadline, shard)

    def stop(self) -> None:
        """What was begun is ended."""
        self._stop.set()

    async def _look(self, deadline: Deadline, shard: int) -> None:
        """A failure is logged, and the next look tries again."""
        state = () if deadline.field is None else (deadline.value,)
        database = self._context.database
        last: tuple[object, UUID] = datetime.min.replace(tzinfo=UTC), UUID(int=0)
        try:
            while True:
                arguments = (deadline.after, *last, *state)
                rows = await database.fetch(deadline.statement, *arguments, shard=shard, fresh=True)
                for row in rows:
                    if self._stop.is_set():
                        return
                    await self._take_on(deadline, row["id"], shard)
                if len(rows) < MOST_ROWS:
                    return
                last = rows[-1]["moment"], rows[-1]["id"]
        except Unavailable as error:
            log.info("deadlines of %s on shard %d are looked at later: %s", deadline.resource, shard, error.message)
        except Exception as error:
            log.exception(
                "deadlines of %s on shard %d can't be kept", deadline.resource, shard, extra={"error": describe(error)}
            )

    async def _take_on(self, deadline: Deadline, identifier: UUID, shard: int) -> None:
        async def work(transaction: Transaction) -> int | None:
            return await deadline.handle(transaction, identifier)

        try:
            async with asyncio.timeout(HANDLING_SECONDS):
                version = await self._context.database.write(work, shard=shard)
        except Unavailable:
            raise
        except TimeoutError:
            log.warning(
                "the deadline of a row was not kept in %.0f s, and is looked at again",
                HANDLING_SECONDS,
                extra={"aggregate_id": str(identifier), "error": "TimeoutError"},
            )
            return
        except ApiError as error:
            log.warning(
                "the deadline of a row can't be kept: %s",
                error.message,
                extra={"aggregate_id": str(identifier), "error": error.code},
            )
            return
        if version is not None and self._context.changed is not None:
            await self._context.changed(deadline.resource, identifier, version)
