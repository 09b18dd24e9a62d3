"""The background work of processes that take writes: open erasure requests are done, and closed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from groundplan_chassis.backoff import pause
from groundplan_chassis.database.failures import describe
from groundplan_chassis.erasure import requests
from groundplan_chassis.erasure.requests import ErasureRequest
from groundplan_chassis.erasure.work import Erased, erase
from groundplan_chassis.http.errors import Unavailable
from groundplan_chassis.observe import correlation, names

if TYPE_CHECKING:
    from groundplan_chassis.context import Context
    from groundplan_chassis.database.transaction import Transaction
    from groundplan_chassis.service import Service

LOOK_SECONDS: Final = 5.0
"""Pause between two looks for open requests."""

log = logging.getLogger(__name__)


class Erasures:
    """The background work of a process."""

    def __init__(self, service: Service, context: Context) -> None:
        self._service = service
        self._context = context
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`."""
        while not await pause(LOOK_SECONDS, self._stop):
            for shard in self._context.database.shards:
                await self._look(shard)

    def stop(self) -> None:
        """What was begun is ended."""
        self._stop.set()

    async def _look(self, shard: int) -> None:
        """A failure is logged; another look tries again once the lease is over."""
        try:
            open_ = await self._context.database.write(requests.claim, shard=shard, idempotent=True)
        except Unavailable as error:
            log.info("erasures of shard %d are looked at later: %s", shard, error.message)
            return
        except Exception as error:
            log.exception("erasures of shard %d can't be read", shard, extra={"error": describe(error)})
            return
        for request in open_:
            if self._stop.is_set():
                return
            try:
                await carry_out(self._service, self._context, request, shard)
            except Unavailable as error:
                log.info("an erasure is not done yet, and is tried again: %s", error.message)
            except Exception as error:
                log.exception("an erasure can't be done", extra={"error": describe(error)})


async def carry_out(service: Service, context: Context, request: ErasureRequest, shard: int) -> Erased:
    """Does the request, which stands on that shard, and closes it. Raises what `erase` raises."""
    token = correlation.begin(request.correlation_id or str(request.id))
    try:
        done = await erase(service, context, request)

        async def close(transaction: Transaction) -> None:
            await requests.complete(transaction, request.id)

        await context.database.write(close, shard=shard, idempotent=True)
        log.info(
            "a person is erased: %d rows, %d idempotency keys",
            done.rows,
            done.keys,
            extra={"event": names.LOG_AUDIT, "subject": request.actor, "operation": "erase"},
        )
        return done
    finally:
        correlation.end(token)
