"""Load on the event loop restarts no process, and a loop that stands still ends it."""

from __future__ import annotations

import contextlib
import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from groundplan_chassis import assembly, process
from groundplan_chassis.health import Health
from groundplan_chassis.serving import Server, listen
from groundplan_chassis.signals import StopOrder

PROGRAM = """
import asyncio, re, time
from groundplan_chassis import watchdog

watchdog.BEAT_SECONDS, watchdog.STALLED_SECONDS = 0.05, {limit}

async def work():
    with watchdog.watchdog():
        {work}
    {after}

asyncio.run(work())
"""
PAGE = msgspec.json.encode({"data": [{"id": index, "note": "x" * 9_000} for index in range(300)]})
"""2.7 MB, as a large page has."""
LONGEST_SECONDS = 60
"""After which a test gives up: far beyond what a busy machine needs."""


def ended(work: str, limit: float, after: str = "pass") -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(work=work, limit=limit, after=after)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
    )


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("time.sleep(600)", id="waiting"),
        # Holds the interpreter's lock: no thread of Python's could say anything.
        pytest.param("re.match('(a+)+$', 'a' * 64 + 'b')", id="in C code"),
    ],
)
def test_a_loop_that_stands_still_ends_the_process_and_says_where(work: str) -> None:
    done = ended(work, limit=0.5)
    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:00.5")
    assert "in work" in done.stderr


def test_a_loop_that_turns_under_load_goes_on_and_nothing_is_watched_afterwards() -> None:
    work = "[time.sleep(0.05) or await asyncio.sleep(0) for _ in range(100)]"
    done = ended(work, limit=3, after="time.sleep(3.5)")
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_port_answers_while_the_loop_is_at_heavy_pages() -> None:
    """What Kubernetes asks for, and the load balancer doesn't."""
    server = Server(None, Health(), listen("127.0.0.1", 0))
    connected = threading.Event()

    def connect() -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=LONGEST_SECONDS):
            connected.set()

    asking = threading.Thread(target=connect)
    asking.start()
    begun = time.monotonic()
    while not connected.is_set() and time.monotonic() - begun < LONGEST_SECONDS:
        msgspec.json.encode(msgspec.json.decode(PAGE))
    asking.join()
    assert connected.is_set()
    server.stop()
    await server.run()


@pytest.mark.parametrize("local", [False, True])
async def test_roles_are_watched_but_for_local_ones_which_a_debugger_may_hold(
    local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    @contextlib.contextmanager
    def watchdog() -> Iterator[None]:
        seen.append("begun")
        yield
        seen.append("ended")

    @contextlib.asynccontextmanager
    async def opened(*_: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(health=Health())

    monkeypatch.setattr(process, "watchdog", watchdog)
    monkeypatch.setattr(process, "listen", lambda *_: listen("127.0.0.1", 0))
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(assembly, "opened", opened)
    monkeypatch.setattr(assembly, "workers", lambda *_: [])
    order = StopOrder()
    order.give("SIGTERM")
    settings: Any = SimpleNamespace(role="relay", service="order", local=local, port=0)
    service: Any = SimpleNamespace(version="1")
    observation: Any = None
    await process._role(service, settings, observation, order)
    assert seen == ([] if local else ["begun", "ended"])
