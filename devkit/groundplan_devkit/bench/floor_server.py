"""A floor as a process: `python -m groundplan_devkit.bench.floor_server`, with a service's settings, on uvicorn as it
comes or on a service's own protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import asyncpg
import httpx
import msgspec
import uvicorn
import uvloop

from groundplan.project import PROJECT_VARIABLE
from groundplan_chassis.caching.valkey import Valkey
from groundplan_chassis.connection import BoundedProtocol
from groundplan_chassis.secrets import Secrets
from groundplan_chassis.settings import Settings
from groundplan_chassis.trust import tls_context
from groundplan_devkit.bench.floor import App, cached, indexed
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.environment import process_environment
from groundplan_devkit.ports import HOST, free_port
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.state import PROJECT

KEY = "floor"
CONNECTIONS = 10
"""Of the floor's pool to PostgreSQL: more than one process keeps busy."""
_KEPT_SECONDS = 86_400
_ORDER = "BENCH_FLOOR"

Server = Literal["uvicorn", "chassis"]


class Row(msgspec.Struct, frozen=True):
    """One row of a table, by its primary key."""

    dsn: str
    table: str
    id: UUID


class Order(msgspec.Struct, frozen=True):
    """What a floor does: it answers ``body``, out of the cache, or once it has read ``row``."""

    server: Server
    body: str
    row: Row | None = None


@dataclass(frozen=True)
class Floor:
    """The process, and where it answers."""

    process: ServerProcess
    url: str

    def stop(self) -> None:
        self.process.stop()


def start_floor(on: Stage, service: str, order: Order) -> Floor:
    """Starts it with the cache and the user of the service."""
    port = free_port()
    process = ServerProcess(
        name=f"floor-{port}",
        command=[sys.executable, "-m", "groundplan_devkit.bench.floor_server"],
        directory=str(on.directory),
        environment={
            PROJECT_VARIABLE: str(PROJECT),
            **process_environment(on.installation, service, "api", port=port),
            _ORDER: msgspec.json.encode(order).decode(),
        },
    )
    process.start()
    try:
        process.wait_until(lambda: _answers(port))
    except BaseException:
        process.stop()
        raise
    return Floor(process, f"http://{HOST}:{port}/")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}/").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def main() -> None:
    """Serves until it is told to stop."""
    settings = Settings.from_environment(os.environ, "api")
    order = msgspec.json.decode(os.environ[_ORDER], type=Order)
    async with _application(settings, order) as application:
        config = uvicorn.Config(
            application,
            HOST,
            settings.port,
            loop="none",
            http="httptools" if order.server == "uvicorn" else BoundedProtocol,
            lifespan="off",
            access_log=False,
        )
        await uvicorn.Server(config).serve()


async def _left_as_it_is(connection: object) -> None:
    """The pool's own reset would be a second question to the database for each request."""


@contextlib.asynccontextmanager
async def _application(settings: Settings, order: Order) -> AsyncIterator[App]:
    body = order.body.encode()
    if order.row is not None:
        # A table's name is the declaration's.
        statement = f'SELECT * FROM "{order.row.table}" WHERE id = $1'  # noqa: S608
        pooled = asyncpg.create_pool(order.row.dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=_left_as_it_is)
        async with pooled as pool:
            yield indexed(pool, statement, order.row.id, body)
        return
    assert settings.cache is not None
    tls = tls_context(settings.trust_file) if settings.cache.tls else None
    async with Secrets(settings.region, settings.aws_endpoint_url) as secrets:
        valkey = await Valkey.open(settings.cache, secrets, tls, client_name="floor")
        await valkey.set(KEY, body, seconds=_KEPT_SECONDS)
        yield cached(valkey, KEY)
        await valkey.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
