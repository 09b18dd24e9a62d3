"""The stage behind the real server, on a port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import uvloop

from chassis.tests.http.shop import Stage
from groundplan_chassis.serving import Server, listen


@contextlib.contextmanager
def served(stage: Stage) -> Iterator[int]:
    """Serves in a thread; gives the port."""
    server = Server(stage.app, stage.health, listen("127.0.0.1", 0))
    loop = uvloop.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.run())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server.port
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join()
