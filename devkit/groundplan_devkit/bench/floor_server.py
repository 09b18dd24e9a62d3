"""The floor as a process: `python -m groundplan_devkit.bench.floor_server`, with a service's settings, on a service's
HTTP server."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass

import httpx
import uvicorn
import uvloop

from groundplan.project import PROJECT_VARIABLE
from groundplan_chassis.caching.valkey import Valkey
from groundplan_chassis.secrets import Secrets
from groundplan_chassis.settings import Settings
from groundplan_chassis.trust import tls_context
from groundplan_devkit.bench.floor import floor
from groundplan_devkit.bench.stage import Stage
from groundplan_devkit.environment import process_environment
from groundplan_devkit.ports import HOST, free_port
from groundplan_devkit.processes import ServerProcess
from groundplan_devkit.state import PROJECT

KEY = "floor"
_KEPT_SECONDS = 86_400
_BODY = "BENCH_FLOOR_BODY"


@dataclass(frozen=True)
class Floor:
    """The process, and where it answers."""

    process: ServerProcess
    url: str

    def stop(self) -> None:
        self.process.stop()


def start_floor(on: Stage, service: str, body: bytes) -> Floor:
    """Starts it with the cache and the user of the service; it answers ``body``."""
    port = free_port()
    process = ServerProcess(
        name=f"floor-{port}",
        command=[sys.executable, "-m", "groundplan_devkit.bench.floor_server"],
        directory=str(on.directory),
        environment={
            PROJECT_VARIABLE: str(PROJECT),
            **process_environment(on.installation, service, "api", port=port),
            _BODY: body.decode(),
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
    assert settings.cache is not None
    tls = tls_context(settings.trust_file) if settings.cache.tls else None
    async with Secrets(settings.region, settings.aws_endpoint_url) as secrets:
        valkey = await Valkey.open(settings.cache, secrets, tls, client_name="floor")
        await valkey.set(KEY, os.environ[_BODY].encode(), seconds=_KEPT_SECONDS)
        config = uvicorn.Config(
            floor(valkey, KEY), HOST, settings.port, loop="none", http="httptools", lifespan="off", access_log=False
        )
        await uvicorn.Server(config).serve()
        await valkey.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
